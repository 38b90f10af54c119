"""Fetches one file from the first of its sources that has it: resumed, verified, atomic, from many threads.

Own code, because pooch neither resumes a partial file nor tries a second host. `<name>.part` grows beside the
final name and takes that name only once verified, so a kill at any moment costs nothing.
"""

import os
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import requests
import urllib3
from tqdm.auto import tqdm

from lib.download.disk import writing
from lib.download.remote import NotFetched, RemoteFile, find_problem, host_of

THREADS = 16
CHUNK = 1 << 16  # bytes
TIMEOUT = 10, 30  # seconds to connect, seconds of silence
RESUMPTIONS = 8  # of one source, before the next is tried
PATIENCE = 2 * THREADS  # failures in a row that give up a host which has answered before
BUSY = 429, 500, 502, 503, 504
RETRY = urllib3.Retry(
    4,
    connect=2,
    status_forcelist=BUSY,
    raise_on_status=False,
    backoff_factor=0.5,
    retry_after_max=120,  # seconds
)


class Client:
    """Fetches over HTTP, from `<mirror>/` instead of `https://` if given; gives up dead hosts."""

    def __init__(self, mirror: str = "") -> None:
        self.mirror = mirror.rstrip("/")
        self.stop = threading.Event()  # once set, every thread ends at its next chunk
        self.answered: set[str] = set()
        self.failures: Counter[str] = Counter()
        self.session = requests.Session()
        for scheme in ("https://", "http://"):
            self.session.mount(scheme, requests.adapters.HTTPAdapter(max_retries=RETRY, pool_maxsize=THREADS))
        self.session.headers["Accept-Encoding"] = "identity"  # ranges of a compressed body are other bytes

    def fetch(self, file: RemoteFile, show: bool = False) -> None:
        """Put a verified file under its final name, with a progress bar if `show`.

        Raises NotFetched after the last source, DiskError, or CancelledError once `stop` is set.
        """
        part = file.path.with_name(file.path.name + ".part")
        with writing(part):
            part.parent.mkdir(parents=True, exist_ok=True)
        reasons = {}
        for source in file.urls:
            url = f"{self.mirror}/{source.partition('://')[2]}" if self.mirror else source
            for _ in range(2):  # a wrong file may come of a stale part: once more, whole
                try:
                    self._transfer(url, part, show)
                except _Unavailable as error:
                    reasons[url] = str(error)
                    break
                if not (problem := find_problem(file, part)):
                    os.replace(part, file.path)
                    return
                reasons[url] = problem
                part.unlink()
        raise NotFetched(file, reasons)

    @contextmanager
    def threads(self) -> Iterator[ThreadPoolExecutor]:
        """Run threads that end at their next chunk when the block ends by an error or by Ctrl-C."""
        pool = ThreadPoolExecutor(THREADS)
        try:
            yield pool
        except BaseException as error:
            self.stop.set()
            pool.shutdown(wait=isinstance(error, Exception), cancel_futures=True)
            raise
        pool.shutdown()

    def _transfer(self, url: str, part: Path, show: bool) -> None:
        """Bring the part to its full length, resuming where the connection breaks."""
        for attempt in range(RESUMPTIONS + 1):
            try:
                return self._receive(url, part, show)
            except urllib3.exceptions.HTTPError:
                self.stop.wait(min(30, RETRY.backoff_factor * (2**attempt - 1)))
        raise _Unavailable(f"the transfer broke off {RESUMPTIONS + 1} times")

    def _receive(self, url: str, part: Path, show: bool) -> None:
        """Ask once for what the part still lacks; urllib3's errors say that the body broke off."""
        done = part.stat().st_size if part.exists() else 0
        with self._get(url, {"Range": f"bytes={done}-"} if done else {}) as response:
            status, extent = response.status_code, response.headers.get("Content-Range", "")
            if done and status == 416 and extent == f"bytes */{done}":
                return  # it was whole already
            if done and (status == 416 or (status == 206 and not extent.startswith(f"bytes {done}-"))):
                part.unlink()
                return self._receive(url, part, show)
            if status not in (200, 206):
                raise _Unavailable(f"HTTP {status}")
            self._write(response, part, done if status == 206 else 0, show)

    def _get(self, url: str, headers: dict[str, str]) -> requests.Response:
        host = host_of(url)
        if self.stop.is_set():
            raise CancelledError
        if self.failures[host] >= (PATIENCE if host in self.answered else 1):
            raise _Unavailable("no connection")
        try:
            response = self.session.get(url, headers=headers, stream=True, timeout=TIMEOUT)
        except requests.RequestException:
            self.failures[host] += 1
            raise _Unavailable("no connection") from None
        self.answered.add(host)
        self.failures[host] = 0
        return response

    def _write(self, response: requests.Response, part: Path, done: int, show: bool) -> None:
        left = int(response.headers.get("Content-Length", 0))
        size = {"total": done + left or None, "initial": done, "unit": "B", "unit_scale": True}
        bar = tqdm(**size, desc=part.stem, disable=not show)
        with bar, writing(part, done + left), part.open("ab" if done else "wb") as stream:
            while chunk := response.raw.read1(CHUNK):  # whatever has arrived: a kill loses next to nothing
                if self.stop.is_set():
                    raise CancelledError
                stream.write(chunk)
                bar.update(len(chunk))


class _Unavailable(Exception):
    """A source does not give the file; the text is why."""
