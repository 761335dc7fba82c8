"""A row acted out on a terminal, and text that tries to act on it."""

from __future__ import annotations

import fcntl
import os
import re
import struct
import termios
import unicodedata
from collections.abc import Collection, Mapping
from pathlib import Path

from pexpect import fdpexpect
from running import until
from terminal.session import HEIGHT, Screen

from .scene import Scene

ATTACKS = {
    "C0": "".join(chr(code) for code in (*range(1, 32), 127)),
    "C1": "".join(chr(code) for code in range(0x80, 0xA0)),
    "OSC": "\x1b]0;owned\x07\x1b]2;owned\x1b\\\x1b]8;;link:x\x1b\\y\x1b]8;;\x07\x1b]52;c;QUFB\x07",
    "DCS": "\x1bP0q\x1b\\\x1b_app\x1b\\\x1b^private\x1b\\\x9d0;owned\x9c\x90q\x9c",
    "CSI": "\x1b[2J\x1b[31m\x1b[?25l\x1b[?1049h\x1b[1;1H\x1b(0\x1bc\x9b32m",
    "bidi": "\u202e\u202d\u2066\u2069\u200e\u200f\u061c\u2028\u2029\u200b\ufeff\U000e0041",
    "markup": "[/x][link=x]click[/link][red]:smile:{0}%s",
    "surrogates": "\udc9b\udfff\ud800",
}
ATTACK = "".join(ATTACKS.values())
IN_A_NAME = os.fsdecode(
    ATTACK.replace(ATTACKS["surrogates"], "").replace("/", "").encode() + b"\xff\x9b31m"
)
"""The same as a file's name can hold it: no slash, no NUL, and bytes that are no UTF-8."""
MARKS = (r"\x1b]0;owned\x07", r"\x1b]52;c;QUFB\x07", r"\x9b32m\u202e\u202d", "[link=x]click")
"""What must be seen of it."""

_REGION = re.compile(r"\x1b\[1A|\x1b\[2K|\x1b\[[0-9;]*m|[\r\n\t]")
_ACTING = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


class AtTerminal(Screen):
    """A command of the scene whose three streams are one terminal."""

    def __init__(
        self,
        scene: Scene,
        *words: str | Path,
        env: Mapping[str, str | None] | None = None,
        width: int = 300,
    ) -> None:
        self._scene = scene
        master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, width, 0, 0))
        self.going = scene.start(*words, env=env, stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        super().__init__(fdpexpect.fdspawn(master, encoding="utf-8"), width)

    def ended(self, code: int | Collection[int]) -> str:
        """All that stays, as one text, once it has ended so; nothing was changed by it."""
        until(lambda: not self.read())
        self.child.close()
        self._scene.held(self.going.ended(), code)
        self._scene.compressor.check_secrets(self.raw.encode())
        assert "Traceback" not in self.raw, self.raw
        self.check_untouched()
        return "\n".join(self.lines())

    def check_untouched(self) -> None:
        """Title, clipboard, colours, modes and cursor are as before; only our own region moved."""
        rest = _REGION.sub("", self.raw)
        acting = {c for c in rest if unicodedata.category(c) in _ACTING}
        assert not acting, ascii(acting)
        assert self.screen.title == self.screen.icon_name == ""
        assert self.colours() == {"default"}
        assert not self.screen.cursor.hidden
        assert self.screen.cursor.attrs == self.screen.default_char
