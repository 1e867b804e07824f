"""The native extension. Times are unix microseconds, ids 16 bytes. Short calls, GIL held."""

from collections.abc import Sequence
from typing import Final, final

__all__ = [
    "BUILD_PROFILE",
    "COPY_COLUMNS",
    "FLAG_NAMED",
    "LAYOUT",
    "REJECT_CODES",
    "SHAPE_BATCH",
    "SHAPE_EVENT",
    "SHAPE_NATIVE",
    "Batch",
    "Chunk",
    "Encoder",
    "EntryError",
    "Keys",
    "Limits",
    "Row",
    "Schema",
    "SchemaError",
    "pack_entry",
]

BUILD_PROFILE: Final[str]
"""`release` or `debug`; what measures refuses a debug build."""
COPY_COLUMNS: Final[tuple[str, ...]]
"""The columns of a tuple, in order."""
LAYOUT: Final[int]
"""Version of the tuples: columns, order, binary forms."""
SHAPE_EVENT: Final[int]
"""A body that is one event."""
SHAPE_BATCH: Final[int]
"""A body that is `{"events": [...]}`."""
SHAPE_NATIVE: Final[int]
"""A body that is an event, an array of events or `{"events": [...]}`."""
FLAG_NAMED: Final[int]
"""Flag of a batch or entry with client-made or derived ids, which may meet their own copy."""
REJECT_CODES: Final[tuple[tuple[str, str], ...]]
"""Every reason for a refusal: stable code and one sentence."""

class SchemaError(ValueError):
    """A schema that cannot be used; the text names the path in it and why."""

class EntryError(ValueError):
    """An entry that cannot be read."""

    code: str
    """bad_magic, unknown_version, unknown_layout, truncated, too_large, checksum, codec or
    bad_tuple."""

@final
class Limits:
    """Bounds on what a client controls; what is left out has its default. ValueError below 1."""

    def __new__(
        cls,
        *,
        max_body_bytes: int | None = None,
        max_batch_events: int | None = None,
        max_compat_events: int | None = None,
        max_event_bytes: int | None = None,
        max_depth: int | None = None,
        max_number_digits: int | None = None,
        max_number_exponent: int | None = None,
        max_indexed_bytes: int | None = None,
        max_key_bytes: int | None = None,
    ) -> Limits: ...
    @property
    def max_body_bytes(self) -> int: ...
    @property
    def max_batch_events(self) -> int: ...
    @property
    def max_compat_events(self) -> int: ...
    @property
    def max_event_bytes(self) -> int: ...
    @property
    def max_depth(self) -> int: ...
    @property
    def max_number_digits(self) -> int: ...
    @property
    def max_number_exponent(self) -> int: ...
    @property
    def max_indexed_bytes(self) -> int: ...
    @property
    def max_key_bytes(self) -> int: ...

@final
class Schema:
    """Compiled rules. SchemaError if the text is not a schema."""

    def __new__(cls, text: str) -> Schema: ...
    @staticmethod
    def builtin() -> Schema:
        """The rules that hold when none are configured."""
    @property
    def text(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def fingerprint(self) -> bytes:
        """8 bytes that stand for the text."""
    @property
    def layout(self) -> int: ...
    @property
    def event_types(self) -> tuple[str, ...]: ...

@final
class Encoder:
    """Checks and encodes a request at a time; one for each worker, seeded with 32 random bytes."""

    def __new__(cls, schema: Schema, limits: Limits, *, seed: bytes) -> Encoder: ...
    def encode(
        self,
        body: str | bytes,
        project_id: bytes,
        received_at_us: int,
        shape: int,
        *,
        idempotency_key: str | None = None,
        strict: bool = False,
        minimal: bool = False,
    ) -> Batch:
        """Encode a body, which is not copied. Bad input never raises; the batch tells."""

@final
class Batch:
    """An encoded request and its answer."""

    @property
    def status(self) -> int:
        """202, 400, 413 or 422."""
    @property
    def response(self) -> bytes:
        """The whole answer: success JSON or problem details."""
    @property
    def code(self) -> str:
        """`accepted` or the problem's code."""
    @property
    def rows(self) -> int: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def tuples(self) -> bytes:
        """COPY BINARY tuples without header or trailer; a copy each time."""
    @property
    def flags(self) -> int: ...
    @property
    def shard_hash(self) -> int:
        """For a batch with FLAG_NAMED: the same for a retry; else 0."""
    @property
    def event_ids(self) -> list[bytes]: ...
    @property
    def rejections(self) -> list[tuple[int, str, str, str]]:
        """(index, code, field, message) of each rejected event."""
    @property
    def reject_counts(self) -> list[tuple[str, int]]: ...

def pack_entry(
    batches: Sequence[Batch],
    fingerprint: bytes,
    producer: int,
    sequence: int,
    *,
    compress: bool,
) -> tuple[bytes, bytes]:
    """Join batches with the same flags into one entry: header and data.

    With `compress` the data is an LZ4 block if that saves an eighth. ValueError for no batch or
    mixed flags; EntryError above 16 MiB.
    """

@final
class Chunk:
    """Tuples of many entries, ready for COPY; straight rows (kind 0) and named (kind 1) apart."""

    def __new__(cls) -> Chunk: ...
    def push(self, header: bytes, data: bytes) -> int:
        """Add an entry and give its number of rows. An EntryError leaves the chunk as it was."""
    @staticmethod
    def peek(header: bytes) -> tuple[bytes, int, int, int, int]:
        """(fingerprint, producer, sequence, flags, rows), checksum unchecked. EntryError."""
    @staticmethod
    def claimed_rows(header: bytes) -> int:
        """Rows that a header states, damaged or not; 0 when it is none."""
    @property
    def rows(self) -> int: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def straight_rows(self) -> int: ...
    @property
    def named_rows(self) -> int: ...
    @property
    def straight(self) -> memoryview:
        """COPY header and the straight tuples, no trailer; empty without rows. A copy each time."""
    @property
    def named(self) -> memoryview:
        """COPY header and the named tuples, no trailer; empty without rows. A copy each time."""
    @property
    def ledger(self) -> list[tuple[bytes, int, int]]:
        """(project id, unix hour of receipt, rows), sorted."""
    @property
    def days(self) -> list[int]:
        """Unix days of the events' timestamps, sorted."""
    def tuples(self, kind: int, start: int, stop: int) -> bytes:
        """COPY header and rows `start` to `stop` of a kind. IndexError for other rows."""
    def keys(self, kind: int, projects: set[bytes]) -> Keys:
        """The keys of a kind's rows of these projects."""
    def without(self, kind: int, rows: set[int]) -> memoryview:
        """COPY stream of a kind without some rows; empty when none is left."""
    def ledger_of(self, kind: int, rows: set[int]) -> list[tuple[bytes, int, int]]:
        """Like `ledger`, of some rows of a kind."""
    def row(self, kind: int, index: int) -> Row:
        """One row, decoded. IndexError if there is no such row."""

@final
class Keys:
    """Keys of some rows, to ask a table which it has; three arrays in PostgreSQL's binary form."""

    @property
    def rows(self) -> list[int]:
        """The rows whose keys the arrays hold, in their order. A copy each time."""
    @property
    def repeated(self) -> list[int]:
        """Rows with the key of an earlier one; the arrays don't have them."""
    @property
    def event_ids(self) -> bytes: ...
    @property
    def project_ids(self) -> bytes: ...
    @property
    def timestamps(self) -> bytes: ...

@final
class Row:
    """A decoded row. Text that is not UTF-8 shows U+FFFD; `raw` is exact."""

    @property
    def event_id(self) -> bytes: ...
    @property
    def project_id(self) -> bytes: ...
    @property
    def timestamp_us(self) -> int: ...
    @property
    def received_at_us(self) -> int: ...
    @property
    def event_type(self) -> str: ...
    @property
    def user_id(self) -> str | None: ...
    @property
    def session_id(self) -> str | None: ...
    @property
    def properties(self) -> str:
        """JSON text."""
    @property
    def raw(self) -> bytes:
        """The tuple."""
