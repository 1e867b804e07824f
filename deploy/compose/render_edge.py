"""Write the edge's configuration for docker-compose.yml from the template that `ingest up` uses.

Usage: render_edge.py > deploy/compose/edge.conf.template. The nginx image fills in the secret.
"""

from __future__ import annotations

import re
import sys

from ingest.local import edge, problems
from ingest.settings import Settings

WORKERS = ("worker-0", "worker-1")
WORKER_PORT = 8080
FILES = 16896  # as under ulimits in docker-compose.yml

# With or without TLS: which of two files, for a template of the nginx image knows no conditions.
LISTEN = "        include listen${EDGE_TLS}.conf;\n"

HEADER = "# Written by render_edge.py; a test compares.\n"
# A container that is replaced has a new address: nginx asks Docker's own name server again.
RESOLVER = "    resolver 127.0.0.11 valid=2s ipv6=off;\n    resolver_timeout 2s;\n"

# nginx asks for the address of a log's server once, and does not start without one. So it sends to
# itself, and hands on to where admin is now.
RELAY = "127.0.0.1:8079"
RELAYED = """
stream {
    error_log stderr crit;
    resolver 127.0.0.11 valid=2s ipv6=off;
    resolver_timeout 2s;

    upstream refusals {
        zone refusals 64k;
        server admin:{{admin_port}} resolve max_fails=0;
    }

    server {
        listen 127.0.0.1:8079 udp;
        proxy_pass refusals;
        proxy_responses 0;
    }
}
"""


def config(settings: Settings) -> str:
    """Fill the template in with the names and limits of the compose file."""
    values = _values(settings)
    text = edge.TEMPLATE.read_text(encoding="utf-8") + RELAYED
    text = text.replace("server 127.0.0.1:{{admin_port}}", "server admin:{{admin_port}} resolve")
    text = text.replace("{{upstreams}}", RESOLVER + "\n{{upstreams}}")
    text = text.replace("        listen {{listen}};\n{{tls}}\n", LISTEN)
    return HEADER + re.sub(r"\{\{(\w+)\}\}", lambda name: values[name[1]], text)


def _values(settings: Settings) -> dict[str, str]:
    limits = (
        *("max_body_bytes", "max_connections", "max_address_connections"),
        *("head_timeout_s", "body_timeout_s", "admin_port"),
    )
    workers = [f"{name}:{WORKER_PORT} resolve" for name in WORKERS]
    bounds = {name: str(getattr(settings, name)) for name in limits}
    bounds |= edge.bodies(settings)
    return bounds | {
        "user": "",
        "processes": "1",
        "nofile": str(FILES),
        "connections": str(FILES - edge.SPARE_FILES // 2),
        "drain_s": str(settings.drain_timeout_s),
        "answer_s": str(int(settings.resend_s) + settings.drain_timeout_s),
        "upstreams": edge.upstreams(workers, settings),
        "edge_secret": "${EDGE_SECRET}",
        "refusals_token": "${EDGE_REFUSALS}",
        "refusals_to": RELAY,
        "ingest": edge.INGEST,
        "open": edge.OPEN,
        "problems": problems.directives(),
    }


if __name__ == "__main__":
    sys.stdout.write(config(Settings()))
