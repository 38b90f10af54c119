"""V-COCO's size without V-COCO: people, label files, features and logits that are drawn at random."""

import json
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd

from lib.coco import BOX, KEYPOINTS
from lib.profiles import Profile, SplitFiles, load_profile
from lib.vcoco import VERBS

PEOPLE = {"train": 3896, "val": 4629, "test": 7674}  # 16,199, in 10,346 images
IMAGES = {"train": 2533, "val": 2867, "test": 4946}
EVERYBODY, ALL_IMAGES = sum(PEOPLE.values()), sum(IMAGES.values())
VERBS_A_PERSON = 2.9
FILES = {"train2014": (82_783, 604_907), "val2014": (40_504, 291_875)}  # COCO's images and objects


# --- People, and the files that label them


def draw_people(share: float = 1) -> pd.DataFrame:
    """Draw a share of V-COCO's people with boxes and at least one verb each, indexed by `ann_id`."""
    rng, parts = np.random.default_rng(0), []
    for number, (split, count) in enumerate(PEOPLE.items()):
        count, images = round(share * count), round(share * IMAGES[split])
        image_id = 10_000_000 * (number + 1) + np.sort(rng.permutation(count) % images)
        low = rng.uniform(0, 200, (count, 2)).round(2)
        boxes = np.hstack([low, rng.uniform(30, 220, (count, 2)).round(2)])
        parts.append(
            pd.DataFrame(boxes, columns=BOX).assign(
                split=split,
                image_id=image_id,
                file_name=[f"{i}.jpg" for i in image_id],
                width=640,
                height=480,
            )
        )
    people = pd.concat(parts, ignore_index=True)
    people.index = pd.Index(900_000_000 + np.arange(len(people)), name="ann_id")
    chances = rng.random((len(people), len(VERBS)))
    labels = chances < VERBS_A_PERSON / len(VERBS)
    labels[np.arange(len(people)), chances.argmin(axis=1)] = True
    return people.join(pd.DataFrame(labels, people.index, list(VERBS)))


def write_labels(people: pd.DataFrame, folder: Path, share: float = 1) -> Profile:
    """Write V-COCO's and COCO's files of these people, with other objects up to a share of COCO's own."""
    entries = json.loads(load_profile("sample").splits["train"].vcoco_json.read_text())
    splits = {}
    for split in PEOPLE:
        mine, file = people[people["split"] == split], "val2014" if split == "test" else "train2014"
        labels = [entry | _list_people(mine, entry) for entry in entries]
        (folder / f"vcoco_{split}.json").write_bytes(msgspec.json.encode(labels))
        splits[split] = SplitFiles(
            folder / f"vcoco_{split}.json",
            (folder / f"instances_{file}.json",),
            (folder / f"person_keypoints_{file}.json",),
            folder,
        )
    for file, sizes in FILES.items():
        own = people[(people["split"] == "test") == (file == "val2014")]
        _write_coco(own, folder, file, *(round(share * size) for size in sizes))
    return replace(load_profile("vcoco", folder), splits=splits)


def _list_people(people: pd.DataFrame, entry: dict) -> dict[str, list]:
    blocks = [people.index.tolist(), *[[0] * len(people)] * (len(entry["role_name"]) - 1)]
    return {
        "image_id": people["image_id"].tolist(),
        "ann_id": people.index.tolist(),
        "label": people[entry["action_name"]].astype(int).tolist(),
        "role_object_id": [object_id for block in blocks for object_id in block],
    }


def _write_coco(people: pd.DataFrame, folder: Path, file: str, images: int, objects: int) -> None:
    """Write instances and person keypoints: the people and drawn objects with masks, in all images."""
    rng = np.random.default_rng(1)
    categories = json.loads(load_profile("sample").splits["train"].instances_json[0].read_text())[
        "categories"
    ]
    others = 50_000_000 + np.arange(images - people["image_id"].nunique())
    known = np.concatenate([people["image_id"].unique(), others]).tolist()
    drawn = objects - len(people)
    image_ids = people["image_id"].tolist() + rng.choice(known, drawn).tolist()
    boxes = people[BOX].to_numpy().tolist() + rng.uniform(1, 300, (drawn, 4)).round(2).tolist()
    kinds = [1] * len(people) + rng.choice([one["id"] for one in categories], drawn).tolist()
    masks = rng.uniform(0, 600, (500, 54)).round(2).tolist()  # 27 corners, COCO's mean; drawn again and again
    joints = rng.integers(0, [400, 400, 3], (500, len(KEYPOINTS), 3)).reshape(500, -1).tolist()
    annotations = [
        {
            "id": object_id,
            "image_id": image_id,
            "category_id": kind,
            "bbox": box,
            "area": 1.0,
            "iscrowd": 0,
            "segmentation": [masks[object_id % 500]],
        }
        for object_id, image_id, kind, box in zip(
            people.index.tolist() + list(range(drawn)), image_ids, kinds, boxes, strict=True
        )
    ]
    persons = [
        one | {"keypoints": joints[one["id"] % 500], "num_keypoints": len(KEYPOINTS)}
        for one in annotations
        if one["category_id"] == 1
    ]
    pictures = [{"id": i, "file_name": f"{i}.jpg", "width": 640, "height": 480} for i in known]
    for name, content in (("instances", annotations), ("person_keypoints", persons)):
        whole = {"images": pictures, "annotations": content, "categories": categories}
        (folder / f"{name}_{file}.json").write_bytes(msgspec.json.encode(whole))


# --- Features


def draw_features(people: pd.DataFrame, width: int) -> pd.DataFrame:
    """Draw numbers of the order of 1 that depend on the verbs."""
    rng = np.random.default_rng(width)
    axes = rng.standard_normal((len(VERBS), width)) / 2
    values = people[list(VERBS)].to_numpy() @ axes + rng.standard_normal((len(people), width))
    return pd.DataFrame(values.astype(np.float32), people.index)


def draw_inputs(people: pd.DataFrame, clip: int, pose: str = "") -> pd.DataFrame:
    """Draw CLIP's numbers and, if asked for, 51 of pose: `pixels`, or `standard`, of the order of 1."""
    if not pose:
        return draw_features(people, clip)
    table = draw_features(people, clip + 3 * len(KEYPOINTS))
    if pose == "pixels":
        table.iloc[:, clip:] = 250 + 100 * table.iloc[:, clip:]
    return table


def draw_logits(people: pd.DataFrame, seeds: int, first: int) -> pd.DataFrame:
    """Draw logits of val's and test's people that get about as many right as CLIP does, by seed."""
    measured, parts = people[people["split"] != "train"], {}
    for seed in range(seeds):
        noise = np.random.default_rng([first, seed]).standard_normal((len(measured), len(VERBS)))
        logits = 4 * measured[list(VERBS)].to_numpy() - 2.5 + 1.2 * noise
        parts[seed] = pd.DataFrame(logits.astype(np.float32), measured.index, list(VERBS))
    return pd.concat(parts, names=["seed"])
