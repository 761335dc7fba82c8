"""Where a benchmark works: its folder, the variables of what it runs, the system's tools."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from measuring import Command

KEY = "sk-bench-2Rk8wQzP5nYc"
SEARCHED = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Missing(Exception):
    """A tool is not on this machine; the text says which and why."""


@dataclass(frozen=True)
class Place:
    """One run of the benchmark. `folder` is temporary; `quick`: small and with few rounds.

    `programs`: where our command and its Python lie.
    """

    folder: Path
    quick: bool
    programs: Path

    def __post_init__(self) -> None:
        settings = self.folder / "user" / ".config" / "httpie" / "config.json"
        settings.parent.mkdir(parents=True)
        settings.write_text(json.dumps({"disable_update_warnings": True}))

    @property
    def size(self) -> int:
        """Bytes of a transfer."""
        return (64 if self.quick else 1024) * 1024 * 1024

    @property
    def python(self) -> str:
        return str(self.programs / "python")

    @property
    def program(self) -> str:
        return str(self.programs / "compressor")

    def rounds(self, quick: int, full: int) -> int:
        return quick if self.quick else full

    def env(self, url: str = "", *, trust: Path | None = None) -> dict[str, str]:
        """What a command needs and nothing else. `trust`: the certificates to believe."""
        env = {
            "PATH": SEARCHED,
            "HOME": str(self.folder / "user"),
            "TMPDIR": str(self.folder),
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "GIT_CONFIG_NOSYSTEM": "1",
            "HF_HUB_OFFLINE": "1",
            "COMPRESSOR_API_KEY": KEY,
            "COMPRESSOR_STATE_DIR": str(self.folder / "state"),
            "COMPRESSOR_CONFIG": str(self.folder / "config.toml"),
        }
        if url:
            env["COMPRESSOR_API_URL"] = url
        if trust is not None:
            env["SSL_CERT_FILE"] = str(trust)
        return env

    def ours(self, *words: str, env: Mapping[str, str], terminal: bool = False) -> Command:
        return Command([self.program, *words], env, self.folder, terminal)

    def theirs(self, *words: str, env: Mapping[str, str] | None = None) -> Command:
        return Command(words, env or self.env(), self.folder)

    def new_folder(self, name: str) -> Path:
        path = self.folder / name
        path.mkdir()
        return path


def tool(name: str) -> str:
    """The path of a tool of the system. Raises Missing."""
    found = shutil.which(name, path=SEARCHED)
    if found is None:
        raise Missing(f"{name} is not on this machine")
    return found
