"""Pose of people in images: `PoseEstimator` takes images and boxes of persons and returns their `Poses`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from scipy.optimize import linear_sum_assignment

from lib.coco import JOINTS
from lib.crops import Picture, cut, group_by_image, grow_box, overlap, read_image
from lib.higherhrnet.associative_embedding import People
from lib.higherhrnet.model import load_higherhrnet
from lib.pose.detectors import BottomUp, Detection, TopDown, nobody
from lib.pose.windows import InputWindow
from lib.precision import check_device

# Beyond it a crop's input shrinks; MMPose 0.29 goes up to 512 x 8320 and more. No crop of V-COCO reaches it
# (the largest of 11,570 has 512 x 2944), so there it changes nothing.
MAX_PIXELS = 512 * 3072

# Persons whose images are in memory at once; enough that crops of like size meet in a batch.
READ_AHEAD = 256


@dataclass(frozen=True)
class Poses:
    """One pose per person, in the order of the boxes given.

    A person who was not found has NaN keypoints and score. A joint that was not found has confidence 0.
    """

    keypoints: np.ndarray  # (n, 17, 3): x, y in pixels of the image, confidence
    crop_keypoints: np.ndarray  # (n, 17, 3): the same in pixels of the crop
    scores: np.ndarray  # (n,): mean of the 17 confidences as detected, a joint not detected counting as 0
    found: np.ndarray  # (n,): persons detected in the crop, or overlapping the box
    crops: np.ndarray  # (n, 4): x, y, w, h of the crop in whole pixels of the image

    def __len__(self) -> int:
        return len(self.scores)

    def to_frame(self, index: pd.Index | Sequence | None = None) -> pd.DataFrame:
        """Return one row per person: score, found, crop_x .. crop_h, image_nose_x .. and crop_nose_x ...

        The last two groups are the 51 numbers of `keypoints` and of `crop_keypoints`, in that order.
        """
        names = [f"{joint}_{value}" for joint in JOINTS for value in ("x", "y", "score")]
        parts = [
            pd.DataFrame({"score": self.scores, "found": self.found}),
            pd.DataFrame(self.crops, columns=["crop_x", "crop_y", "crop_w", "crop_h"]),
            pd.DataFrame(self.keypoints.reshape(-1, 51), columns=names).add_prefix("image_"),
            pd.DataFrame(self.crop_keypoints.reshape(-1, 51), columns=names).add_prefix("crop_"),
        ]
        frame = pd.concat(parts, axis=1)
        return frame if index is None else frame.set_index(pd.Index(index))


class PoseInput(NamedTuple):
    """One person as HigherHRNet takes it."""

    crop: np.ndarray  # (4,): x, y, w, h in whole pixels of the image
    window: InputWindow  # in the crop
    pixels: np.ndarray  # (h, w, 3) uint8, the window's


class PoseEstimator:
    """Estimates the pose of persons given by boxes; the defaults are the thesis's way.

    weights      a checkpoint; None leaves random weights, for tests and benchmarks
    model        `higherhrnet`, bottom-up, or MMPose's top-down `hrnet_w32`, `simple_baseline`, `rtmpose`
    source       `crop` runs HigherHRNet on the box grown by `pad` pixels and keeps the detection with the
                 largest score; `image` runs it once per image and gives each box the detection that
                 overlaps it best, one each
    network      a HigherHRNet ready built, instead of `weights`
    precision    `float32`, the reference; `bfloat16`, `float16`; `auto`, the faster of the first two here.
                 Top-down models always use float32
    batch_size   crops of 512 x 512 in one forward pass; larger ones count by their pixels
    max_pixels   bound of HigherHRNet's input (see `input_window`); None is MMPose 0.29's literal behaviour
    """

    def __init__(
        self,
        weights: str | Path | None = None,
        *,
        model: str = "higherhrnet",
        source: str = "crop",
        network: torch.nn.Module | None = None,
        pad: float = 20,
        flip: bool = True,
        precision: str = "float32",
        device: str = "cpu",
        batch_size: int = 4,
        max_pixels: int | None = MAX_PIXELS,
    ) -> None:
        if source not in ("crop", "image"):
            raise ValueError(f"source is 'crop' or 'image', got {source!r}")
        check_device(device)
        self.source, self.pad = source, pad
        if model != "higherhrnet":
            self.detector: TopDown | BottomUp = TopDown(model, weights, device=device, batch_size=batch_size)
            return
        self.detector = BottomUp(
            load_higherhrnet(weights) if network is None else network,
            flip=flip,
            precision=precision,
            device=device,
            batch_size=batch_size,
            max_pixels=max_pixels,
        )

    def estimate(self, images: Sequence[Picture], boxes: np.ndarray) -> Poses:
        """Return the poses of n persons: `images`, one per person, and `boxes` (n, 4) of x, y, w, h.

        An image is a path, a PIL image or an RGB array; the same object given for several persons is read
        once. Raises ValueError as `read_image` and `grow_box` do.
        """
        boxes = np.asarray(boxes, dtype=float)
        if boxes.shape != (len(images), 4) and (len(images) or boxes.size):
            raise ValueError(f"expected boxes of shape ({len(images)}, 4), one per image, got {boxes.shape}")
        crops, detections = np.zeros((len(images), 4), dtype=int), [nobody()] * len(images)
        for groups in _by_image(images):
            pictures = [read_image(images[persons[0]]) for persons in groups]
            for picture, persons in zip(pictures, groups, strict=True):
                height, width = picture.shape[:2]
                crops[persons] = [grow_box(boxes[person], width, height, self.pad) for person in persons]
            results = self._detect(
                pictures, [boxes[persons] for persons in groups], [crops[p] for p in groups]
            )
            for persons, found in zip(groups, results, strict=True):
                for person, detection in zip(persons, found, strict=True):
                    detections[person] = detection
        return _gather(detections, crops)

    def prepare(self, pixels: np.ndarray, box: np.ndarray) -> PoseInput:
        """Return HigherHRNet's input of the person in this box (x, y, w, h) of an RGB image.

        It may run in other threads than `estimate_prepared`. Raises ValueError as `grow_box` does.
        """
        crop = grow_box(box, pixels.shape[1], pixels.shape[0], self.pad)
        window = self._bottom_up().window(view := cut(pixels, crop))
        return PoseInput(crop, window, window.warp(view))

    def estimate_prepared(self, inputs: Sequence[PoseInput]) -> Poses:
        """Return the poses of persons whom `prepare` took, as `estimate` does with source `crop`."""
        windows, crops = [one.window for one in inputs], np.array([one.crop for one in inputs]).reshape(-1, 4)
        found = self._bottom_up().detect_in(windows, lambda i: inputs[i].pixels, best_only=True)
        detections = [_best(people, (0, 0)) for people in found]
        poses = _gather(detections, crops * [0, 0, 1, 1])
        shift = np.insert(crops[:, None, :2], 2, 0, axis=2)  # x, y, nothing for the confidence
        return replace(poses, keypoints=poses.crop_keypoints + shift, crops=crops)

    def find(self, images: Sequence[Picture]) -> list[People]:
        """Return everybody whom HigherHRNet finds in each whole image, in its pixels.

        Raises ValueError as `read_image` does, and for a top-down model, which needs boxes.
        """
        return self._bottom_up().detect([read_image(image) for image in images], best_only=False)

    def _bottom_up(self) -> BottomUp:
        if isinstance(self.detector, TopDown):
            raise ValueError("a top-down model finds nobody by itself; use model='higherhrnet'")
        return self.detector

    def _detect(self, pictures: list, boxes: list, crops: list) -> list[list[Detection]]:
        """Return the detections of each picture's boxes, in pixels of the picture."""
        if isinstance(self.detector, TopDown):
            return [self.detector.detect(*pair) for pair in zip(pictures, boxes, strict=True)]
        if self.source == "image":
            people = self.detector.detect(pictures, best_only=False)
            return [match_people(*pair) for pair in zip(people, boxes, strict=True)]
        views = [cut(picture, crop) for picture, its in zip(pictures, crops, strict=True) for crop in its]
        best = iter(self.detector.detect(views, best_only=True))
        return [[_best(next(best), crop) for crop in its] for its in crops]


def _by_image(images: Sequence[Picture]) -> Iterator[list[list[int]]]:
    """Yield groups of persons that share an image, as many groups at a time as hold `READ_AHEAD` persons."""
    chunk, count = [], 0
    for persons in group_by_image(images):
        chunk.append(persons)
        count += len(persons)
        if count >= READ_AHEAD:
            yield chunk
            chunk, count = [], 0
    if chunk:
        yield chunk


def _best(people: People, crop: Sequence[int] | np.ndarray) -> Detection:
    if not people.found:
        return nobody()
    return Detection(people.keypoints[0] + [crop[0], crop[1], 0], float(people.scores[0]), people.found)


def match_people(people: People, boxes: np.ndarray) -> list[Detection]:
    """Give each box (x, y, w, h) one of an image's people, so that the sum of overlaps is largest.

    The overlap is the intersection over union of the box and the box around a person's found joints. A box
    that no person overlaps gets nobody.
    """
    by_place = np.lexsort(boxes.T)  # so that where sums are equal, the order of the boxes does not decide
    overlaps = np.array([[_overlap(person, box) for person in people.keypoints] for box in boxes])
    overlaps = overlaps.reshape(len(boxes), len(people.keypoints))
    detections = [nobody(int(found)) for found in (overlaps > 0).sum(axis=1)]
    for row, person in zip(*linear_sum_assignment(-overlaps[by_place]), strict=True):
        box = by_place[row]
        if overlaps[box, person] > 0:
            detections[box] = Detection(
                people.keypoints[person], float(people.scores[person]), detections[box].found
            )
    return detections


def _overlap(person: np.ndarray, box: np.ndarray) -> float:
    joints = person[person[:, 2] > 0, :2]
    low, high = joints.min(axis=0), joints.max(axis=0)
    return overlap(np.concatenate([low, high - low]), box)


def _gather(detections: list[Detection], crops: np.ndarray) -> Poses:
    keypoints = np.array([detection.keypoints for detection in detections]).reshape(-1, 17, 3)
    in_crop = keypoints.copy()
    in_crop[..., :2] -= crops[:, None, :2]
    return Poses(
        keypoints,
        in_crop,
        np.array([detection.score for detection in detections], dtype=float),
        np.array([detection.found for detection in detections], dtype=int),
        crops,
    )
