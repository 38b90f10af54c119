"""What the tests share: where the reference lies, the weight rule of its README, the literal decoding."""

import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from munkres import Munkres

from lib.higherhrnet.model import build_higherhrnet, higherhrnet_config
from lib.profiles import ROOT

NARROW = {"channels": (8, 16, 32, 64)}
SMALLEST = {"channels": (4, 4, 4, 4), "modules": (1, 1, 1), "blocks": 1, "input_size": 64}


def shared_path(name: str) -> Path:
    """Return a file of the folder `shared` beside the checkout; skip the test where it is absent."""
    path = ROOT.parent / "shared" / name
    if not path.exists():
        pytest.skip(f"needs ../shared/{name}")
    return path


def weights_by_rule(shapes: dict[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    """Return the weights that reference/README.md defines, by MMPose 0.29's names."""
    return {name: torch.from_numpy(np.array(_weight(name, shape))) for name, shape in shapes.items()}


def _weight(name: str, shape: tuple[int, ...]) -> np.ndarray:
    drawn = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape).astype(np.float32)
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape, dtype=np.int64)
    if name.endswith("running_var"):
        return 1 + 0.1 * np.abs(drawn)
    if name.endswith(("running_mean", "bias")):
        return 0.1 * drawn
    if drawn.ndim == 4:
        return (0.4 * drawn / np.sqrt(np.prod(shape[1:]))).astype(np.float32)
    return 1 + 0.1 * drawn


def names_of_0x(model: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    """Return name -> shape of a model's state dict, its head named as in MMPose 0.x."""
    return {
        f"keypoint_{name}" if name.startswith("head.") else name: tuple(value.shape)
        for name, value in model.state_dict().items()
    }


def build_by_rule(**settings) -> torch.nn.Module:
    """Build a HigherHRNet of `higherhrnet_config(**settings)` with the weights of the rule."""
    model = build_higherhrnet(higherhrnet_config(**settings))
    given = weights_by_rule(names_of_0x(model))
    model.load_state_dict({name.replace("keypoint_head", "head"): value for name, value in given.items()})
    return model


def decode_literally(heatmaps: np.ndarray, tags: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Decode (K, H, W) and (K, H, W, L) one pixel, joint and person at a time; settings as in the config."""
    people = _group(heatmaps, tags)
    for person in people:
        for joint, (x, y, value) in enumerate(person):
            if value > 0:
                person[joint, :2] = _nudge(heatmaps[joint], int(x), int(y))
    scores = np.array([person[:, 2].mean() for person in people])
    for person in people:
        _fill(person, heatmaps, tags)
    return np.array(people).reshape(-1, len(heatmaps), 3), scores


def _group(heatmaps: np.ndarray, tags: np.ndarray) -> list[np.ndarray]:
    people, members = {}, {}
    for joint in [0, 1, 2, 3, 4, 5, 6, 11, 12, 7, 8, 9, 10, 13, 14, 15, 16]:
        peaks = _peaks(heatmaps[joint])
        means = [np.mean(tag, axis=0) for tag in members.values()]
        keys = list(members)
        distance = np.array(
            [[np.linalg.norm(tags[joint, y, x] - mean) for mean in means] for _, x, y in peaks]
        )
        costs = [
            [round(distance[row, column]) * 100 - np.float64(peak[0]) for column in range(len(means))]
            + [1e10] * (len(peaks) - len(means))
            for row, peak in enumerate(peaks)
        ]
        pairs = (
            Munkres().compute(np.array(costs)) if means and peaks else [(row, 0) for row in range(len(peaks))]
        )
        for row, column in pairs:
            value, x, y = peaks[row]
            tag = tags[joint, y, x]
            if column < len(means) and distance[row, column] < 1:
                key = keys[column]
                members[key].append(tag)
            else:
                key = tag[0]
                members[key] = [tag]
                people.setdefault(key, np.zeros((len(heatmaps), 3), dtype=np.float32))
            people[key][joint] = x, y, value
    return list(people.values())


def _peaks(heatmap: np.ndarray) -> list[tuple[float, int, int]]:
    height, width = heatmap.shape
    peaks = [
        (heatmap[y, x], x, y)
        for y in range(height)
        for x in range(width)
        if heatmap[y, x] == heatmap[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3].max()
    ]
    return [peak for peak in sorted(peaks, key=lambda peak: -peak[0])[:30] if peak[0] > 0.1]


def _nudge(heatmap: np.ndarray, x: int, y: int) -> tuple[float, float]:
    height, width = heatmap.shape
    right, left = heatmap[y, min(width - 1, x + 1)], heatmap[y, max(0, x - 1)]
    below, above = heatmap[min(height - 1, y + 1), x], heatmap[max(0, y - 1), x]
    return x + (0.75 if right > left else 0.25), y + (0.75 if below > above else 0.25)


def _fill(person: np.ndarray, heatmaps: np.ndarray, tags: np.ndarray) -> None:
    mean = np.mean([tags[j, int(y), int(x)] for j, (x, y, value) in enumerate(person) if value > 0], axis=0)
    for joint in np.flatnonzero(person[:, 2] == 0):
        best, place = -np.inf, (0, 0)
        for y, x in np.ndindex(*heatmaps.shape[1:]):
            away = np.float32(((tags[joint, y, x] - mean) ** 2).sum()) ** np.float32(0.5)
            worth = heatmaps[joint, y, x] - np.round(away)
            if worth > best:
                best, place = worth, (x, y)
        x, y = place
        if heatmaps[joint, y, x] > 0:
            person[joint] = *_nudge(heatmaps[joint], x, y), heatmaps[joint, y, x]
