"""A V-COCO of some hundred people in its real shape, as its hosts lay it out.

People are the sample's, and those of the real test images beside the repository where these are at hand. What
COCO has and the sample lacks is added: grey images, crowds, people of a few pixels, boxes over the edge.
"""

import hashlib
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import torch
from clip_files import hugging_face_names, save_safetensors, save_torchscript
from conftest import SAMPLE
from hosts import ANNOTATIONS, COCO, HUB, LABELS, OPENAI, POSE, REAL, at, made, put, write_sources
from PIL import Image
from reference import build_by_rule
from tiny_vcoco import COCO_SPLIT

from lib.clip_features.weights import CLIP, load_clip
from lib.higherhrnet.model import load_higherhrnet
from lib.profiles import ROOT, Profile, load_profile

PEOPLE = {"train": 60, "val": 30, "test": 40}  # of the sample
SHARED = ROOT.parent / "shared"
REAL_IMAGES = (294, 328, 395, 428, 536, 564, 589, 197388)  # V-COCO test images that ../shared holds
KINDS = ("instances", "person_keypoints")
DIGITS = "8ae85183"  # in the name of the real pose weights; what is served here has its own


def make_hosts(served: Path, people: dict[str, int] = PEOPLE, full_size: bool = False) -> None:
    """Write every file to the folder of its first source; weights are the sample's, or random ones."""
    labels = {split: _first_people(split, count) for split, count in people.items()}
    coco = {name: _read_coco(SAMPLE / "annotations", name) for name in ("train2014", "val2014")}
    for split, verbs in labels.items():
        _make_as_coco(coco[COCO_SPLIT[split]], verbs)
        _put_images(served, COCO_SPLIT[split], sorted(set(verbs[0]["image_id"])))
    if SHARED.is_dir():
        _add_real_people(served, labels["test"], coco["val2014"])
    for split, verbs in labels.items():
        for verb in verbs:
            verb["role_object_id"] = np.ravel(verb["role_object_id"]).tolist()
        put(served, LABELS[split], json.dumps(verbs).encode())
    _zip(made(at(served, ANNOTATIONS)), coco)
    (_serve_full_size if full_size else _serve_narrow)(served)


def make_profile(folder: Path, served: Path) -> Profile:
    """Make an empty profile: the real one but for the weights' names, which promise OpenAI's own bytes."""
    folder.mkdir(parents=True)
    pose, toml = next(at(served, POSE).parent.iterdir()), (ROOT / "data/vcoco/profile.toml").read_text()
    digits = pose.name.split("-")[1].split("_")[0]
    if at(served, OPENAI[0]).is_file():
        toml = toml.replace("ViT-B-32.pt", "narrow.pt")
    (folder / "profile.toml").write_text(toml.replace(DIGITS, digits))
    write_sources(folder, served, REAL.replace(DIGITS, digits))
    return load_profile(folder)


def _first_people(split: str, count: int) -> list[dict]:
    """Cut the sample's labels to its first people; the last one does nothing, as 36 of V-COCO's train."""
    verbs = json.loads((SAMPLE / "vcoco" / f"vcoco_{split}.json").read_text())
    for verb in verbs:
        _select(verb, np.arange(count))
        verb["label"][-1] = 0
    return verbs


def _select(verb: dict, kept: np.ndarray) -> None:
    roles = np.reshape(verb["role_object_id"], (len(verb["role_name"]), -1))[:, kept]
    verb |= {field: [verb[field][i] for i in kept] for field in ("image_id", "ann_id", "label")}
    verb["role_object_id"] = roles.tolist()


def _read_coco(folder: Path, name: str) -> dict[str, dict]:
    return {kind: json.loads((folder / f"{kind}_{name}.json").read_text()) for kind in KINDS}


def _make_as_coco(coco: dict[str, dict], verbs: list[dict]) -> None:
    """Put one person over the edge, shrink one to a few pixels, and add a crowd to the first image."""
    widths = {image["id"]: image["width"] for image in coco["instances"]["images"]}
    image_id, (over, tiny) = verbs[0]["image_id"][0], verbs[0]["ann_id"][1:3]
    for content in coco.values():
        for person in content["annotations"]:
            x, y, _, h = person["bbox"]
            changed = {over: [x, y, widths[person["image_id"]] - x + 0.37, h], tiny: [x, y, 2.41, 3.08]}
            person["bbox"] = changed.get(person["id"], person["bbox"])
        crowd = {"segmentation": {"counts": [12, 40, 29], "size": [9, 9]}, "area": 40, "iscrowd": 1}
        crowd |= {"id": 900_100_000_000 + image_id, "image_id": image_id, "bbox": [0, 0, 40.5, 10]}
        content["annotations"].append(crowd | {"category_id": 1, "num_keypoints": 0, "keypoints": [0] * 51})


def _put_images(served: Path, name: str, image_ids: list[int]) -> None:
    """Serve the sample's images; the first is empty, so that nobody is found in it, every tenth is grey."""
    for number, image_id in enumerate(image_ids):
        file = f"{name}/COCO_{name}_{image_id:012d}.jpg"
        source, target = SAMPLE / "images" / file, made(at(served, COCO + file))
        if number == 0:
            Image.new("RGB", Image.open(source).size, (90, 120, 60)).save(target)
        elif number % 10 == 0:
            Image.open(source).convert("L").save(target)
        else:
            shutil.copy(source, target)


def _add_real_people(served: Path, verbs: list[dict], coco: dict[str, dict]) -> None:
    """Append the real test people whose images are at hand, with COCO's boxes, objects and keypoints."""
    for ours, theirs in zip(verbs, json.loads((SHARED / "vcoco/vcoco_test.json").read_text()), strict=True):
        _select(theirs, np.flatnonzero(np.isin(theirs["image_id"], REAL_IMAGES)))
        for field in ("image_id", "ann_id", "label"):
            ours[field] += theirs[field]
        ours["role_object_id"] = np.hstack([ours["role_object_id"], theirs["role_object_id"]]).tolist()
    real = json.loads((SHARED / "vcoco/instances_vcoco_all_2014.json").read_text())
    images = [image for image in real["images"] if image["id"] in REAL_IMAGES]
    objects = [entry for entry in real["annotations"] if entry["image_id"] in REAL_IMAGES]
    for kind, entries in {"instances": objects, "person_keypoints": _with_keypoints(objects)}.items():
        coco[kind]["images"] += images
        coco[kind]["annotations"] += entries
    for image in images:
        name = image["file_name"]
        sources = SHARED / "vcoco/images" / name, SHARED / "coco_keypoints" / name.split("_")[-1]
        source = next(path for path in sources if path.is_file())
        shutil.copy(source, made(at(served, f"{COCO}val2014/{name}")))


def _with_keypoints(objects: list[dict]) -> list[dict]:
    """Give people COCO's keypoints where they are at hand; ids differ there, boxes do not."""
    known = json.loads((SHARED / "coco_keypoints/person_keypoints.json").read_text())["annotations"]
    known = {(person["image_id"], *person["bbox"]): person for person in known}
    rows = []
    for entry in (entry for entry in objects if entry["category_id"] == 1):
        found = known.get((entry["image_id"], *entry["bbox"]), {"num_keypoints": 0, "keypoints": [0] * 51})
        rows.append(entry | {field: found[field] for field in ("num_keypoints", "keypoints")})
    return rows


def _zip(path: Path, coco: dict[str, dict]) -> None:
    """Write the real archive's members; captions are among them, and belong to nobody here."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, contents in coco.items():
            archive.writestr(f"annotations/captions_{name}.json", "{}")
            for kind, content in contents.items():
                archive.writestr(f"annotations/{kind}_{name}.json", json.dumps(content))


def _serve_narrow(served: Path) -> None:
    """Serve the sample's networks in the published forms: OpenAI's archive, a checkpoint of MMPose 0.x."""
    clip = load_clip(SAMPLE / "clip_small.pt")
    facts = clip.visual.input_resolution, clip.vocab_size
    save_torchscript(clip.state_dict(), made(at(served, OPENAI[0])), *facts)
    checkpoint = torch.load(SAMPLE / "higherhrnet_small.pth", weights_only=True)
    _serve_pose(served, load_higherhrnet(SAMPLE / "higherhrnet_small.pth"), checkpoint["meta"])


def _serve_full_size(served: Path) -> None:
    """Serve random networks of ViT-B/32's and HigherHRNet-W32's size; CLIP as Hugging Face has it."""
    torch.manual_seed(0)
    clip = CLIP(512, 224, 12, 768, 32, 77, 49408, 512, 8, 12).eval()
    save_safetensors(hugging_face_names(clip.state_dict()), made(at(served, HUB[0])))
    _serve_pose(served, build_by_rule(), {})


def _serve_pose(served: Path, network: torch.nn.Module, meta: dict) -> None:
    state = {
        f"keypoint_{name}" if name.startswith("head.") else name: v
        for name, v in network.state_dict().items()
    }
    draft = made(at(served, POSE)).with_name("draft")
    content = {"meta": meta | {"epoch": 300, "CLASSES": ("person",)}, "state_dict": state, "optimizer": None}
    torch.save(content, draft, _use_new_zipfile_serialization=False)
    digits = hashlib.sha256(draft.read_bytes()).hexdigest()[: len(DIGITS)]
    draft.rename(at(served, POSE.replace(DIGITS, digits)))
