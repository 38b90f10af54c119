"""A download's dealings with the disk: one process at a time, archives unpacked, refusals in a sentence."""

import errno
import re
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import filelock
from tqdm.auto import tqdm

from lib.files import is_read_only
from lib.profiles import DataError


class DiskError(DataError):
    """The disk is full or refuses to be written; no other source cures that."""


@contextmanager
def writing(path: Path, size: int = 0) -> Iterator[None]:
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
    with writing(file):
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
                with writing(part, zipped.getinfo(members[path.name]).file_size):
                    part.parent.mkdir(parents=True, exist_ok=True)
                    with zipped.open(members[path.name]) as source, part.open("wb") as target:
                        shutil.copyfileobj(source, target, 1 << 20)
                part.replace(path)
    except zipfile.BadZipFile as error:  # wrong checksums are of this kind, too
        raise DataError(f"{archive}: it is damaged ({error}); delete it and run again.") from None
