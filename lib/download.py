"""Gets what a profile needs: label files, COCO's annotations, the images of the labels, encoder weights.

Every file is verified once and never fetched again; a second run goes on where the first stopped. What the
user put in place by hand counts. Command: `python -m lib.download [vcoco] [--mirror URL]`.
"""

import argparse
import json
import os
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
from tqdm.auto import tqdm

from lib.coco import listing, load_image, read_images
from lib.fetch import Client, DiskError, NotFetched, RemoteFile, Verified, only_process, stamp, unpack
from lib.profiles import DataError, Profile, is_read_only, load_profile, write_whole
from lib.vcoco import VERBS, read_labels

# Where everything comes from, sources in the order of trial; sizes in bytes.
# fmt: off
VCOCO = "https://raw.githubusercontent.com/s-gupta/v-coco/master/data/vcoco/"
VCOCO_SHA256 = {
    "train": "2267afe7adc0a6c3e8ac90fb35f6d3a5bd5cd3c7edebf0622d0cbb7a67fddf19",
    "val": "2025bf42ce985a079ad88fd052aba47d85f1531c5b04a95804427c8bcb75eedd",
    "test": "",  # none is published; the file is known by its numbers of persons and labels
}
TEST_COUNTS = 7_674, 22_070
COCO = (  # one bucket: under its own name with valid TLS, under COCO's without
    "https://s3.amazonaws.com/images.cocodataset.org/",
    "http://images.cocodataset.org/",
)
ANNOTATIONS = "annotations/annotations_trainval2014.zip"
ANNOTATIONS_SIZE, ANNOTATIONS_MD5 = 252_872_794, "0a379cfc70b0e71301e0f377548639bd"
IMAGE_SIZE = 160_000  # on average
CLIP_SIZE, CLIP_SHA256 = 353_976_522, "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af"
CLIP = (  # clip's own table, gone for some (openai/CLIP issue 516); Jina's copy
    f"https://openaipublic.azureedge.net/clip/models/{CLIP_SHA256}/ViT-B-32.pt",
    "https://clip-as-service.s3.us-east-2.amazonaws.com/models-436c69702d61732d53657276696365/torch/ViT-B-32.pt",
)
HUB_SIZE, HUB_SHA256 = 605_157_884, "99d28a652e6ec46629ab7047a0ac82c69b1fe11e0ce672c43af65d3a9a3fc05d"
HUB = (  # the same weights as safetensors, converted when read; by commit, because main lacks them
    "https://huggingface.co/openai/clip-vit-base-patch32/resolve/"
    "b33cedfd0df4e43b8238760678fcc89e1a0d38b3/model.safetensors",
    "https://huggingface.co/sentence-transformers/clip-ViT-B-32/resolve/"
    "327ab6726d33c0e22f920c83f2ff9e4bd38ca37f/0_CLIPModel/model.safetensors",
)
POSE_SHA256 = "8ae85183"  # MMPose names a file by the first 8 digits
POSE = tuple(  # the second is the first one's older name
    f"https://{host}/mmpose/bottom_up/higher_hrnet32_coco_512x512-{POSE_SHA256}_20200713.pth"
    for host in ("download.openmmlab.com", "openmmlab.oss-cn-hangzhou.aliyuncs.com")
)
# fmt: on


@dataclass(frozen=True)
class Catalogue:
    """All sources of a profile's files; of each choice of weights the first that can be had is taken."""

    labels: tuple[RemoteFile, ...]
    annotations: RemoteFile
    image_hosts: tuple[str, ...]
    weights: tuple[tuple[RemoteFile, ...], ...]


def vcoco_catalogue(profile: Profile) -> Catalogue:
    """List the sources of V-COCO, COCO 2014 and both encoders; the places are the profile's."""
    test = {"test": partial(check_labels, expected=TEST_COUNTS)}
    labels = [
        RemoteFile(
            files.vcoco_json,
            (f"{VCOCO}vcoco_{split}.json",),
            None,
            VCOCO_SHA256[split],
            check=test.get(split),
        )
        for split, files in profile.splits.items()
    ]
    annotations = tuple(host + ANNOTATIONS for host in COCO)
    archive = profile.inputs / "downloads" / Path(ANNOTATIONS).name
    clip = RemoteFile(profile.clip_weights, CLIP, CLIP_SIZE, CLIP_SHA256)
    hub = RemoteFile(profile.clip_weights.with_suffix(".safetensors"), HUB, HUB_SIZE, HUB_SHA256)
    return Catalogue(
        labels=tuple(labels),
        annotations=RemoteFile(archive, annotations, ANNOTATIONS_SIZE, md5=ANNOTATIONS_MD5),
        image_hosts=COCO,
        weights=((clip, hub), (RemoteFile(profile.pose_weights, POSE, None, POSE_SHA256),)),
    )


def download(
    profile: Profile, mirror: str = "", catalogue: Callable[[Profile], Catalogue] = vcoco_catalogue
) -> pd.DataFrame:
    """Get every file that the profile lacks, and count `files` and `bytes` by kind of file.

    `mirror`, or the environment variable DOWNLOAD_MIRROR, replaces `https://` in every source by `<mirror>/`:
    a mirror is what `wget --force-directories` makes. `catalogue` lists the sources of the profile's files.
    A profile that is not downloadable is only checked for its labels and annotations. Raises DataError that
    says which file to put where.
    """
    if not profile.downloadable:
        named = _named_files(profile)
        if missing := [path for paths in named.values() for path in paths if not path.is_file()]:
            toml = profile.inputs / "profile.toml"
            raise DataError(f"{listing(missing)}: missing, though {toml} names it; put it there.")
        return _report(named)
    mirror = mirror or os.environ.get("DOWNLOAD_MIRROR", "")
    if mirror and not re.match(r"https?://[^/]", mirror):
        raise DataError(f"mirror {mirror!r}: no base URL; write it as https://host/folder.")
    with only_process(profile.inputs / "downloads" / "lock"):
        return _Download(profile, catalogue(profile), Client(mirror)).run()


def check_labels(path: Path, expected: tuple[int, int]) -> None:
    """Raise DataError where a label file holds other numbers of labelled persons and of labels."""
    table = read_labels(path)[list(VERBS)]
    found = int(table.any(axis="columns").sum()), int(table.to_numpy().sum())
    if found != expected:
        raise DataError(f"{path}: it has {found[0]} persons, {found[1]} labels, not {expected}")


def check_image(path: Path, width: int, height: int) -> None:
    """Raise DataError where an image does not decode or has another size than COCO says, in pixels."""
    try:
        size = load_image(path).size
    except DataError:  # Pillow's reasons differ from image to image; failures are counted by reason
        raise DataError(f"{path}: it does not decode") from None
    if size != (width, height):
        raise DataError(f"{path}: it does not have COCO's width and height")


class _Download:
    """One run: what is missing, step by step."""

    def __init__(self, profile: Profile, catalogue: Catalogue, client: Client) -> None:
        self.profile, self.catalogue, self.client = profile, catalogue, client
        self.place = profile.inputs / "downloads"
        self.verified = Verified(self.place / "verified.jsonl")

    def run(self) -> pd.DataFrame:
        """Get everything; one DataError names all that could not be had."""
        problems = [*map(self._get_any, [(file,) for file in self.catalogue.labels]), self._get_annotations()]
        images = [] if any(problems) else self._images()
        problems += [*self._get_images(images), *map(self._get_any, self.catalogue.weights)]
        if any(problems):
            raise DataError("\n".join([*filter(None, problems), "Then run again: it goes on from here."]))
        weights = [file.path for choice in self.catalogue.weights for file in choice if file.path.exists()]
        paths = [file.path for file in images]
        return _report(_named_files(self.profile) | {"images": paths, "weights": weights})

    def _get_any(self, choice: tuple[RemoteFile, ...]) -> str:
        """Get the first file of a choice that can be had; returns what to do where none can."""
        if any(self.verified.stands(file) for file in choice):
            return ""
        failures = []
        for file in choice:
            try:
                self.client.fetch(file, show=True)
            except NotFetched as failure:
                failures.append(str(failure))
            else:
                self.verified.add(file.path)
                return ""
        return "\n  or ".join(failures)

    def _get_annotations(self) -> str:
        """Unpack what the profile names of COCO's annotations, unless it stands there already."""
        whole = partial(read_images, image_ids=[])
        named = [RemoteFile(path, check=whole) for path in _annotations(self.profile)]
        missing = [file.path for file in named if not self.verified.stands(file)]
        if missing and (problem := self._get_any((self.catalogue.annotations,))):
            return f"{problem}\n  or put there what it holds: {', '.join(map(str, missing))}"
        if missing:
            unpack(self.catalogue.annotations.path, missing)
        for path in missing:
            self.verified.add(path)
        return ""

    def _images(self) -> list[RemoteFile]:
        """List the images of all label files; kept on disk, because reading the annotations takes seconds."""
        named = _named_files(self.profile)
        key = [[str(path), *stamp(path)] for path in named["labels"] + named["annotations"]]
        key += [[str(files.images)] for files in self.profile.splits.values()]
        kept = self.place / "images.json"
        try:
            found = json.loads(kept.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            found = {}
        if found.get("key") != key:
            found = {"key": key, "images": _image_rows(self.profile)}
            if not is_read_only(self.place):
                with write_whole(kept) as temporary:
                    temporary.write_text(json.dumps(found), encoding="utf-8")
        return [
            RemoteFile(
                Path(folder, name),
                tuple(f"{host}{name.split('_')[1]}/{name}" for host in self.catalogue.image_hosts),
                check=partial(check_image, width=width, height=height),
            )
            for folder, name, width, height in found["images"]
        ]

    def _get_images(self, images: list[RemoteFile]) -> list[str]:
        """Get images side by side; returns how many failed, by reason."""
        missing = [file for file in images if not self.verified.holds(file.path)]
        if not missing:
            return []
        failed, done = defaultdict(list), len(images) - len(missing)
        with (
            tqdm(total=len(images), initial=done, desc="images", unit="img") as bar,
            self.client.threads() as pool,
        ):
            for job in as_completed([pool.submit(self._get_image, file) for file in missing]):
                try:
                    self.verified.add(job.result())
                    bar.update()
                except NotFetched as failure:
                    failed[failure.summary].append(failure.file.path)
                except DiskError as error:
                    rest = (bar.total - bar.n) * IMAGE_SIZE / 1e6
                    raise DiskError(f"{error} All images left need about {rest:,.0f} MB.") from None
        return [
            f"{len(paths)} of {len(images)} images could not be had ({reason}): put there {listing(paths)}."
            for reason, paths in failed.items()
        ]

    def _get_image(self, file: RemoteFile) -> Path:
        if not self.verified.passes(file):
            self.client.fetch(file)
        return file.path


def _image_rows(profile: Profile) -> list[tuple[str, str, int, int]]:
    """List folder, file name, width and height of every image that a label file names."""
    wanted: dict[tuple, set[int]] = defaultdict(set)
    for files in profile.splits.values():  # train and val share their instances, to be read once
        ids = read_labels(files.vcoco_json, profile.verbs or VERBS)["image_id"]
        wanted[files.instances_json, files.images].update(ids.tolist())
    rows = []
    for (instances, folder), ids in wanted.items():
        table = read_images(instances, ids)
        if unknown := sorted(ids.difference(table.index)):
            raise DataError(f"{listing(instances)}: images: none has id {listing(unknown)}; use COCO 2014's.")
        if strange := [
            name for name in table["file_name"] if not re.fullmatch(r"COCO_\w+2014_\d+\.jpg", name)
        ]:
            raise DataError(f"{listing(instances)}: file_name: {listing(strange)}: use COCO 2014's.")
        rows += [(str(folder), *row) for row in table.itertuples(index=False)]
    return rows


def _named_files(profile: Profile) -> dict[str, list[Path]]:
    labels = sorted({files.vcoco_json for files in profile.splits.values()})
    return {"labels": labels, "annotations": _annotations(profile)}


def _annotations(profile: Profile) -> list[Path]:
    splits = profile.splits.values()
    return sorted({path for files in splits for path in files.instances_json + files.person_keypoints_json})


def _report(paths: dict[str, list[Path]]) -> pd.DataFrame:
    rows = {kind: (len(files), sum(path.stat().st_size for path in files)) for kind, files in paths.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["files", "bytes"]).rename_axis("kind")


def main(
    arguments: Sequence[str] | None = None, catalogue: Callable[[Profile], Catalogue] = vcoco_catalogue
) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m lib.download", description="Get what a profile needs.")
    parser.add_argument("profile", nargs="?", default="vcoco", help="name or folder; vcoco unless given")
    parser.add_argument("--mirror", default="", help="base URL of what wget --force-directories made")
    options = parser.parse_args(arguments)
    try:
        print(download(load_profile(options.profile), options.mirror, catalogue).to_string())
    except DataError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; run again and it goes on.", file=sys.stderr, flush=True)
        os._exit(130)  # not waiting for threads that sleep between two attempts; the files bear any kill
    return 0


if __name__ == "__main__":
    sys.exit(main())
