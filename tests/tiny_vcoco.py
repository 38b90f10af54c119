"""A V-COCO of a dozen images of noise, laid out as its hosts lay it out."""

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
from hosts import ANNOTATIONS, COCO, HUB, LABELS, OPENAI, POSE, at, made, put
from PIL import Image

from lib.coco import KEYPOINTS
from lib.profiles import ROOT, Profile, load_profile
from lib.vcoco import VERBS

PERSONS = {"train": 5, "val": 3, "test": 4}  # one an image
COCO_SPLIT = {"train": "train2014", "val": "train2014", "test": "val2014"}
WEIGHTS_SIZE = 200_000


def make_profile(folder: Path) -> Profile:
    """Make an empty profile that differs from the real one in nothing but its folder."""
    folder.mkdir(parents=True)
    for name in ("profile.toml", "sources.toml"):
        shutil.copy(ROOT / "data" / "vcoco" / name, folder)
    return load_profile(folder)


def make_hosts(served: Path, persons: dict[str, int] | None = None, one_image: bool = False) -> None:
    """Write every file to the folder of its first source; `one_image` links all images to one, for speed."""
    numbers = {"train2014": 0, "val2014": 500_000}
    content: dict[str, list[dict]] = {"train2014": [], "val2014": []}
    for split, count in (persons or PERSONS).items():
        coco = COCO_SPLIT[split]
        ids = [numbers[coco] + i + 1 for i in range(count)]
        numbers[coco] += count
        content[coco] += [_image(coco, image_id) for image_id in ids]
        put(served, LABELS[split], json.dumps([_verb(verb, i, ids) for i, verb in enumerate(VERBS)]).encode())
    for coco, images in content.items():
        for image in images:
            _draw(at(served, f"{COCO}{coco}/{image['file_name']}"), image, one_image)
    with zipfile.ZipFile(made(at(served, ANNOTATIONS)), "w") as archive:
        for coco, images in content.items():
            for kind in ("instances", "person_keypoints"):
                archive.writestr(f"annotations/{kind}_{coco}.json", json.dumps(_annotations(images, kind)))
        archive.writestr("annotations/captions_train2014.json", np.random.default_rng(0).bytes(300_000))
    for number, url in enumerate((OPENAI[0], HUB[0], POSE)):
        put(served, url, np.random.default_rng(number).bytes(WEIGHTS_SIZE))


def _image(coco: str, image_id: int) -> dict:
    name = f"COCO_{coco}_{image_id:012d}.jpg"
    return {"id": image_id, "file_name": name, "width": 160, "height": 120}


def _verb(verb: str, number: int, ids: list[int]) -> dict:
    """Label every person with the verbs of its own parity."""
    return {
        "action_name": verb,
        "image_id": ids,
        "ann_id": ids,
        "label": [int((number + image_id) % 2) for image_id in ids],
        "role_name": ["agent"],
        "role_object_id": ids,
    }


def _annotations(images: list[dict], kind: str) -> dict:
    person = {"category_id": 1, "bbox": [10.0, 8.0, 40.0, 50.0], "area": 2000.0, "iscrowd": 0}
    if kind == "person_keypoints":
        person |= {"num_keypoints": len(KEYPOINTS), "keypoints": [20, 20, 2] * len(KEYPOINTS)}
    return {
        "images": images,
        "annotations": [{"id": image["id"], "image_id": image["id"], **person} for image in images],
        "categories": [{"id": 1, "name": "person"}],
    }


def _draw(path: Path, image: dict, one_image: bool) -> None:
    first = path.parent / "any.jpg"
    if one_image and first.exists():
        path.hardlink_to(first)
        return
    noise = np.random.default_rng(image["id"]).integers(0, 255, (image["height"], image["width"], 3))
    Image.fromarray(noise.astype("uint8")).save(made(path), quality=95)
    if one_image:
        first.hardlink_to(path)
