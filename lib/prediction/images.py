"""Image files that a user names: which there are, what their results are called, how many fit into memory."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from os.path import isdir  # False where it cannot be known; a Path raises
from pathlib import Path

from PIL import Image

from lib.profiles import DataError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")  # looked for in folders
IMAGES_AT_ONCE, PIXELS_AT_ONCE = 16, 50_000_000  # in memory: 150 MB


def find_images(places: Iterable[str | Path], output: Path) -> list[Path]:
    """Return the files named, and those of the folders named and below by their endings, each once, in order.

    What lies under `output` is not looked at. Raises DataError for a folder without images.
    """
    below = output.resolve()
    files = [_images_below(place, below) if isdir(place) else [place] for place in map(Path, places)]
    return each_once(chain.from_iterable(files))


def each_once(files: Iterable[Path]) -> list[Path]:
    """Return each file once, in order, by the first of its names."""
    found: dict[Path, Path] = {}
    for file in files:
        found.setdefault(file.resolve(), file)
    return list(found.values())


def _images_below(folder: Path, output: Path) -> list[Path]:
    files = [file for file in sorted(folder.rglob("*")) if file.suffix.lower() in SUFFIXES]
    files = [file for file in files if not file.is_dir() and not file.resolve().is_relative_to(output)]
    if not files:
        raise DataError(f"{folder}: no images there; name a folder of {', '.join(SUFFIXES)} files.")
    return files


def name_results(images: Sequence[Path]) -> list[str]:
    """Name each image's results: as the image without its ending, with a digest where that is not unique."""
    taken = Counter(image.stem.casefold() for image in images)
    names = []
    for image in images:
        digest = hashlib.sha256(str(image.resolve()).encode(errors="surrogateescape")).hexdigest()[:8]
        alone = taken[image.stem.casefold()] == 1 and len(image.stem.encode(errors="surrogateescape")) <= 200
        names.append(image.stem if alone else f"{image.stem[:40]}-{digest}")
    return names


def batches(images: Iterable[tuple[Path, object]]) -> Iterator[list[tuple[Path, object]]]:
    """Yield pairs of an image and whatever belongs to it, as many at a time as memory is meant to hold."""
    batch: list[tuple[Path, object]] = []
    pixels = 0
    for pair in images:
        size = _count_pixels(pair[0])
        if batch and (len(batch) == IMAGES_AT_ONCE or pixels + size > PIXELS_AT_ONCE):
            yield batch
            batch, pixels = [], 0
        batch.append(pair)
        pixels += size
    if batch:
        yield batch


def _count_pixels(image: Path) -> int:
    """Return an image's pixels by its header; 0 where it has none that can be read."""
    try:
        with Image.open(image) as opened:
            return opened.width * opened.height
    except Exception:  # PIL's readers of rare formats raise of every kind; reading it whole says the reason
        return 0
