"""A mirror on 127.0.0.1: serves a folder with ranges, keeps a log, and fails on demand."""

import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CHUNK = 4096  # bytes that a trickling server sends at once


@dataclass(frozen=True)
class Fault:
    """How the server fails on a path; without arguments it does not."""

    statuses: tuple[int, ...] = ()  # answered one a request before anything else
    body: bytes | None = None  # sent instead of the file
    ranges: bool = True  # False: a range is answered by 200 and the whole file
    cut: int | None = None  # the connection breaks after so many bytes of body
    delay: float = 0.0  # seconds between two chunks
    reset: bool = False  # the connection is reset instead of an answer


WELL = Fault()


@dataclass
class Request:
    """One line of the log; `sent` grows while the body is sent."""

    path: str
    range: str
    encoding: str = ""
    status: int = 0
    sent: int = 0


class Mirror(ThreadingHTTPServer):
    """Serves `folder`; `faults` by the end of a path, `log` in the order of arrival."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.faults: dict[str, Fault] = {}
        self.log: list[Request] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        return f"http://127.0.0.1:{self.server_port}"

    def asked(self, end: str) -> list[Request]:
        """Return the requests whose path ends so."""
        return [request for request in self.log if request.path.endswith(end)]

    def handle_error(self, *_: object) -> None:
        """Say nothing: clients that are killed are what the tests are about."""

    def enter(self, path: str, extent: str, encoding: str) -> tuple[Request, Fault]:
        """Log a request; return it and the fault in force, whose next status is taken from its list."""
        with self.lock:
            request = Request(path, extent, encoding)
            self.log.append(request)
            for end, fault in self.faults.items():
                if path.endswith(end):
                    if fault.statuses:
                        request.status = fault.statuses[0]
                        self.faults[end] = replace(fault, statuses=fault.statuses[1:])
                    return request, fault
        return request, WELL


class FailingMirror(Mirror):
    """Fails at random, alike for a seed and a request: every other time, thrice a file at most."""

    seed = 0

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.attempts: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()

    def enter(self, path: str, extent: str, encoding: str) -> tuple[Request, Fault]:
        """Draw the fault of this attempt at this path."""
        request, _ = super().enter(path, extent, encoding)
        with self.lock:
            self.attempts[path] += 1
            attempt = self.attempts[path]
        chance = random.Random(f"{self.seed} {path} {attempt}")
        file = self.folder / path.lstrip("/")
        if attempt > 3 or not file.is_file() or chance.random() < 0.5:
            return request, WELL
        cut = chance.randrange(file.stat().st_size)
        faults = {
            "reset": Fault(reset=True),
            "503": Fault(statuses=(503,)),
            "slow": Fault(delay=min(0.02, 2 * CHUNK / file.stat().st_size)),
            "broken": Fault(cut=cut),
            "truncated": Fault(body=file.read_bytes()[:cut]),
        }
        kind = chance.choice(list(faults))
        with self.lock:
            self.failed[kind] += 1
        request.status = 503 if kind == "503" else 0
        return request, faults[kind]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Mirror

    def do_GET(self) -> None:
        request, fault = self.server.enter(
            self.path, self.headers.get("Range", ""), self.headers.get("Accept-Encoding", "")
        )
        if fault.reset:
            return self._reset()
        file = self.server.folder / self.path.lstrip("/")
        if not request.status and not file.is_file():
            request.status = 404
        if request.status:
            return self._answer(request, b"", {})
        body = file.read_bytes() if fault.body is None else fault.body
        start = int(request.range.removeprefix("bytes=").rstrip("-") or 0) if fault.ranges else 0
        if start and start >= len(body):
            request.status = 416
            return self._answer(request, b"", {"Content-Range": f"bytes */{len(body)}"})
        request.status = 206 if start else 200
        extent = {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"} if start else {}
        self._answer(request, body[start:], extent, fault)

    def _answer(self, request: Request, body: bytes, headers: dict[str, str], fault: Fault = Fault()) -> None:
        self.send_response(request.status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        whole = fault.cut is None or fault.cut >= len(body)
        for start in range(0, len(body) if whole else fault.cut, CHUNK):
            chunk = body[start : min(start + CHUNK, len(body) if whole else fault.cut)]
            self.wfile.write(chunk)
            request.sent += len(chunk)
            time.sleep(fault.delay)
        self.close_connection = not whole

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Keep pytest's output clean."""


@contextmanager
def serve(folder: Path, kind: type[Mirror] = Mirror) -> Iterator[Mirror]:
    """Serve a folder while the block runs."""
    server = kind(folder)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
