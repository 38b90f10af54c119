"""Images of every kind: read as RGB and upright, cropped about a box, named where they cannot be read."""

import io
from pathlib import Path

import numpy as np
import pytest
from conftest import SAMPLE
from hypothesis import given
from hypothesis import strategies as st
from pictures import BOXES, PICTURES
from PIL import Image

from lib.coco import load_image
from lib.crops import grow_box, read_image
from lib.pose.estimator import PoseEstimator
from lib.profiles import DataError


def test_images_of_every_kind_are_read_as_rgb(tmp_path):
    picture = Image.fromarray(PICTURES[0])
    red, _, blue = PICTURES[0].T
    assert not np.array_equal(red, blue)
    grey = np.asarray(picture.convert("L"))
    expected = {
        "rgb.png": (picture, PICTURES[0]),
        "grey.png": (picture.convert("L"), np.stack([grey] * 3, axis=2)),
        "alpha.png": (picture.convert("RGBA"), PICTURES[0]),
        "grey_alpha.png": (picture.convert("LA"), np.stack([grey] * 3, axis=2)),
        "bits.png": (picture.convert("1"), np.asarray(picture.convert("1").convert("RGB"))),
        "palette.png": (picture.quantize(16), np.asarray(picture.quantize(16).convert("RGB"))),
        "sixteen.png": (Image.fromarray(grey.astype(np.uint16) * 257), np.stack([grey] * 3, axis=2)),
        "cmyk.tiff": (picture.convert("CMYK"), np.asarray(picture.convert("CMYK").convert("RGB"))),
    }
    for name, (image, pixels) in expected.items():
        image.save(tmp_path / name)
        read = read_image(tmp_path / name)
        assert read.dtype == np.uint8
        np.testing.assert_array_equal(read, pixels, err_msg=name)
        np.testing.assert_array_equal(read_image(str(tmp_path / name)), read)
        np.testing.assert_array_equal(read_image(Image.open(tmp_path / name)), read)
    picture.convert("CMYK").save(tmp_path / "cmyk.jpg", quality=95)
    assert np.abs(read_image(tmp_path / "cmyk.jpg").astype(int) - PICTURES[0]).mean() < 8


@pytest.mark.parametrize("orientation", range(1, 9))
def test_rotated_pictures_are_turned_upright(tmp_path, orientation):
    turns = {1: 0, 2: 0, 3: 2, 4: 2, 5: 1, 6: 1, 7: 3, 8: 3}
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.rot90(PICTURES[0], turns[orientation])
    if orientation in (2, 4, 5, 7):
        stored = stored[:, ::-1]
    if orientation in (5, 7):  # mirrored across a diagonal, not an axis
        stored = stored[::-1, ::-1]
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / "turned.png"), PICTURES[0])


def test_arrays_of_every_kind_are_read(network):
    grey = PICTURES[0][..., 0]
    for array in (grey, grey.astype(np.uint16) * 257, np.dstack([grey] * 3), np.dstack([grey] * 4)):
        np.testing.assert_array_equal(read_image(array), np.dstack([grey] * 3))
    for array in (
        grey.astype(float),
        grey.astype(np.int64),
        np.zeros((0, 5), np.uint8),
        np.dstack([grey] * 2),
    ):
        with pytest.raises(ValueError, match="expected pixels"):
            read_image(array)


def test_unreadable_files_are_named(network, tmp_path):
    Image.fromarray(PICTURES[0]).save(tmp_path / "whole.jpg")
    content = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(content[: len(content) // 2])
    (tmp_path / "text.jpg").write_text("not an image")
    Image.fromarray(PICTURES[0][..., 0].astype(np.float32)).save(tmp_path / "float.tiff")
    for name in ("cut.jpg", "text.jpg", "absent.jpg", "float.tiff"):
        with pytest.raises(ValueError, match=name):
            PoseEstimator(network=network).estimate([tmp_path / name], BOXES[:1])


@given(
    box=st.tuples(*[st.floats(-50, 150)] * 2, *[st.floats(0, 200)] * 2),
    pad=st.floats(0, 40),
    size=st.tuples(st.integers(1, 150), st.integers(1, 150)),
)
def test_crops_hold_the_box_and_lie_in_the_image(box, pad, size):
    x, y, w, h = box
    if x >= size[0] or y >= size[1] or x + w < 0 or y + h < 0:
        return
    left, top, width, height = grow_box(np.array(box), *size, pad)
    assert width >= 1
    assert height >= 1
    for low, length, start, extent, limit in ((left, width, x, w, size[0]), (top, height, y, h, size[1])):
        assert 0 <= low < low + length <= limit
        assert low <= max(0, start - pad) + 1
        assert low + length >= min(limit, start + extent + pad) - 1
        assert length <= extent + 2 * pad + 2


def test_default_crop_is_the_box_grown_by_twenty_pixels():
    np.testing.assert_array_equal(grow_box(np.array([100, 60, 30, 40]), 640, 480), [80, 40, 70, 80])


@pytest.mark.parametrize(
    ("mode", "suffix"), [("L", "png"), ("CMYK", "jpg"), ("RGBA", "png"), ("P", "gif"), ("1", "bmp")]
)
def test_images_of_every_kind_become_rgb(tmp_path, mode, suffix):
    path = tmp_path / f"image.{suffix}"
    Image.new(mode, (7, 5)).save(path)
    image = load_image(path)
    assert (image.mode, image.size) == ("RGB", (7, 5))


def test_unreadable_images_name_the_file(tmp_path):
    whole = next((SAMPLE / "images/val2014").glob("*.jpg")).read_bytes()
    for name, content in {
        "cut.jpg": whole[: len(whole) // 2],
        "text.jpg": b"not an image",
        "empty.jpg": b"",
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=f"{name}: the image cannot be decoded"):
            load_image(tmp_path / name)
    with pytest.raises(DataError, match=r"absent\.jpg: the image is missing"):
        load_image(tmp_path / "absent.jpg")


def mutate(content: bytes, rng: np.random.Generator) -> bytes:
    """Change one to four of the first 300 bytes to small numbers, as EXIF's kinds and counts are."""
    changed = bytearray(content)
    for place in rng.integers(min(300, len(content)), size=rng.integers(1, 5)):
        changed[place] = rng.integers(16)
    return bytes(changed)


def reason_against(path: Path) -> str:
    """Return why an image cannot be read, or nothing."""
    try:
        assert load_image(path).mode == "RGB"
    except DataError as error:
        return str(error)
    return ""


@pytest.mark.filterwarnings("ignore")  # PIL's, of odd fields
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_an_image_with_any_header_is_read_or_named(tmp_path, kind):
    rng, path, reasons = np.random.default_rng(0), tmp_path / "odd.image", []
    exif = Image.Exif()
    exif.update({0x0112: 6, 0x010E: "a drawing", 0x011A: 72.0, 0x8298: "nobody's"})
    picture = Image.fromarray(PICTURES[0]).resize((12, 9))
    for _ in range(300):
        file = io.BytesIO()
        picture.save(file, kind, exif=exif if kind == "TIFF" else mutate(exif.tobytes(), rng))
        # A PNG's checksums would tell of any later change.
        path.write_bytes(file.getvalue() if kind == "PNG" else mutate(file.getvalue(), rng))
        reasons.append(reason_against(path))
    told = [reason for reason in reasons if reason]
    assert 0 < len(told) < 300
    assert all(reason.startswith(f"{path}: the image cannot be decoded (") for reason in told)
    assert not [reason for reason in told if "decoded ()" in reason]
