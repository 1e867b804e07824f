"""The routes that take events: authenticate, check and encode in one call, append, answer.

Everything that a request needs is in memory but the append, which all share that wait.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ingest import _native, media, metrics
from ingest.api import asked, responses
from ingest.api.admission import Limited
from ingest.api.refusal_notes import Asker
from ingest.errors import IngestError, OutcomeUnknown
from ingest.serving import Route

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingest.api.admission import Admission
    from ingest.api.limits import Allowance
    from ingest.api.refusal_notes import RefusalNotes
    from ingest.serving import Request, Response
    from ingest.store.key_table import Grant
    from ingest.stream.append import Appender

SINGLE, BATCH, NATIVE = "/api/v1/event", "/api/v1/event/batch", "/v1/events"
SHAPES = {
    SINGLE: _native.SHAPE_EVENT,
    BATCH: _native.SHAPE_BATCH,
    NATIVE: _native.SHAPE_NATIVE,
}
HOUR_US = 3_600_000_000
_ACCEPTED = 202


def event_routes(
    admission: Admission,
    encoder: _native.Encoder,
    appender: Appender,
    notes: RefusalNotes,
) -> list[Route]:
    """Give the three routes."""
    return [
        Route("POST", path, EventRoute(path, admission, encoder, appender, notes).answer)
        for path in SHAPES
    ]


class EventRoute:
    """One route: its path is its label in the metrics, and says what shape a body has."""

    def __init__(
        self,
        path: str,
        admission: Admission,
        encoder: _native.Encoder,
        appender: Appender,
        notes: RefusalNotes,
    ) -> None:
        self._path = path
        self._shape = SHAPES[path]
        self._admission = admission
        self._encoder = encoder
        self._appender = appender
        self._note = notes.note

    async def answer(self, request: Request, headers: Mapping[str, str]) -> Response:
        """Answer one request; 202 only after the stream's own answer."""
        grant, allowance, charged = None, None, 0
        try:
            grant = self._admission.grant(headers)
            allowance = await self._admission.request(grant)
            media.check_body(headers, request.body)
            wish = asked.read(headers, request.query_params.multi_items())
            length = len(request.body)
            self._appender.check(length)
            received_us = time.time_ns() // 1000
            batch = self._encode(request.body, grant, received_us, wish)
            if batch.status != _ACCEPTED:
                return self._rejected(batch, Asker(self._path, headers, grant), allowance)
            if allowance is not None:
                await self._admission.events(allowance, batch.rows)
                charged = batch.rows
            del request  # its copy of the body, which nobody needs while this waits
            hour = received_us // HOUR_US
            level = await self._appender.submit(batch, grant.project_id, hour, length)
        except media.Refusal as refusal:
            return self._refused(refusal.code, Asker(self._path, headers, grant))
        except Limited as limited:
            return self._limited(limited, Asker(self._path, headers, grant))
        except IngestError as error:
            if not isinstance(error, OutcomeUnknown):
                self._admission.give_back(allowance, charged)
            return self._not_appended(error, Asker(self._path, headers, grant))
        self._count_accepted(batch, length)
        if batch.reject_counts:
            self._note(Asker(self._path, headers, grant), batch.code, batch.status, batch)
        limits = self._limits(allowance)
        return responses.accepted(batch.response, level, limits, is_minimal=wish.is_minimal)

    def _encode(
        self, body: str | bytes, grant: Grant, received_us: int, wish: asked.Asked
    ) -> _native.Batch:
        batch = self._encoder.encode(
            body,
            grant.project_id,
            received_us,
            self._shape,
            idempotency_key=wish.idempotency_key,
            strict=wish.is_strict,
            minimal=wish.is_minimal,
        )
        for code, count in batch.reject_counts:
            metrics.REJECTED.counts[code,] += count
        return batch

    def _refused(self, code: str, asker: Asker) -> Response:
        response = responses.REFUSALS[code]
        metrics.REFUSED.counts[code,] += 1
        self._note(asker, code, response.status_code)
        return response

    def _limited(self, limited: Limited, asker: Asker) -> Response:
        metrics.REFUSED.counts[limited.code,] += 1
        self._note(asker, limited.code, limited.response.status_code)
        return limited.response

    def _rejected(
        self, batch: _native.Batch, asker: Asker, allowance: Allowance | None
    ) -> Response:
        metrics.REFUSED.counts[batch.code,] += 1
        self._note(asker, batch.code, batch.status, batch)
        return responses.rejected(batch.status, batch.response, self._limits(allowance))

    def _not_appended(self, error: IngestError, asker: Asker) -> Response:
        code = responses.code_of(error)
        response = responses.not_appended(code, self._appender.retry_after_s())
        metrics.REFUSED.counts[code,] += 1
        self._note(asker, code, response.status_code)
        return response

    def _limits(self, allowance: Allowance | None) -> dict[str, str] | None:
        return None if allowance is None else self._admission.headers(allowance)

    def _count_accepted(self, batch: _native.Batch, length: int) -> None:
        metrics.EVENTS.counts[self._path,] += batch.rows
        metrics.BODY_BYTES.counts[self._path,] += length
