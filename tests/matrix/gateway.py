"""A real nginx on loopback, before the service or in its place."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

from running import until

from .tools import SEARCHED, needs

_CONFIG = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log {folder}/access.log combined;
    client_body_buffer_size 32m;  # its worker may be another user, who cannot write here
    proxy_max_temp_file_size 0;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    default_type application/octet-stream;
    server {{
        listen 127.0.0.1:{port};
        {rules}
    }}
}}
"""


class Gateway:
    """nginx with these `rules` for everything that it is asked. A context manager.

    `folder` is for its own files and must not be the command's.
    """

    def __init__(self, folder: Path, rules: str) -> None:
        needs("nginx")
        self._folder = folder
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port: int = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        config = _CONFIG.format(folder=folder, port=self.port, rules=rules)
        (folder / "nginx.conf").write_text(config)

    def __enter__(self) -> Gateway:
        self._process = subprocess.Popen(
            [
                "nginx",
                "-c",
                str(self._folder / "nginx.conf"),
                "-e",
                str(self._folder / "start.log"),
            ],
            env={"PATH": SEARCHED},
        )
        until(self._answers)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)

    def _answers(self) -> bool:
        assert self._process.poll() is None, (self._folder / "start.log").read_text()
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except ConnectionRefusedError:
            return False
        return True

    def answered(self) -> list[str]:
        """Each request that was answered, as `POST /1.0/upload 413`."""
        lines = (self._folder / "access.log").read_text().splitlines()
        parts = [line.split('"') for line in lines]
        return [f"{words[1].rpartition(' ')[0]} {words[2].split()[0]}" for words in parts]
