"""The caller's environment: a bench measures with settings that it names, and inherits none."""

from __future__ import annotations

import os
from typing import Final

from ingest.settings import PREFIX

#: Of the product and of the baseline.
PREFIXES: Final = (PREFIX, "BASELINE_")


def leave_out_settings() -> list[str]:
    """Take settings out of this process's environment, for its children too; give their names."""
    names = sorted(name for name in os.environ if name.startswith(PREFIXES))
    for name in names:
        del os.environ[name]
    return names
