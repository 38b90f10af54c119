"""Measure how long V-COCO's labels take to load, and how much memory, beside pycocotools' own reading.

    python tests/bench_loading.py [FOLDER]

FOLDER holds V-COCO's and COCO's files under their official names (../shared/vcoco unless given). Without
COCO's `instances_train2014.json`, one of its size is made: 82,783 images, 604,907 objects with masks.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from lib.profiles import ROOT

IMAGES, OBJECTS, CORNERS = 82_783, 604_907, 27  # COCO train2014; corners of a mask's outline, on average
OURS = "from lib.vcoco import load_people; load_people({labels!r}, {instances!r})"
LITERAL = "from pycocotools.coco import COCO; COCO({instances!r})"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT.parent / "shared/vcoco")
    folder = parser.parse_args().folder
    small = str(folder / "instances_vcoco_all_2014.json")
    labels = {split: str(folder / f"vcoco_{split}.json") for split in ("train", "test")}
    with tempfile.TemporaryDirectory() as temporary:
        full = folder / "instances_train2014.json"
        if not full.exists():
            full = make_full_size(Path(small), Path(temporary))
        for name, code in {
            "nothing, imports only": "import lib.vcoco",
            "load_people, train, V-COCO's boxes": OURS.format(labels=labels["train"], instances=small),
            "load_people, test, V-COCO's boxes": OURS.format(labels=labels["test"], instances=small),
            f"load_people, train, all of COCO's, {full.stat().st_size / 1e6:.0f} MB": OURS.format(
                labels=labels["train"], instances=str(full)
            ),
            "pycocotools.COCO alone, all of COCO's": LITERAL.format(instances=str(full)),
        }.items():
            seconds, megabytes = measure(code)
            print(f"{name:58} {seconds:6.2f} s {megabytes:7.0f} MB")


def make_full_size(small: Path, folder: Path) -> Path:
    """Extend V-COCO's boxes to the size of COCO train2014 with objects of other images."""
    content = json.loads(small.read_text())
    rng = np.random.default_rng(0)
    used = {entry["id"] for entry in content["annotations"]}
    images = [
        {"id": 10_000_000 + i, "file_name": f"{i}.jpg", "width": 640, "height": 480} for i in range(IMAGES)
    ]
    free = (i for i in range(10_000_000, 20_000_000) if i not in used)
    for entry in content["annotations"]:
        entry["segmentation"] = [rng.uniform(0, 600, 2 * CORNERS).round(2).tolist()]
    for image_id in rng.integers(0, IMAGES, OBJECTS - len(content["annotations"])):
        box = rng.uniform(1, 300, 4).round(2).tolist()
        mask = [rng.uniform(0, 600, 2 * CORNERS).round(2).tolist()]
        ids = {"id": next(free), "image_id": 10_000_000 + int(image_id), "category_id": 1}
        content["annotations"].append({**ids, "bbox": box, "area": 1.0, "iscrowd": 0, "segmentation": mask})
    content["images"] += images
    path = folder / "instances_train2014.json"
    path.write_text(json.dumps(content))
    return path


def measure(code: str) -> tuple[float, float]:
    """Run code in a fresh interpreter; return its seconds after imports and its peak memory in MB."""
    timed = f"import lib.vcoco, time; start = time.perf_counter(); {code}; print(time.perf_counter() - start)"
    peak = "print(int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]) / 1e3)"
    result = subprocess.run(
        [sys.executable, "-c", f"{timed}; {peak}"], capture_output=True, text=True, check=True
    )
    seconds, megabytes = result.stdout.split()[-2:]
    return float(seconds), float(megabytes)


if __name__ == "__main__":
    main()
