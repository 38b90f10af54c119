"""Fetches one file from the first of its sources that has it: resumed, verified, atomic, from many threads.

Own code, because pooch neither resumes a partial file nor tries a second host. `<name>.part` grows beside the
final name and takes that name only once verified, so a kill at any moment costs nothing.
"""

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import threading
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import filelock
import requests
import urllib3
from tqdm.auto import tqdm

from lib.profiles import DataError, is_read_only

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


@dataclass(frozen=True)
class RemoteFile:
    """A file to get: its place, its sources in the order of trial, and what proves it whole.

    A prefix of `sha256` suffices. `check` looks into the file and raises DataError.
    """

    path: Path
    urls: tuple[str, ...] = ()
    size: int | None = None
    sha256: str = ""
    md5: str = ""
    check: Callable[[Path], object] | None = None


class DiskError(DataError):
    """The disk is full or refuses to be written; no other source cures that."""


class NotFetched(DataError):
    """No source gave the file; the `summary` of why is alike for all files that fail alike."""

    def __init__(self, file: RemoteFile, reasons: dict[str, str]) -> None:
        size = f"{file.size:,} bytes" if file.size else ""
        digests = [f"{name} {digest}" for name in ("sha256", "md5") if (digest := getattr(file, name))]
        digests = [digest if len(digest) > 30 else f"{digest}…" for digest in digests]  # known in part only
        proof = ", ".join(filter(None, [size, *digests]))
        tried = "".join(f"\n    {url}  ({reason})" for url, reason in reasons.items())
        super().__init__(f"{file.path}: put the file there{proof and f' ({proof})'}; tried{tried}")
        told = dict.fromkeys(f"{_host(url)}: {reason}" for url, reason in reasons.items())
        self.file, self.summary = file, "; ".join(told)


def find_problem(file: RemoteFile, path: Path) -> str:
    """Say what is wrong with a copy of a file; "" where nothing is."""
    size = path.stat().st_size
    if file.size not in (None, size):
        return f"it has {size:,} bytes, not {file.size:,}"
    for method, expected in (("sha256", file.sha256), ("md5", file.md5)):
        if expected:
            with path.open("rb") as stream:
                found = hashlib.file_digest(stream, method).hexdigest()
            if not found.startswith(expected):
                return f"its {method} is {found}, not {expected}"
    try:
        if file.check:
            file.check(path)
    except DataError as error:
        return str(error).removeprefix(f"{path}: ")
    return ""


@contextmanager
def disk_errors(path: Path, size: int = 0) -> Iterator[None]:
    """Turn the system's errors of writing into a DiskError; it says what a file of this size still lacks."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            refused = f"{error.filename or path}: cannot be read or written"
            raise DiskError(f"{refused} ({error.strerror}); check its rights.") from None
        lacks = max(0, size - (path.stat().st_size if path.exists() else 0)) / 1e6
        needs = f"; this file needs {lacks:,.3f} MB more" if size else ""
        raise DiskError(f"{path}: the disk is full{needs}. Free space, run again: it goes on.") from None


@contextmanager
def only_process(file: Path) -> Iterator[None]:
    """Hold a lock file, waiting while another process holds it; DiskError where the disk refuses."""
    if is_read_only(file.parent):  # nobody writes there
        yield
        return
    with disk_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(file)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            tqdm.write(f"{file}: another process downloads; waiting until it has ended.")
            lock.acquire()
        try:
            yield
        finally:
            lock.release()


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
        with disk_errors(part):
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
        host = _host(url)
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
        with bar, disk_errors(part, done + left), part.open("ab" if done else "wb") as stream:
            while chunk := response.raw.read1(CHUNK):  # whatever has arrived: a kill loses next to nothing
                if self.stop.is_set():
                    raise CancelledError
                stream.write(chunk)
                bar.update(len(chunk))


class Verified:
    """Remembers which files were verified, by size and modification time, in lines that bear a kill."""

    def __init__(self, file: Path) -> None:
        self.file, self.stamps = file, {}
        for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else []:
            with contextlib.suppress(ValueError):  # blank, or cut by a kill
                name, self.stamps[name] = json.loads(line)

    def holds(self, path: Path) -> bool:
        """Say whether a file stands there, unchanged since it was verified."""
        known = self.stamps.get(self._name(path))
        return known is not None and path.exists() and stamp(path) == known

    def add(self, path: Path) -> None:
        """Remember that a file was verified, where that can be written."""
        self.stamps[self._name(path)] = stamp(path)
        if is_read_only(self.file.parent):
            return
        with disk_errors(self.file), self.file.open("a", encoding="utf-8") as stream:
            stream.write("\n" + json.dumps([self._name(path), stamp(path)]))  # a cut line spoils only itself

    def stands(self, file: RemoteFile) -> bool:
        """Say whether a file is there and whole, and look into it only once."""
        if self.holds(file.path):
            return True
        if passes := self.passes(file):
            self.add(file.path)
        return passes

    def passes(self, file: RemoteFile) -> bool:
        """Verify a file that stands there; a wrong one is set aside, never deleted: it may be the user's."""
        if not file.path.exists():
            return False
        if not (problem := find_problem(file, file.path)):
            return True
        names = (file.path.with_name(f"{file.path.name}.bad{number or ''}") for number in range(1_000))
        aside = next(path for path in names if not path.exists())
        file.path.rename(aside)
        tqdm.write(f"{file.path}: {problem}; kept as {aside.name}, and fetched anew.")
        return False

    def _name(self, path: Path) -> str:
        return os.path.relpath(path, self.file.parent)


class _Unavailable(Exception):
    """A source does not give the file; the text is why."""


def unpack(archive: Path, paths: list[Path]) -> None:
    """Unpack the members of these names, each to its path, whole or not at all."""
    try:
        with zipfile.ZipFile(archive) as zipped:
            members = {PurePosixPath(name).name: name for name in zipped.namelist()}
            for name in zipped.namelist():
                if re.match(r"[/\\]|\w:", name) or ".." in re.split(r"[/\\]", name):
                    raise DataError(f"{archive}: member {name!r} would land outside; delete this archive.")
            for path in tqdm(paths, desc=archive.name, unit="file"):
                if path.name not in members:
                    raise DataError(f"{archive}: it has no {path.name}; delete it and run again.")
                part = path.with_name(path.name + ".part")
                with disk_errors(part, zipped.getinfo(members[path.name]).file_size):
                    part.parent.mkdir(parents=True, exist_ok=True)
                    with zipped.open(members[path.name]) as source, part.open("wb") as target:
                        shutil.copyfileobj(source, target, 1 << 20)
                part.replace(path)
    except zipfile.BadZipFile as error:  # wrong checksums are of this kind, too
        raise DataError(f"{archive}: it is damaged ({error}); delete it and run again.") from None


def _host(url: str) -> str:
    return urllib3.util.parse_url(url).netloc or url


def stamp(path: Path) -> list[int]:
    """Return size in bytes and time of modification in ns: a file with the same stamp is the same."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]
