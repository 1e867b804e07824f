"""Asks the admin process for a link that begins one session of the dashboard."""

from __future__ import annotations

import http.client
import json
from urllib.parse import urlsplit

from ingest.errors import NeedsPerson

PATH = "/api/v1/login-code"
TIMEOUT_S = 5.0
OK_STATUS = 200


def fresh(admin_url: str, token: str) -> str:
    """Give a new link; NeedsPerson when the admin process does not make one.

    The code stands behind #, so that it reaches the server only when the page posts it.
    """
    connection = http.client.HTTPConnection(urlsplit(admin_url).netloc, timeout=TIMEOUT_S)
    try:
        connection.request("POST", PATH, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise NeedsPerson(f"the admin process at {admin_url} does not answer: {error}") from None
    finally:
        connection.close()
    if answer.status != OK_STATUS:
        raise NeedsPerson(f"the admin process gives no link: it answers {answer.status}")
    return f"{admin_url}/login#code={json.loads(body)['code']}"
