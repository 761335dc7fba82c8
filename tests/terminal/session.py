"""A command on a real terminal, and what its screen shows."""

from __future__ import annotations

import signal

import pexpect
import pyte
from pexpect import fdpexpect
from running import PROGRAM, Compressor, until

HEIGHT = 12


class Screen:
    """What a terminal shows of all that `child` writes to it, with what has scrolled out above."""

    def __init__(self, child: pexpect.spawn | fdpexpect.fdspawn, width: int) -> None:
        self.child = child
        self.raw = ""
        self.seen: list[str] = []
        self.screen = pyte.HistoryScreen(width, HEIGHT, history=500)
        self._stream = pyte.Stream(self.screen)

    def read(self) -> bool:
        """Take in what came; False at the end."""
        try:
            text = self.child.read_nonblocking(4096, timeout=0.05)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.raw += text
        self._stream.feed(text)
        self.seen.append("\n".join(self.lines()))
        return True

    def shows(self, text: str) -> None:
        """Until the screen shows `text`."""
        until(lambda: not self.read() or any(text in line for line in self.lines()))
        assert any(text in line for line in self.lines()), self.lines()

    def lines(self) -> list[str]:
        top = ["".join(row[x].data for x in range(self.screen.columns)).rstrip()
               for row in self.screen.history.top]  # fmt: skip
        return [line for line in [*top, *(line.rstrip() for line in self.screen.display)] if line]

    def colours(self) -> set[str]:
        rows = [*self.screen.history.top, *self.screen.buffer.values()]
        return {cell.fg for row in rows for cell in row.values()}


class Session(Screen):
    """A command that has a terminal of its own."""

    def __init__(
        self,
        compressor: Compressor,
        *words: str,
        width: int = 80,
        env: dict[str, str] | None = None,
        ignore: int | None = None,
    ) -> None:
        self._compressor = compressor
        child = pexpect.spawn(
            str(PROGRAM), list(words), timeout=15, encoding="utf-8", dimensions=(HEIGHT, width),
            env={**compressor.env, "TERM": "xterm-256color", **(env or {})},
            cwd=str(compressor.folder), ignore_sighup=ignore == signal.SIGHUP,
        )  # fmt: skip
        super().__init__(child, width)

    def ended(self) -> list[str]:
        """Everything that stays, once it has ended."""
        until(lambda: not self.read())
        self.child.close()
        self._compressor.check_secrets(self.raw.encode())
        self._compressor.check_tree()
        return self.lines()
