"""Name what people do in any images: find them, compute what the model sees of them, write the results."""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from lib.coco import BOX
from lib.features.engines import READERS, one_ahead
from lib.features.shards import Encoders, Recipe, Shard, encode, load_encoders, prepare, read_or_reason
from lib.features.store import FAILURE, fingerprint, to_frame
from lib.features.views import POSE_GROUPS, View, profile_views
from lib.files import disk_errors, write_whole
from lib.prediction.images import batches, each_once, name_results
from lib.prediction.overlays import draw_overlay
from lib.prediction.people import MIN_SCORE, RULES, boxes_of, find_people, find_unknown
from lib.prediction.results import ImageResult, Person, read_record, write_record, write_results
from lib.prediction.saved import ActionModel, check_encoders
from lib.profiles import DataError, Profile

NO_POSE = "no pose was found in this box, and the model needs one"

Pixels = np.ndarray | str  # or why there are none


class Job(NamedTuple):
    """An image's name among the results, and the fingerprint of everything that its result depends on."""

    name: str
    made_of: str


@dataclass(frozen=True)
class Plan:
    """What is done with every image; `finder` is None where boxes are given."""

    model: ActionModel
    recipes: tuple[Recipe, ...]
    finder: Recipe | None
    boxes: pd.DataFrame | None
    min_score: float
    language: str

    def fingerprint(self, image: Path) -> str:
        """Return a digest of everything that an image's result depends on; "" where it cannot be read."""
        try:
            with image.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return ""
        given = None if self.boxes is None else boxes_of(image, self.boxes).to_csv(columns=["person", *BOX])
        found = None if self.finder is None else [self.finder.ingredients, RULES, self.min_score]
        seen = [recipe.ingredients for recipe in self.recipes]
        card = msgspec.to_builtins(self.model.card)
        return fingerprint(str(image), digest, given, found, seen, card, self.language)


def predict_images(
    images: Sequence[Path],
    profile: Profile,
    model: ActionModel,
    output: Path,
    *,
    boxes: pd.DataFrame | None = None,
    device: str = "cpu",
    precision: str = "float32",
    language: str = "en",
    min_score: float = MIN_SCORE,
) -> list[ImageResult]:
    """Name the verbs of everybody in images; write `predictions.json`, `.csv` and `overlays/` into `output`.

    profile    whose weights of CLIP and of HigherHRNet are used
    boxes      of `read_boxes`; without them people are found, those whose pose has `min_score` or more

    Returns a result per image, in their order; one that is given twice is taken once. What is finished in
    `output` already, made of the same, is not computed again. An image that cannot be read has the reason as
    its `failure`; the others go on. Boxes of images that are not given are left out; `find_unknown` and
    `predictions.json` name them. Raises DataError where that is all of them, or the model does not fit the
    profile's weights.
    """
    images = each_once(images)
    unknown = [] if boxes is None else find_unknown(boxes, images)
    if boxes is not None and unknown and len(unknown) == boxes["image"].nunique():
        raise DataError("boxes: image: none names an image that is given; write its file name or its path.")
    views: dict[str, View] = {view.name: view for view in profile_views(profile, device, precision)}
    recipes = {name: Recipe(views[name], views[name].ingredients()) for name in model.card.inputs.views}
    check_encoders(model, recipes.values())
    finder = Recipe(views["pose"], views["pose"].ingredients()) if boxes is None else None
    plan = Plan(model, tuple(recipes.values()), finder, boxes, min_score, language)
    names = name_results(images)
    jobs = [Job(name, plan.fingerprint(image)) for name, image in zip(names, images, strict=True)]
    done = {job: result for job in jobs if (result := _finished(output, job))}
    left = [pair for pair in zip(images, jobs, strict=True) if pair[1] not in done]
    with tqdm(total=len(jobs), initial=len(jobs) - len(left), desc="images", unit="img") as bar:
        for finished in _work(left, plan, output):
            done |= finished
            bar.update(len(finished))
    asked = {"profile": profile.name, "boxes_given": boxes is not None, "boxes_of_unknown_images": unknown}
    asked |= {"precision": precision}
    results = [done[job] for job in jobs]
    write_results(output, results, model, asked)
    return results


def _record(output: Path, job: Job) -> Path:
    return output / "work" / f"{job.name}.json"


def _finished(output: Path, job: Job) -> ImageResult | None:
    """Return the result that an earlier run left, if its picture is still there."""
    result = read_record(_record(output, job), job.made_of)
    return result if result and (output / str(result.overlay)).is_file() else None


def _work(left: Sequence[tuple[Path, Job]], plan: Plan, output: Path) -> Iterator[dict[Job, ImageResult]]:
    """Yield results, some images at a time, written; while the networks work, the next ones are read."""
    if not left:
        return
    encoders = load_encoders([*plan.recipes, *([plan.finder] if plan.finder else [])])
    with ThreadPoolExecutor(READERS) as readers, ThreadPoolExecutor(1) as ahead:
        for batch, pixels in one_ahead(ahead, partial(_read, readers=readers), batches(left)):
            pictures = {path: image for (path, _), image in zip(batch, pixels, strict=True)}
            results = _predict(pictures, plan, encoders)
            save = partial(_save, output, plan.language)
            saved = readers.map(save, [job for _, job in batch], results, pixels)
            yield {job: result for (_, job), result in zip(batch, saved, strict=True)}


def _read(batch: list[tuple[Path, Job]], readers: Executor) -> tuple[list[tuple[Path, Job]], list[Pixels]]:
    """Read a batch's images."""
    return batch, list(readers.map(read_or_reason, [path for path, _ in batch]))


def _predict(pictures: dict[Path, Pixels], plan: Plan, encoders: Encoders) -> list[ImageResult]:
    """Return a result per picture, in their order."""
    readable = {path: pixels for path, pixels in pictures.items() if not isinstance(pixels, str)}
    tables = [table.assign(path=str(path)) for path, table in _find(readable, plan, encoders).items()]
    people = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    persons = _name_verbs(people, readable, plan, encoders) if len(people) else []
    by_path: dict[str, list[Person]] = {str(path): [] for path in readable}
    for path, person in zip(people.get("path", []), persons, strict=True):
        by_path[path].append(person)
    return [
        ImageResult(image=str(path), failure=pixels)
        if isinstance(pixels, str)
        else ImageResult(
            image=str(path), width=pixels.shape[1], height=pixels.shape[0], people=by_path[str(path)]
        )
        for path, pixels in pictures.items()
    ]


def _find(pictures: dict[Path, np.ndarray], plan: Plan, encoders: Encoders) -> dict[Path, pd.DataFrame]:
    """Return each picture's people, as `find_people` does: those given, or those found."""
    if plan.finder is None:
        return {path: boxes_of(path, plan.boxes) for path in pictures}
    estimator = encoders[plan.finder.view.encoder]
    return dict(zip(pictures, find_people(estimator, list(pictures.values()), plan.min_score), strict=True))


def _name_verbs(
    people: pd.DataFrame, pictures: dict[Path, np.ndarray], plan: Plan, encoders: Encoders
) -> list[Person]:
    """Compute the model's views of people as the extraction does, and say what the model says of each."""
    known = people.assign(image_id=0, split="", file_name=people["path"], image_bytes=0)
    shard = Shard("", known, plan.recipes)
    images: dict[str, Pixels] = {str(path): pixels for path, pixels in pictures.items()}
    tables = encode(prepare(shard, images, encoders), encoders).tables
    views = [recipe.view.name for recipe in plan.recipes]
    features = dict(zip(views, map(to_frame, tables), strict=True))
    probabilities = plan.model.probabilities(plan.model.card.inputs.apply(people, features))
    poses = features.get("pose", people)
    return [
        _person(people.loc[row], poses.loc[row], probabilities.loc[row], failure, plan.model)
        for row, failure in zip(people.index, tables[0][FAILURE].to_pylist(), strict=True)
    ]


def _person(
    row: pd.Series, pose: pd.Series, probabilities: pd.Series, failure: str | None, model: ActionModel
) -> Person:
    found, named = pd.notna(pose["score"]), probabilities.notna().all()
    return Person(
        person=row["person"],
        **{side: float(row[side]) for side in BOX},
        score=float(pose["score"]) if found else None,
        keypoints=pose[POSE_GROUPS["image"]].to_numpy(float).reshape(17, 3).tolist() if found else None,
        probabilities=probabilities.to_dict() if named else None,
        verbs=list(probabilities.index[model.name_verbs(probabilities)]),
        failure=failure if failure or named else NO_POSE,
    )


def _save(output: Path, language: str, job: Job, result: ImageResult, pixels: Pixels) -> ImageResult:
    """Write an image's picture, then its record; where it failed, remove what an earlier run left."""
    overlay, record = output / "overlays" / f"{job.name}.jpg", _record(output, job)
    if isinstance(pixels, str):
        with disk_errors(overlay):
            overlay.unlink(missing_ok=True)
            record.unlink(missing_ok=True)
        return result
    with write_whole(overlay) as path:
        draw_overlay(pixels, result.people, language).save(path, quality=92)
    result = msgspec.structs.replace(result, overlay=str(overlay.relative_to(output)))
    write_record(record, job.made_of, result)
    return result
