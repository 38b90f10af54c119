"""COCO's files, read and checked: annotations at full size in seconds, images of any kind as RGB.

`instances_train2014.json` holds 600,000 objects in a third of a gigabyte, most of it masks that nothing here
uses. Parsing skips them and checks every other field; pycocotools then indexes what belongs to the wanted
images. Format: cocodataset.org/#format-data. Errors are `DataError` and name the file, the field and the fix.
"""

import contextlib
import io
import re
from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import pandas as pd
from PIL import Image, ImageOps
from pycocotools.coco import COCO

from lib.profiles import DataError

# joint: its mirror image, and COCO's sigma: how far annotators disagree, relative to the root of the person's
# area. In COCO's order; left is the person's own left.
JOINTS = {
    "nose": ("nose", 0.026),
    "left_eye": ("right_eye", 0.025),
    "right_eye": ("left_eye", 0.025),
    "left_ear": ("right_ear", 0.035),
    "right_ear": ("left_ear", 0.035),
    "left_shoulder": ("right_shoulder", 0.079),
    "right_shoulder": ("left_shoulder", 0.079),
    "left_elbow": ("right_elbow", 0.072),
    "right_elbow": ("left_elbow", 0.072),
    "left_wrist": ("right_wrist", 0.062),
    "right_wrist": ("left_wrist", 0.062),
    "left_hip": ("right_hip", 0.107),
    "right_hip": ("left_hip", 0.107),
    "left_knee": ("right_knee", 0.087),
    "right_knee": ("left_knee", 0.087),
    "left_ankle": ("right_ankle", 0.089),
    "right_ankle": ("left_ankle", 0.089),
}
KEYPOINTS = tuple(JOINTS)
FLIP_INDICES = tuple(KEYPOINTS.index(mirror) for mirror, _ in JOINTS.values())
SIGMAS = np.array([sigma for _, sigma in JOINTS.values()])
BOX = ["x", "y", "w", "h"]

UNREADABLE = Exception  # what PIL raises for files that are damaged or no images: nearly anything

# Joints that a line joins, by number, in COCO's order.
# fmt: off
SKELETON = (
    (15, 13), (13, 11), (16, 14), (14, 12), (11, 12), (5, 11), (6, 12), (5, 6), (5, 7), (6, 8), (7, 9),
    (8, 10), (1, 2), (0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6),
)
# fmt: on

Id = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_Pixels = Annotated[int, msgspec.Meta(ge=1, le=2**31)]
Files = str | Path | Sequence[str | Path]


class _Image(msgspec.Struct):
    id: Id
    file_name: str
    width: _Pixels
    height: _Pixels


class _Annotation(msgspec.Struct, gc=False):  # without cycles, so not worth the collector's time
    """What is read of a COCO annotation; masks, by far the largest part, are skipped while parsing."""

    id: Id
    image_id: Id
    category_id: Id
    bbox: tuple[float, float, float, float]
    num_keypoints: int = 0
    keypoints: list[float] = []


class _Category(msgspec.Struct):
    id: Id
    name: str


class _CocoFile(msgspec.Struct):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]


def load_image(path: str | Path) -> Image.Image:
    """Read an image file of any kind as RGB, turned upright by its EXIF tag: boxes count in that image.

    Greyscale, palette, CMYK and transparent images become RGB, transparency ignored; 16 bits are scaled to 8.
    Raises DataError where the file is missing, truncated, no image, or of a kind without a fixed range.
    """
    try:
        with Image.open(path) as image:
            return to_rgb(image)
    except FileNotFoundError:
        raise DataError(f"{path}: the image is missing; put it there or download it again.") from None
    except UNREADABLE as error:
        raise DataError(
            f"{path}: the image cannot be decoded ({str(error) or type(error).__name__}); get it again."
        ) from None


def to_rgb(image: Image.Image) -> Image.Image:
    """Turn any PIL image upright and into 8-bit RGB; ValueError for numbers without a fixed range."""
    image = ImageOps.exif_transpose(image)
    if image.mode == "F":
        raise ValueError("floating-point pixels have no fixed range")
    if image.mode.startswith("I"):  # 16 bits, which PIL's own conversion would clip instead of scale
        pixels = np.asarray(image).astype(np.int64)
        if pixels.min() < 0 or pixels.max() >= 2**16:
            raise ValueError("pixels of more than 16 bits have no fixed range")
        image = Image.fromarray(((pixels + 128) // 257).astype(np.uint8))
    return image if image.mode == "RGB" else image.convert("RGB")  # which would copy what is one already


def read_coco(files: Files, image_ids: Iterable[int]) -> COCO:
    """Index the annotations of some images of one or several COCO files with pycocotools.

    Images unknown to the files are left out. Annotations come without masks. Categories are joined by `id`.
    """
    named: dict[int, tuple[str, str | Path]] = {}
    wanted = set(map(int, image_ids))
    coco = COCO()
    coco.dataset = {"images": [], "annotations": [], "categories": []}
    for file in _list(files):
        content = decode(file, _CocoFile, "COCO annotations")
        images = [image for image in content.images if image.id in wanted]
        for image in images:
            if not re.fullmatch(r"[^/\\\0]+", image.file_name) or image.file_name in (".", ".."):
                raise DataError(
                    f"{file}: file_name of image {image.id}: {image.file_name!r} is not a plain name."
                )
        known = {image.id for image in content.images}
        annotations = [annotation for annotation in content.annotations if annotation.image_id in wanted]
        if lost := [annotation.id for annotation in annotations if annotation.image_id not in known]:
            raise DataError(f"{file}: images: none for the image_id of annotation {listing(lost)}; add it.")
        coco.dataset["images"] += msgspec.to_builtins(images)
        coco.dataset["annotations"] += msgspec.to_builtins(annotations)
        _join_categories(named, content.categories, file)
    coco.dataset["categories"] = [{"id": number, "name": name} for number, (name, _) in named.items()]
    for field in ("images", "annotations"):
        if twice := duplicates([row["id"] for row in coco.dataset[field]]):
            raise DataError(f"{file_names(files)}: id of {field}: {listing(twice)} is there twice; keep one.")
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools announces every step
        coco.createIndex()
    return coco


def _join_categories(
    named: dict[int, tuple[str, str | Path]], categories: list[_Category], file: str | Path
) -> None:
    """Add a file's categories to those `named` so far, by id: the name, and the first file that gives it."""
    for category in categories:
        name, first = named.setdefault(category.id, (category.name, file))
        if name != category.name:
            raise DataError(
                f"{file}: categories: id {category.id} is {category.name!r}, and {name!r} in {first}; "
                "give each category an id of its own."
            )


def tabulate(coco: COCO, ann_ids: Iterable[int]) -> pd.DataFrame:
    """Tabulate annotations by `ann_id`: `image_id`, `file_name`, `width`, `height`, box, `category`."""
    names = {category["id"]: category["name"] for category in coco.dataset["categories"]}
    rows = []
    for annotation in coco.loadAnns([int(ann_id) for ann_id in ann_ids]):
        image = coco.imgs[annotation["image_id"]]
        size = image["file_name"], image["width"], image["height"]
        category = names.get(annotation["category_id"])
        rows.append((annotation["id"], annotation["image_id"], *size, *annotation["bbox"], category))
    columns = ["ann_id", "image_id", "file_name", "width", "height", *BOX, "category"]
    types = dict.fromkeys(["ann_id", "image_id", "width", "height"], "int64") | dict.fromkeys(BOX, "float64")
    return pd.DataFrame(rows, columns=columns).astype(types).set_index("ann_id")


def read_images(instances_json: Files, image_ids: Iterable[int]) -> pd.DataFrame:
    """Read `file_name`, `width`, `height` of images, indexed by `image_id`; unknown ones are absent."""
    rows = read_coco(instances_json, image_ids).dataset["images"]
    images = pd.DataFrame(rows, columns=["id", "file_name", "width", "height"])
    return images.set_index("id").rename_axis("image_id")


def decode(file: str | Path, kind: type, what: str) -> Any:
    """Parse a JSON file into a msgspec type; `what` names the expected content in errors."""
    try:
        return msgspec.json.decode(Path(file).read_bytes(), type=kind)
    except FileNotFoundError:
        raise DataError(f"{file}: the file is missing; put it there or download it again.") from None
    except OSError as error:
        raise DataError(f"{file}: the file cannot be read ({error.strerror}); check its rights.") from None
    except (ValueError, RecursionError) as error:  # msgspec's errors name the field: "… at `$[3].label`"
        raise DataError(f"{file}: these are no {what} ({error}); download the file again.") from None


def _list(files: Files) -> list[str | Path]:
    return [files] if isinstance(files, str | Path) else list(files)


def file_names(files: Files) -> str:
    """Write the name or names for a message."""
    return ", ".join(map(str, _list(files)))


def listing(items: Iterable) -> str:
    """Write at most five items, and how many more there are."""
    items = list(items)
    more = f" and {len(items) - 5} more" if len(items) > 5 else ""
    return ", ".join(map(str, items[:5])) + more


def duplicates(ids: Iterable[Hashable]) -> list:
    """List the ids that occur more than once."""
    index = pd.Index(list(ids))
    return index[index.duplicated()].unique().tolist()
