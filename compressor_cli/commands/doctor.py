"""`compressor doctor`: is all well here? One line each, and what to do where it is not."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from compressor_cli.api.origin import is_loopback_host
from compressor_cli.commands.asking import ask
from compressor_cli.commands.grouping import grouped
from compressor_cli.commands.options import Connection, OutputOptions
from compressor_cli.commands.session import configured, lively, speaker
from compressor_cli.errors import CompressorError, Interrupted, worst
from compressor_cli.memory.key import Key
from compressor_cli.memory.settings import Settings
from compressor_cli.terminal.output import Output

_SKEW = 120.0
"""Seconds; a clock that is further off spoils dates in logs and certificates."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. `code` is the exit code that it stands for, 0 when all is well."""

    name: str
    text: str
    hint: str = ""
    code: int = 0


@grouped
def doctor(connection: Connection, speech: OutputOptions) -> int:
    """Look whether key, network, folders and terminal are well; one line each.

    The service is asked once, for the account. The exit code is 0 when all is well, else that of
    what is not: 2 configuration, 4 key, 5 or 6 network or service, 9 folders.

    Example: compressor doctor
    """
    output = speaker(speech)
    codes = []
    for finding in _findings(configured(connection, output), output):
        mark = "ok " if not finding.code else "BAD"
        hint = f"; {finding.hint}" if finding.hint else ""
        record = {
            "name": finding.name,
            "ok": not finding.code,
            "text": finding.text,
            "hint": finding.hint or None,
            "exit_code": finding.code,
        }
        output.result(f"{mark}  {finding.name:<12} {finding.text}{hint}", record)
        codes.append(finding.code)
    return worst(codes)


def _findings(settings: Settings, output: Output) -> Iterator[Finding]:
    loopback = is_loopback_host(_host(settings))
    yield _found("settings", lambda: f"{settings.config_path}, profile {_profile(settings)}")
    key: Key | None = None
    try:
        key = settings.key()  # once: it may come out of a pipe
        yield Finding("key", f"from {key.source}")
    except CompressorError as error:
        yield _bad("key", error)
    yield Finding("proxy", "none: the API is on this machine" if loopback else _proxy(settings))
    yield Finding("certificates", *_certificates(settings))
    yield from _service(settings, key)
    yield _found("state", lambda: _state(settings))
    yield Finding("terminal", _terminal(output))
    yield Finding("sandbox", _sandbox())


def _found(name: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(name, look())
    except CompressorError as error:
        return _bad(name, error)


def _bad(name: str, error: CompressorError) -> Finding:
    if isinstance(error, Interrupted):
        raise error
    return Finding(name, error.message, error.hint, error.exit_code)


def _profile(settings: Settings) -> str:
    return settings.profile.value or "default"


def _host(settings: Settings) -> str:
    return urlsplit(settings.api_url.value).hostname or ""


def _proxy(settings: Settings) -> str:
    """Which proxy the environment names for the API; its password is not shown."""
    proxies = getproxies()
    named = proxies.get("https") or proxies.get("all")
    if not named or proxy_bypass(_host(settings)):
        return "none"
    return named.rpartition("@")[2]


def _certificates(settings: Settings) -> tuple[str, str, int]:
    if settings.api_url.value.startswith("http://"):
        return "not needed: plain http on this machine", "", 0
    import ssl

    if named := os.environ.get("SSL_CERT_FILE"):
        known = os.path.isfile(named)  # noqa: PTH113 - the text is shown as it was given
        return (
            f"SSL_CERT_FILE, {named}",
            "" if known else "there is no such file",
            0 if known else 2,
        )
    paths = ssl.get_default_verify_paths()
    return f"the system's: {paths.cafile or paths.capath or 'none, so those of certifi'}", "", 0


def _service(settings: Settings, key: Key | None) -> Iterator[Finding]:
    if key is None:
        yield Finding("service", "not asked, without a key")
        return
    begun = time.monotonic()
    try:
        account = ask(settings, key.value)
    except CompressorError as error:
        yield _bad("service", error)
        return
    took = 1000 * (time.monotonic() - begun)
    yield Finding("service", f"{settings.api_url.value} accepts the key, in {took:.0f} ms")
    if account.skew is None:
        yield Finding("clock", "the service does not say what time it is")
        return
    off = abs(account.skew) > _SKEW
    side = "ahead of" if account.skew > 0 else "behind"
    text = f"{abs(account.skew):.0f} s {side} the service's"
    yield Finding("clock", text, "set this machine's clock" if off else "", 1 if off else 0)


def _state(settings: Settings) -> str:
    from compressor_cli.memory.ledger import Ledger

    ledger = Ledger(settings.state_dir)
    try:
        return f"{ledger.path}, can be written"
    finally:
        ledger.close()


def _terminal(output: Output) -> str:
    if not sys.stderr.isatty():
        return "stderr is no terminal: plain lines, no live view"
    columns = shutil.get_terminal_size().columns
    encoding = (sys.stderr.encoding or "").upper()
    colours = "colours" if output.modes.color else "no colours"
    view = "live view" if lively(output) else "no live view (CI, TERM or --quiet)"
    return f"{columns} columns, {encoding}, {colours}, {view}"


def _sandbox() -> str:
    if find_spec("aiohttp") is None:
        return "not installed: pip install 'compressor-cli[sandbox]'"
    if shutil.which("ffmpeg") or find_spec("imageio_ffmpeg"):
        return "installed, with ffmpeg for video and audio"
    return (
        "installed; no ffmpeg, so no video and audio: pip install 'compressor-cli[sandbox-media]'"
    )
