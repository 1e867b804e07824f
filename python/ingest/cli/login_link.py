"""Asks the admin process for a link that begins one session of the dashboard."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingest.cli.admin_client import AdminClient

PATH = "/api/v1/login-code"


def fresh(client: AdminClient) -> str:
    """Give a new link. Retryable or NeedsPerson when the admin process makes none.

    The code stands behind #, so that it reaches the server only when the page posts it.
    """
    return f"{client.url}/login#code={json.loads(client.post(PATH))['code']}"
