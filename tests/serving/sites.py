"""A server as a process, and a browser's side of it."""

import http.client
import re
import socket
import subprocess
from pathlib import Path

from conftest import begin


def start(folder: Path, *arguments: str) -> "tuple[subprocess.Popen[str], int]":
    """A server that listens, and its port."""
    process = begin(folder.parent, "serve", str(folder), "--port", "0", *arguments)
    assert process.stdout is not None
    found = re.search(r"http://\S+:(\d+)/", process.stdout.readline())
    assert found, process.communicate()
    return process, int(found[1])


class Site:
    """A browser's side of it."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port

    def ask(
        self, target: str, method: str = "GET", host: str = "", body: bytes | None = None
    ) -> tuple[int, dict[str, str], str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.putrequest(method, target, skip_host=True)
        connection.putheader("Host", host or f"127.0.0.1:{self.port}")
        if body:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, headers, answer.read().decode()

    def raw(self, sent: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as link:
            link.sendall(sent)
            link.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: link.recv(1 << 16), b""))
