"""Draw the sample: images, and labels and annotations in exactly V-COCO's and COCO's formats.

    python data/sample/draw.py [FOLDER]

The same seed draws the same files again; the committed ones are this script's output.
"""

import argparse
import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from scenery.activities import ACTIVITIES, Activity
from scenery.scene import Instance, Scene, draw_scene
from tqdm import tqdm
from vocabulary import CATEGORIES, ROLES, SKELETON_FROM_1

from lib.coco import KEYPOINTS

SEED = 2014
PEOPLE = {"train": 400, "val": 200, "test": 400}  # about; V-COCO's shares, rounded
PEOPLE_PER_SCENE = 1.75  # less the surplus from rounding each activity up: every verb is in every split
COCO_SPLIT = {"train": "train2014", "val": "train2014", "test": "val2014"}  # as V-COCO's
FIRST_IMAGE_ID = {"train": 1001, "val": 3001, "test": 5001}
SMALLEST = 40  # visible pixels below which nobody would annotate
NAMEABLE = 130  # visible pixels below which nobody could name a verb
POSABLE = 300  # visible pixels below which nobody would mark joints; COCO: 32 x 32 in images twice as wide
JPEG_QUALITY = 75


@dataclass
class CocoFiles:
    """What belongs to one of COCO's splits, as it is collected."""

    images: list[dict] = field(default_factory=list)
    annotations: list[dict] = field(default_factory=list)


@dataclass
class Person:
    """One person of a V-COCO file: verb -> role -> ann_id of the object, 0 where there is none."""

    image_id: int
    ann_id: int
    verbs: dict[str, dict[str, int]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent)
    folder = parser.parse_args().folder
    coco = {name: CocoFiles() for name in COCO_SPLIT.values()}
    for split in PEOPLE:
        people = draw_split(folder, split, coco[COCO_SPLIT[split]])
        write_json(folder / "vcoco" / f"vcoco_{split}.json", vcoco_labels(people))
    for name, files in coco.items():
        write_json(
            folder / "annotations" / f"instances_{name}.json", coco_annotations(files, keypoints=False)
        )
        write_json(
            folder / "annotations" / f"person_keypoints_{name}.json", coco_annotations(files, keypoints=True)
        )


def draw_split(folder: Path, split: str, files: CocoFiles) -> list[Person]:
    """Draw and save the images of a split, add their annotations to `files`, and return the people."""
    people: list[Person] = []
    images = folder / "images" / COCO_SPLIT[split]
    images.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor() as workers, tqdm(total=PEOPLE[split], desc=split, unit="person") as bar:
        for number, scene in enumerate(workers.map(draw_numbered, scene_list(split), chunksize=8)):
            image_id = FIRST_IMAGE_ID[split] + number
            file_name = f"COCO_{COCO_SPLIT[split]}_{image_id:012}.jpg"
            Image.fromarray(scene.picture).save(images / file_name, quality=JPEG_QUALITY, optimize=True)
            files.images.append(image_entry(image_id, file_name, scene))
            found = annotate(scene, image_id, files)
            people += found
            bar.update(len(found))
    return people


def scene_list(split: str) -> list[tuple[tuple[int, ...], Activity]]:
    """Deal out the activities by their weights, shuffled, with a seed for each scene."""
    weights = np.array([activity.weight for activity in ACTIVITIES])
    counts = np.ceil(PEOPLE[split] / PEOPLE_PER_SCENE * weights / weights.sum()).astype(int)
    leads = np.repeat(np.arange(len(ACTIVITIES)), counts)
    stream = list(PEOPLE).index(split)
    np.random.default_rng([SEED, stream]).shuffle(leads)
    return [((SEED, stream, i), ACTIVITIES[lead]) for i, lead in enumerate(leads)]


def draw_numbered(task: tuple[tuple[int, ...], Activity]) -> Scene:
    """Draw one scene from its own seed, in any process."""
    seed, lead = task
    return draw_scene(np.random.default_rng(seed), lead)


def annotate(scene: Scene, image_id: int, files: CocoFiles) -> list[Person]:
    """Add what can be seen in the scene to COCO's annotations; return its people for V-COCO's."""
    ann_ids = {}
    for index, instance in enumerate(scene.instances):
        if instance.category and instance.mask.sum() >= SMALLEST:
            ann_ids[index] = 100 * image_id + len(ann_ids)
            files.annotations.append(annotation(instance, ann_ids[index], image_id))
    people = []
    for index, ann_id in ann_ids.items():
        instance = scene.instances[index]
        if instance.verbs is not None:
            nameable = instance.verbs if instance.mask.sum() >= NAMEABLE else {}
            verbs = {
                verb: {role: ann_ids.get(i, 0) for role, i in roles.items()}
                for verb, roles in nameable.items()
            }
            people.append(Person(image_id, ann_id, verbs))
    return people


def annotation(instance: Instance, ann_id: int, image_id: int) -> dict:
    """Describe one instance as COCO does; people with their keypoints."""
    rows, columns = np.nonzero(instance.mask)
    x, y = int(columns.min()), int(rows.min())
    entry = {
        "segmentation": list(polygons(instance.mask)),
        "area": float(instance.mask.sum()),
        "iscrowd": 0,
        "image_id": image_id,
        "bbox": [x, y, int(columns.max()) - x + 1, int(rows.max()) - y + 1],
        "category_id": CATEGORIES[instance.category][0],
        "id": ann_id,
    }
    if instance.keypoints is not None:
        keypoints = np.round(instance.keypoints).astype(int)
        if instance.mask.sum() < POSABLE:
            keypoints[:] = 0
        entry["num_keypoints"] = int((keypoints[:, 2] > 0).sum())
        entry["keypoints"] = keypoints.ravel().tolist()
    return entry


def polygons(mask: np.ndarray) -> Iterator[list[int]]:
    """Trace the outlines of a mask, at most a pixel off."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    for contour in contours:
        outline = cv2.approxPolyDP(contour, 1.0, closed=True)
        if len(outline) >= 3:
            yield outline.ravel().tolist()


def image_entry(image_id: int, file_name: str, scene: Scene) -> dict:
    """Describe one image as COCO does."""
    height, width = scene.picture.shape[:2]
    return {
        "license": 1,
        "file_name": file_name,
        "coco_url": "",
        "height": height,
        "width": width,
        "date_captured": "2026-11-23 00:00:00",
        "flickr_url": "",
        "id": image_id,
    }


def coco_annotations(files: CocoFiles, keypoints: bool) -> dict:
    """Assemble an instances file, or a person_keypoints file, which holds people only."""
    joints = {"keypoints", "num_keypoints"}
    people = [entry for entry in files.annotations if "keypoints" in entry]
    objects = [{k: v for k, v in entry.items() if k not in joints} for entry in files.annotations]
    categories = [{"supercategory": group, "id": i, "name": name} for name, (i, group) in CATEGORIES.items()]
    person = {**categories[0], "keypoints": list(KEYPOINTS), "skeleton": SKELETON_FROM_1}
    return {
        "info": {
            "description": "Drawn people in COCO's format; see README.md",
            "version": "1.0",
            "year": 2026,
        },
        "images": files.images,
        "licenses": [{"url": "", "id": 1, "name": "MIT License"}],
        "annotations": people if keypoints else objects,
        "categories": [person] if keypoints else categories,
    }


def vcoco_labels(people: list[Person]) -> list[dict]:
    """Assemble a V-COCO file: per verb, arrays over people; role_object_id in blocks, the agent first."""
    ann_ids = [person.ann_id for person in people]
    entries = []
    for verb, roles in ROLES.items():
        objects = [person.verbs.get(verb, {}).get(role, 0) for role in roles for person in people]
        entries.append(
            {
                "action_name": verb,
                "role_name": ["agent", *roles],
                "include": [[], *roles.values()],
                "image_id": [person.image_id for person in people],
                "ann_id": ann_ids,
                "label": [int(verb in person.verbs) for person in people],
                "role_object_id": ann_ids + objects,
            }
        )
    return entries


def write_json(path: Path, content: object) -> None:
    """Write compact JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
