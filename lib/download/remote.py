"""A file to get, and whether what stands there is it: verified once, and remembered."""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import urllib3
from tqdm.auto import tqdm

from lib.download.disk import writing
from lib.files import is_read_only
from lib.profiles import DataError


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


class NotFetched(DataError):
    """No source gave the file; the `summary` of why is alike for all files that fail alike."""

    def __init__(self, file: RemoteFile, reasons: dict[str, str]) -> None:
        size = f"{file.size:,} bytes" if file.size else ""
        digests = [f"{name} {digest}" for name in ("sha256", "md5") if (digest := getattr(file, name))]
        digests = [digest if len(digest) > 30 else f"{digest}…" for digest in digests]  # known in part only
        proof = ", ".join(filter(None, [size, *digests]))
        tried = "".join(f"\n    {url}  ({reason})" for url, reason in reasons.items())
        super().__init__(f"{file.path}: put the file there{proof and f' ({proof})'}; tried{tried}")
        told = dict.fromkeys(f"{host_of(url)}: {reason}" for url, reason in reasons.items())
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
        with writing(self.file), self.file.open("a", encoding="utf-8") as stream:
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


def stamp(path: Path) -> list[int]:
    """Return size in bytes and time of modification in ns: a file with the same stamp is the same."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


def host_of(url: str) -> str:
    """Return the host of a URL, and its port."""
    return urllib3.util.parse_url(url).netloc or url
