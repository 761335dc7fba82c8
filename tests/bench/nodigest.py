"""The engine's upload without its digest, which no option takes away: `nodigest.py FILE`.

Prints the seconds that the transfer alone took.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from compressor_cli.api.client import ApiClient
from compressor_cli.engine.body import Digest, UploadBody


class NoDigest(Digest):
    """Takes the pieces and hashes nothing."""

    def update(self, piece: bytes) -> None:
        """Forget it."""


class Undigested(UploadBody):
    """A body that is sent as always, unhashed."""

    def __enter__(self) -> Undigested:
        super().__enter__()
        self._digest = NoDigest()
        return self


def main(name: str) -> None:
    api = ApiClient(api_url=os.environ["COMPRESSOR_API_URL"], key=os.environ["COMPRESSOR_API_KEY"])
    path = Path(name)
    body = Undigested(path, label=name, name=path.name, options={}, sent=lambda _done, _whole: None)
    begun = time.perf_counter()
    with body:
        api.upload(body)
    sys.stderr.write(f"{time.perf_counter() - begun}\n")


if __name__ == "__main__":
    main(sys.argv[1])
