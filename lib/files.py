"""Writing files: whole or not at all, and in one sentence why not; and telling one from another."""

import contextlib
import errno
import hashlib
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from lib.profiles import DataError

LOCK = re.compile(r"\.[0-9a-f]{32}\.lock")  # says that the writer of the temporary file beside it lives
UNWRITABLE = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM),
    *(errno.ENOTDIR, errno.EEXIST, errno.EISDIR),  # a file stands where a folder is to be, or the other way
)


@contextmanager
def write_whole(path: Path) -> Iterator[Path]:
    """Yield a temporary path that becomes `path` only if the block ends well: a file is whole or absent.

    Raises DataError where the disk is full or the folder read-only. What a writer that was killed has left,
    `remove_leftovers` removes: the lock beside a temporary file says that its writer lives.
    """
    name = f".{uuid.uuid4().hex}"
    temporary = path.with_name(f"{name}{path.suffix}")
    with disk_errors(path, temporary):
        path.parent.mkdir(parents=True, exist_ok=True)
        with _held(path.with_name(f"{name}.lock")):
            try:
                temporary.touch(exist_ok=False)
                yield temporary
                temporary.replace(path)
            finally:
                with contextlib.suppress(OSError):  # the reason why it is not there is what is to be told
                    temporary.unlink()


@contextmanager
def _held(lock_file: Path) -> Iterator[None]:
    """Hold a lock file and remove it in the end; go on without it on a file system that has no locks."""
    lock = FileLock(lock_file)
    with contextlib.suppress(OSError):
        lock.acquire()
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            lock.release()
            lock_file.unlink()


@contextmanager
def disk_errors(path: Path, temporary: Path | None = None) -> Iterator[None]:
    """Turn the system's refusals to write a file into one DataError that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        refused = path if error.filename in (None, str(temporary)) else error.filename
        raise DataError(
            f"{refused}: cannot be written ({os.strerror(error.errno)}); free space, correct the rights or "
            "let OUTPUT_DIR (of lib.predict: --output) be a folder elsewhere, and run again: what was "
            "finished is kept."
        ) from None


def is_read_only(folder: Path) -> bool:
    """Say whether nothing can be written in a folder, which need not be there yet."""
    while not folder.exists():
        folder = folder.parent
    return not os.access(folder, os.W_OK)


def sha256(path: Path) -> str:
    """Return a file's sha256, "" where there is no such file or it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def remove_leftovers(*folders: Path) -> None:
    """Remove what writers of `write_whole` that were killed have left below some folders."""
    for lock in (path for folder in folders for path in folder.rglob(".*.lock")):
        if not LOCK.fullmatch(lock.name):
            continue
        with contextlib.suppress(OSError), FileLock(lock, blocking=False):  # Timeout where the writer lives
            for left in {*lock.parent.glob(f"{lock.stem}*")} - {lock}:
                left.unlink()
            lock.unlink()
