"""The Python environments that are measured: ours, and that of the peers, as users install them.

Each holds what its packages ask for and nothing else, since others may make a start slower: where
click is installed, `import httpx` takes half as long again. They are kept in the cache folder.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from place import Missing

ROOT = Path(__file__).parents[2]
PEERS = ("httpie", "twine", "huggingface_hub")


def ours() -> Path:
    """The folder of our program, installed from this tree so that its changes count.

    Where it cannot be installed, that of this Python, if the project is installed there.
    Raises Missing.
    """
    here = Path(sys.executable).parent
    try:
        return _environment("ours", ["-e", str(ROOT)], (ROOT / "pyproject.toml").read_bytes())
    except Missing:
        if not (here / "compressor").is_file():
            raise
        return here


def peers() -> Path:
    """The folder of the peers' programs. Raises Missing."""
    return _environment("peers", PEERS, " ".join(PEERS).encode())


def peer(name: str) -> str:
    """The path of a peer's program. Raises Missing."""
    return str(peers() / name)


def _environment(name: str, packages: Sequence[str], facts: bytes) -> Path:
    """The folder of programs of an environment with these packages, made anew if `facts` differ."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = cache / "compressor-bench" / name
    made, wanted = home / "made-of", hashlib.sha1(f"{ROOT} {sys.version}".encode() + facts)
    if not made.is_file() or made.read_text() != wanted.hexdigest():
        shutil.rmtree(home, ignore_errors=True)
        _do([sys.executable, "-m", "venv", str(home)], name)
        _do([str(home / "bin" / "pip"), "install", "-q", *packages], name)
        made.write_text(wanted.hexdigest())
    return home / "bin"


def _do(words: Sequence[str], name: str) -> None:
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=600, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(f"{name} cannot be installed: {error}") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Missing(f"{name} cannot be installed: {last[:200]}")
