"""`compare serve`: the pages of a folder of runs, live while one is running, and read-only."""

import ipaddress
import socket
import socketserver
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from compare.serving.site import Answer, Site

_SECONDS_FOR_A_REQUEST = 30


class Server(ThreadingHTTPServer):
    """Answers from a folder; a thread for each request."""

    daemon_threads = True

    def __init__(self, folder: Path, host: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.site = Site(folder)
        super().__init__((host, port), _Handler)
        bound = str(self.server_address[0])
        self.is_local = ipaddress.ip_address(bound).is_loopback
        self.names = {"localhost", host.lower(), bound}

    def server_bind(self) -> None:
        """Without the look-up of the host's name that the parent makes."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: Server
    server_version = "framework-compare"
    sys_version = ""
    timeout = _SECONDS_FOR_A_REQUEST

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):  # any other method
            return self._refuse
        raise AttributeError(name)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: a terminal is no place for a log of requests."""

    def _answer(self, body: bool) -> None:
        if self._comes_from_elsewhere():
            answer = Answer(403, "text/plain", b"this server answers to its own address only\n")
        else:
            answer = self.server.site.answer(self.path)
        self._send(answer, body)

    def _refuse(self) -> None:
        self._send(Answer(405, "text/plain", b"read-only\n", {"Allow": "GET, HEAD"}), True)

    def _comes_from_elsewhere(self) -> bool:
        """Whether a page of another site had its own name resolved to this machine, to read from
        here what only this machine's browser may (DNS rebinding)."""
        host = self.headers.get("Host", "").lower()
        in_brackets, _, _ = host[1:].partition("]")  # an IPv6 address
        name = in_brackets if host.startswith("[") else host.partition(":")[0]
        return self.server.is_local and name not in self.server.names

    def _send(self, answer: Answer, body: bool) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", f"{answer.kind}; charset=utf-8")
        self.send_header("Content-Length", str(answer.length))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            with suppress(ConnectionError, TimeoutError):
                answer.write(self.wfile)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Of a request that is none: in plain text."""
        text = f"{message or 'bad request'}\n".encode(errors="replace")
        self._send(Answer(code, "text/plain", text), body=self.command != "HEAD")

    def end_headers(self) -> None:
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("Cache-Control", "no-store")
        super().end_headers()
