"""One download of everything that a profile lacks: labels, annotations, images, weights."""

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import as_completed
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd
from tqdm.auto import tqdm

from lib.coco import listing, load_image, read_images
from lib.download.disk import DiskError, only_process, unpack
from lib.download.fetch import Client
from lib.download.remote import NotFetched, RemoteFile, Verified, stamp
from lib.download.sources import Catalogue, read_catalogue
from lib.files import is_read_only, write_whole
from lib.profiles import DataError, Profile
from lib.vcoco import VERBS, read_labels

IMAGE_SIZE = 160_000  # bytes of one of COCO's, on average


def download(profile: Profile, mirror: str = "", pose_models: Iterable[str] = ()) -> pd.DataFrame:
    """Get every file that the profile lacks, and count `files` and `bytes` by kind of file.

    `mirror`, or the environment variable DOWNLOAD_MIRROR, replaces `https://` in every source by `<mirror>/`:
    a mirror is what `wget --force-directories` makes. `pose_models` names those of the profile's further pose
    models whose weights are wanted, too. A profile that is not downloadable is only checked for its labels
    and annotations. Raises DataError that says which file to put where.
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
        return _Download(profile, _choose(profile, pose_models), Client(mirror)).run()


def _choose(profile: Profile, pose_models: Iterable[str]) -> Catalogue:
    """Read the profile's catalogue, and add the weights of some pose models to those that are got."""
    listed, wanted = read_catalogue(profile), list(pose_models)
    if unknown := sorted(set(wanted) - listed.pose_models.keys()):
        raise DataError(
            f"{profile.inputs}: pose_models: profile.toml and sources.toml do not both name "
            f"{', '.join(unknown)}; choose from {', '.join(listed.pose_models) or 'none'}, or add it there."
        )
    further = ((file,) for model, file in listed.pose_models.items() if model in wanted)
    return replace(listed, weights=(*listed.weights, *further))


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
