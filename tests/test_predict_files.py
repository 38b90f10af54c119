"""Image files that a user names: each found once, results named apart, no more in memory than meant."""

import shutil
import struct
from pathlib import Path

import pytest
from conftest import SAMPLE
from PIL import Image

from lib.prediction.images import IMAGES_AT_ONCE, PIXELS_AT_ONCE, batches, find_images, name_results
from lib.profiles import DataError

PICTURES = sorted((SAMPLE / "images/val2014").glob("*.jpg"))


def test_names_of_results_are_different_and_readable():
    paths = [Path(name) for name in ("a/x.jpg", "b/x.jpg", "b/X.png", "猫.png", "長" * 80 + ".jpg", "y.jpg")]
    names = name_results(paths)
    assert len(set(map(str.casefold, names))) == len(paths)
    assert names[3] == "猫"
    assert names[5] == "y"
    assert all(len(name.encode()) <= 200 for name in names)
    assert name_results(paths[1:])[0] == names[1], "a name depends on its own file alone"


def test_images_are_found_once_below_folders_and_never_in_the_output(tmp_path):
    pictures = tmp_path / "写真"
    shutil.copytree(SAMPLE / "images/val2014", pictures, ignore=lambda folder, names: sorted(names)[3:])
    output = pictures / "out"
    (output / "overlays").mkdir(parents=True)
    shutil.copy(PICTURES[0], output / "overlays/old.jpg")
    (pictures / "deep").mkdir()
    shutil.copy(PICTURES[5], pictures / "deep/A.JPEG")
    (pictures / "read me.md").touch()
    first = sorted(pictures.glob("*.jpg"))[0]
    found = find_images([first, pictures], output)
    assert found[0] == first
    assert len(found) == len(set(found)) == 4
    assert pictures / "deep/A.JPEG" in found
    with pytest.raises(DataError, match="no images there"):
        find_images([output], output)


def test_batches_bound_images_and_pixels(tmp_path):
    sizes = [(100, 100)] * 40 + [(7000, 6000)] * 3 + [(100, 100)] * 2
    paths = []
    for number, size in enumerate(sizes):
        paths.append(tmp_path / f"{number}.png")
        Image.new("1", size).save(paths[-1])
    paths.append(tmp_path / "absent.png")
    together = list(batches((path, None) for path in paths))
    assert [path for batch in together for path, _ in batch] == paths
    pixels = {path: width * height for path, (width, height) in zip(paths, sizes, strict=False)}
    for batch in together:
        assert len(batch) <= IMAGES_AT_ONCE
        assert len(batch) == 1 or sum(pixels.get(path, 0) for path, _ in batch) <= PIXELS_AT_ONCE
    assert [len(batch) for batch in together] == [16, 16, 9, 1, 4]


def test_images_of_any_fault_are_left_to_those_who_read_them(tmp_path):
    """PIL tells a format by the content: here one whose reader raises AttributeError while it opens."""
    Image.new("F", (40, 30)).save(tmp_path / "spider.jpg", "SPIDER")
    content = bytearray((tmp_path / "spider.jpg").read_bytes())
    content[104:108] = struct.pack("=f", 1)  # one image of a stack, and no stack
    (tmp_path / "spider.jpg").write_bytes(content)
    with pytest.raises(AttributeError):
        Image.open(tmp_path / "spider.jpg")
    paths = [tmp_path / "spider.jpg", Path("n" * 300)]
    assert list(batches((path, None) for path in paths)) == [[(path, None) for path in paths]]
    assert find_images(paths, tmp_path / "out") == paths
