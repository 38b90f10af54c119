"""Associative embedding as in MMPose 0.29: training targets, the tag loss, and decoding of maps into people.

Newell, Huang, Deng: Associative Embedding: End-to-End Learning for Joint Detection and Grouping, NIPS 2017.
MMPose 1.x still has the codec: its candidates, its grouping and its Gaussians give 0.29's result and are used
here. It adjusts, refines and scores differently, so those are ours. Grouping costs are rounded tag distances
and often tie; the package munkres settles ties differently in its versions 1.1 and 3.0, so MMPose's answer
depends on the version installed (the stored reference agrees with 3.0).
"""

from typing import Any, ClassVar, NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from lib.higherhrnet.mmpose_parts import KEYPOINT_CODECS, AssociativeEmbedding, batch_heatmap_nms, to_numpy

# Nose, eyes, ears, shoulders, hips, then elbows, wrists, knees, ankles: from the steadiest joints outwards.
GROUPING_ORDER = (0, 1, 2, 3, 4, 5, 6, 11, 12, 7, 8, 9, 10, 13, 14, 15, 16)


class People(NamedTuple):
    """What the maps of one image decode to.

    `keypoints` (people, K, 3) are x, y in heatmap pixels and confidence, 0, 0, 0 where a joint was found
    nowhere. `scores` (people,) are mean confidences before refinement, an undetected joint counting as 0.
    `found` counts the people grouped, also where only the best of them is returned.
    """

    keypoints: np.ndarray
    scores: np.ndarray
    found: int


@KEYPOINT_CODECS.register_module()
class HigherHRNetCodec(AssociativeEmbedding):
    """Encode keypoints to maps at several strides and decode maps as MMPose 0.29 does.

    Takes the arguments of MMPose's `AssociativeEmbedding`, and `strides`, the input pixels per heatmap pixel
    at each resolution; tags belong to the first. Leave `decode_max_instances` None, as 0.29 caps the
    candidates per joint (`decode_topk`) and never the people.
    """

    label_mapping_table: ClassVar = {"keypoint_indices": "keypoint_indices"}
    field_mapping_table: ClassVar = {"heatmaps": "heatmaps", "heatmap_mask": "heatmap_mask"}

    def __init__(
        self, input_size: tuple[int, int], strides: tuple[int, ...] = (4, 2), **settings: Any
    ) -> None:
        settings = {"sigma": 2, "decode_keypoint_order": list(GROUPING_ORDER)} | settings
        super().__init__(input_size=input_size, heatmap_size=input_size, **settings)
        self.strides = strides

    def encode(self, keypoints: np.ndarray, keypoints_visible: np.ndarray | None = None) -> dict:
        """Draw the training targets of one image.

        `keypoints` (people, K, 2) in input pixels, `keypoints_visible` (people, K), > 0.5 where labelled ->
        `heatmaps`, a list of (K, h, w) per stride with peaks of 1, and `keypoint_indices` (people, K, 2):
        y * w + x at the first stride, and whether the joint is labelled and inside.
        """
        if keypoints_visible is None:
            keypoints_visible = np.ones(keypoints.shape[:2], dtype=np.float32)
        levels = [self._encode_level(keypoints, keypoints_visible, stride) for stride in self.strides]
        return {
            "heatmaps": [level["heatmaps"] for level in levels],
            "keypoint_indices": levels[0]["keypoint_indices"],
        }

    def _encode_level(self, keypoints: np.ndarray, visible: np.ndarray, stride: int) -> dict:
        size = tuple(side // stride for side in self.input_size)
        # MMPose 1.x rounds to the nearest pixel, 0.29 takes the pixel that contains the joint: half a pixel
        # less.
        pixels = keypoints[..., :2] / stride - 0.5
        inside = np.all((pixels >= -0.5) & (pixels < np.array(size) - 0.5), axis=-1)
        level = AssociativeEmbedding(input_size=size, heatmap_size=size, sigma=self.sigma)
        return level.encode(np.where(inside[..., None], pixels, 0), visible * inside)

    def batch_decode(self, batch_heatmaps: Tensor, batch_tags: Tensor) -> tuple[list, list, list]:
        """Decode (B, K, H, W) heatmaps and (B, L*K, H, W) tags: per image keypoints, confidences and scores.

        Lists of (people, K, 2) in heatmap pixels, (people, K) and (people,), the form MMPose's heads expect.
        """
        people = self.decode_people(batch_heatmaps, batch_tags)
        return (
            [one.keypoints[..., :2] for one in people],
            [one.keypoints[..., 2] for one in people],
            [one.scores for one in people],
        )

    def decode_people(self, heatmaps: Tensor, tags: Tensor, best_only: bool = False) -> list[People]:
        """Decode (B, K, H, W) heatmaps and (B, L*K, H, W) tags into the people of each image.

        `best_only` returns only the person with the largest score (the first of equals). Scores do not depend
        on refinement, so sparing the others that step changes nothing and saves most of the time.
        """
        count = min(self.decode_topk, heatmaps[0, 0].numel())
        peaks = local_maxima(heatmaps, self.decode_nms_kernel)
        groups = self._group_keypoints(*to_numpy(self._get_batch_topk(peaks, tags, count)))
        return [finish_people(*image, best_only) for image in zip(groups, heatmaps, tags, strict=True)]


def local_maxima(heatmaps: Tensor, kernel: int) -> Tensor:
    """Set every pixel of (B, K, H, W) that is not the maximum of its kernel x kernel window to 0.

    On the CPU by OpenCV's dilation: the same result 30 times faster than pooling.
    """
    if heatmaps.device.type != "cpu":
        return batch_heatmap_nms(heatmaps, kernel)
    window = np.ones((kernel, kernel), dtype=np.uint8)
    peaks = np.empty(heatmaps.shape, dtype=np.float32)
    for heatmap, peak in zip(
        heatmaps.flatten(0, 1).numpy(), peaks.reshape(-1, *peaks.shape[2:]), strict=True
    ):
        cv2.dilate(heatmap, window, dst=peak)
        np.multiply(heatmap, peak == heatmap, out=peak)
    return torch.from_numpy(peaks)


def finish_people(people: np.ndarray, heatmaps: Tensor, tags: Tensor, best_only: bool = False) -> People:
    """Score, adjust and refine the groups of one image: (people, K, 3), (K, H, W), (L*K, H, W)."""
    found, scores = len(people), people[..., 2].mean(axis=1)
    if best_only and found:
        best = int(scores.argmax())
        people, scores = people[best : best + 1], scores[best : best + 1]
    people = adjust(people, heatmaps)
    tags = tags.unflatten(0, (-1, len(heatmaps)))  # (L, K, H, W)
    refined = [refine(person, heatmaps, tags) for person in people]
    return People(np.stack(refined) if refined else people, scores, found)


def adjust(people: np.ndarray, heatmaps: Tensor) -> np.ndarray:
    """Move each found joint to its pixel's centre and a quarter pixel towards its larger neighbour.

    `people` (people, K, 3), `heatmaps` (K, H, W) -> a new (people, K, 3). Joints without confidence stay.
    """
    adjusted = people.copy()
    person, joint = np.nonzero(people[..., 2] > 0)
    x, y = people[person, joint, :2].astype(np.int64).T
    adjusted[person, joint, :2] += 0.5 + _quarter_steps(heatmaps, joint, x, y)
    return adjusted


def refine(person: np.ndarray, heatmaps: Tensor, tags: Tensor) -> np.ndarray:
    """Fill the joints that grouping left empty with the best pixel near the person's mean tag.

    `person` (K, 3), `heatmaps` (K, H, W), `tags` (L, K, H, W) -> a new (K, 3). A joint stays 0, 0, 0 where
    the heatmap at its best pixel is not positive.
    """
    found, empty = np.flatnonzero(person[:, 2] > 0), np.flatnonzero(person[:, 2] == 0)
    if not len(empty) or not len(found):
        return person
    height, width = heatmaps.shape[-2:]
    x, y = np.clip(person[found, :2].astype(np.int64), 0, (width - 1, height - 1)).T
    # NumPy's mean of float32 rows, because 0.29's distances are rounded and an ulp can decide.
    mean_tag = tags.new_tensor(np.stack([_pick(tag, found, x, y) for tag in tags], axis=1).mean(axis=0))
    best = np.array([_best_pixel(heatmaps[joint], tags[:, joint], mean_tag) for joint in empty])
    y, x = np.divmod(best, width)
    values = _pick(heatmaps, empty, x, y)
    centres = np.stack([x, y], axis=1) + 0.5 + _quarter_steps(heatmaps, empty, x, y)
    filled = person.copy()
    filled[empty] = np.where(values[:, None] > 0, np.column_stack([centres, values]), 0)
    return filled


def _best_pixel(heatmap: Tensor, tags: Tensor, mean_tag: Tensor) -> int:
    distance = (tags - mean_tag[:, None, None]).square_().sum(dim=0).sqrt_()
    return int((heatmap - distance.round_()).argmax())


def _quarter_steps(heatmaps: Tensor, joint: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    height, width = heatmaps.shape[-2:]
    right, left = np.minimum(x + 1, width - 1), np.maximum(x - 1, 0)
    below, above = np.minimum(y + 1, height - 1), np.maximum(y - 1, 0)
    to_right = _pick(heatmaps, joint, right, y) > _pick(heatmaps, joint, left, y)
    to_below = _pick(heatmaps, joint, x, below) > _pick(heatmaps, joint, x, above)
    return np.where(np.stack([to_right, to_below], axis=1), 0.25, -0.25)


def _pick(heatmaps: Tensor, joint: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    at = tuple(torch.from_numpy(index).to(heatmaps.device) for index in (joint, y, x))
    return heatmaps[at].cpu().numpy()


def tag_loss(tags: Tensor, keypoint_indices: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Pull the tags of one person together and push the people of an image apart (equation 2 of the paper).

    `tags` (B, K, h, w); per image `keypoint_indices` (people, K, 2): y * w + x, and 1 where labelled, else 0
    -> (pull, push), each a mean over images, push halved as in 0.29. An image without people counts as 0.
    MMPose 1.x's AssociativeEmbeddingLoss has the same gradient for one image, but adds the constant that each
    person exerts on itself (a perfect answer costs 1 / (2 (people - 1))) and sums over the batch.
    """
    losses = [_image_tag_loss(*pair) for pair in zip(tags.flatten(2), keypoint_indices, strict=True)]
    pull, push = (torch.stack(parts).mean() for parts in zip(*losses, strict=True))
    return pull, push


def _image_tag_loss(tags: Tensor, indices: Tensor) -> tuple[Tensor, Tensor]:
    labelled = indices[..., 1] > 0
    indices, labelled = indices[labelled.any(dim=1)], labelled[labelled.any(dim=1)]
    people, nothing = len(indices), tags.sum() * 0  # a zero that still reaches every tag map
    if not people:
        return nothing, nothing
    places = torch.where(labelled, indices[..., 0], 0)
    values = tags[torch.arange(tags.shape[0], device=tags.device), places]  # (people, K)
    counts = labelled.sum(dim=1)
    means = torch.where(labelled, values, 0).sum(dim=1) / counts
    pull = (torch.where(labelled, values - means[:, None], 0).square().sum(dim=1) / counts).mean()
    if people == 1:
        return pull, nothing
    closeness = torch.exp(-(means[:, None] - means).square()).sum() - people
    return pull, 0.5 * closeness / (people * (people - 1))
