"""Pose of a crop as MMPose 0.29 computes it, crop by crop, person by person: the yardstick of `lib.pose`."""

import numpy as np
import torch
import torch.nn.functional as F

from lib.coco import FLIP_INDICES
from lib.higherhrnet.associative_embedding import HigherHRNetCodec
from lib.pose.windows import input_window, load_pixels


def people_as_in_0x(network: torch.nn.Module, crop: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the people (n, 17, 3) of an RGB crop in its pixels and their scores (n,), in float32."""
    window = input_window(crop.shape[1], crop.shape[0], network.head.decoder.input_size[0])
    pixels = load_pixels([window.warp(crop)]).contiguous()
    with torch.inference_mode():
        plain = network.head(network.extract_feat(pixels))
        mirrored = network.head(network.extract_feat(pixels.flip(-1)))
    heatmaps, tags = _aggregate(plain, mirrored, window.size)
    people = _group(network.head.decoder, heatmaps, tags)
    for person in people:
        _adjust(person, heatmaps[0])
    scores = np.array([person[:, 2].mean() for person in people])
    for person in people:
        _refine(person, heatmaps[0].numpy(), tags[0].numpy())
    people = np.array(people, dtype=np.float64).reshape(-1, 17, 3)
    people[..., :2] = window.to_image(people[..., :2])
    return people, scores


def _aggregate(plain, mirrored, size) -> tuple[torch.Tensor, torch.Tensor]:
    heatmaps, tags = [], []
    for outputs, order in ((plain, range(17)), ([output.flip(-1) for output in mirrored], FLIP_INDICES)):
        resized = [F.interpolate(output, size=size[::-1], mode="bilinear") for output in outputs]
        heatmaps.append((resized[0][:, :17] + resized[1])[:, list(order)] / 2)
        tags.append(resized[0][:, 17:][:, list(order)])
    return (heatmaps[0] + heatmaps[1]) / 2, torch.stack(tags, dim=-1)


def _group(codec: HigherHRNetCodec, heatmaps: torch.Tensor, tags: torch.Tensor) -> list[np.ndarray]:
    peaks = heatmaps * (F.max_pool2d(heatmaps, 5, 1, 2) == heatmaps).float()
    candidates = codec._get_batch_topk(peaks, tags.permute(0, 4, 1, 2, 3).flatten(1, 2), 30)
    return list(codec._group_keypoints(*(part.numpy() for part in candidates))[0])


def _adjust(person: np.ndarray, heatmaps: torch.Tensor) -> None:
    height, width = heatmaps.shape[1:]
    for joint, (x, y, value) in enumerate(person):
        if value > 0:
            column, row, heatmap = int(x), int(y), heatmaps[joint]
            right, left = heatmap[row, min(width - 1, column + 1)], heatmap[row, max(0, column - 1)]
            below, above = heatmap[min(height - 1, row + 1), column], heatmap[max(0, row - 1), column]
            person[joint, :2] = x + (0.75 if right > left else 0.25), y + (0.75 if below > above else 0.25)


def _refine(person: np.ndarray, heatmaps: np.ndarray, tags: np.ndarray) -> None:
    height, width = heatmaps.shape[1:]
    mean = np.mean([tags[j, int(y), int(x)] for j, (x, y, value) in enumerate(person) if value > 0], axis=0)
    for joint, (heatmap, tag) in enumerate(zip(heatmaps, tags, strict=True)):
        worth = heatmap - np.round(((tag - mean) ** 2).sum(axis=2) ** 0.5)
        row, column = np.unravel_index(np.argmax(worth), heatmap.shape)
        right, left = heatmap[row, min(width - 1, column + 1)], heatmap[row, max(0, column - 1)]
        below, above = heatmap[min(height - 1, row + 1), column], heatmap[max(0, row - 1), column]
        if heatmap[row, column] > 0 and person[joint, 2] == 0:
            x, y = column + (0.75 if right > left else 0.25), row + (0.75 if below > above else 0.25)
            person[joint] = x, y, heatmap[row, column]
