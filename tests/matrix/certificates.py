"""Certificates of an authority of our own."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

import trustme

THIS_MACHINE = ("localhost", "127.0.0.1", "0.0.0.0")
"""The last leads here too, but is not plainly this machine to the command: a proxy may be used."""


class Authority:
    """Signs what it is asked to. Who trusts the file `path` trusts that."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self.path = folder / "authority.pem"
        self._ca.cert_pem.write_to_path(str(self.path))

    def server_side(
        self, *names: str, end: datetime = datetime(2099, 1, 1, tzinfo=UTC)
    ) -> ssl.SSLContext:
        """What a server with a certificate for these names (this machine's) needs."""
        begin = datetime(2020, 1, 1, tzinfo=UTC)
        issued = self._ca.issue_cert(*(names or THIS_MACHINE), not_before=begin, not_after=end)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issued.configure_cert(context)
        return context
