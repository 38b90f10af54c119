"""The literal way to do everything: one person, one image, one batch at a time, as a script would.

Pose is in `as_in_0x`. What is random is drawn as ours draws it, so that the results can be compared.
"""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from as_in_0x import people_as_in_0x
from PIL import Image
from pycocotools.coco import COCO
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from lib.crops import grow_box
from lib.models import ActionMLP
from lib.models.learner import shuffle, split_people

People = tuple[np.ndarray, np.ndarray]  # features and labels


def load(labels: Path, instances: Path) -> dict[int, tuple[list[float], set[str]]]:
    """Return box and verbs of every person who has a verb."""
    coco, people = COCO(instances), {}
    for entry in json.loads(labels.read_text()):
        for ann_id, label in zip(entry["ann_id"], entry["label"], strict=True):
            if label:
                people.setdefault(ann_id, (coco.loadAnns(ann_id)[0]["bbox"], set()))[1].add(
                    entry["action_name"]
                )
    return people


def find_pose(network: nn.Module, crop: np.ndarray) -> np.ndarray:
    """Return the pose with the largest score, (17, 3) in pixels of the crop; NaN where nobody is found."""
    people, scores = people_as_in_0x(network, crop)
    return people[scores.argmax()] if len(people) else np.full((17, 3), np.nan)


@torch.inference_mode()
def encode(model: nn.Module, preprocess: object, image: Image.Image) -> np.ndarray:
    """Return CLIP's numbers of one image."""
    return model.encode_image(preprocess(image)[None])[0].float().numpy()


def extract(
    people: pd.DataFrame, images: Path, model: nn.Module, preprocess: object, network: nn.Module
) -> pd.DataFrame:
    """Return CLIP of the image and of the crop, and pose, 512 + 512 + 51 numbers a person."""
    rows = {}
    for person in people.itertuples():
        image = Image.open(images / person.file_name).convert("RGB")
        x, y, w, h = grow_box((person.x, person.y, person.w, person.h), *image.size)
        crop = image.crop((x, y, x + w, y + h))
        clips = [encode(model, preprocess, picture) for picture in (image, crop)]
        rows[person.Index] = np.concatenate([*clips, find_pose(network, np.asarray(crop)).ravel()])
    return pd.DataFrame.from_dict(rows, orient="index")


# --- Training


def score_persons(logits: torch.Tensor, labels: torch.Tensor) -> tuple[float, int]:
    """Return the sum of the partial scores and the number of exact matches, one person at a time."""
    partial, exact = 0.0, 0
    for row, truth in zip(logits, labels, strict=True):
        count = int(truth.sum())
        predicted = set(torch.topk(row, count).indices.tolist())
        true = set(torch.nonzero(truth).flatten().tolist())
        partial += len(predicted & true) / count
        exact += predicted == true
    return partial, exact


@torch.no_grad()
def measure(model: nn.Module, loader: DataLoader) -> float:
    """Return the share of exact matches."""
    return sum(score_persons(model(features), labels)[1] for features, labels in loader) / len(loader.dataset)


def train(train: People, test: People, epochs: int, seed: int, batch: int) -> list[float]:
    """Train one seed as the thesis does; return the exact match on test after each epoch.

    Weights are saved after every epoch, and loaded again to be tested.
    """
    data = TensorDataset(*map(torch.from_numpy, train))
    learnt, held_out = split_people(len(data), 0.05, seed)
    watched = DataLoader(torch.utils.data.Subset(data, held_out), batch)
    model = ActionMLP(train[0].shape[1], seeds=[seed]).sequential(seed)  # our first weights
    optimiser, criterion = torch.optim.Adam(model.parameters(), lr=1e-4), nn.BCEWithLogitsLoss()
    with tempfile.TemporaryDirectory() as folder:
        for epoch in range(1, epochs + 1):
            order = shuffle(learnt, seed, epoch).tolist()
            partial = 0.0
            for features, labels in DataLoader(data, batch, sampler=order):
                optimiser.zero_grad()
                logits = model(features)
                criterion(logits, labels.float()).backward()
                optimiser.step()
                partial += score_persons(logits.detach(), labels)[0]
            print(epoch, partial / len(learnt), measure(model, watched))
            torch.save(model.state_dict(), f"{folder}/{epoch}.pth")
        return [_load_and_test(f"{folder}/{epoch}.pth", model, test, batch) for epoch in range(1, epochs + 1)]


def _load_and_test(file: str, model: nn.Module, test: People, batch: int) -> float:
    model.load_state_dict(torch.load(file, weights_only=True))
    return measure(model, DataLoader(TensorDataset(*map(torch.from_numpy, test)), batch))


# --- Metrics


def match(logits: np.ndarray, labels: np.ndarray) -> tuple[list[bool], list[float]]:
    """Return exact and partial match of each person."""
    exact, partial = [], []
    for row, truth in zip(logits, labels, strict=True):
        true = {verb for verb, there in enumerate(truth) if there}
        predicted = set(sorted(range(len(row)), key=lambda verb: -row[verb])[: len(true)])
        exact.append(predicted == true)
        partial.append(len(predicted & true) / len(true) if true else 1.0)
    return exact, partial


def mean_average_precision(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return mAP, going down each verb's ranking of the people; no two logits are equal."""
    precisions = []
    for scores, truth in zip(logits.T, labels.T, strict=True):
        hits, total = 0, 0.0
        for rank, person in enumerate(sorted(range(len(scores)), key=lambda i: -scores[i]), start=1):
            if truth[person]:
                hits += 1
                total += hits / rank
        if hits:
            precisions.append(total / hits)
    return sum(precisions) / len(precisions)


def bootstrap(
    values: Sequence[float], image_ids: Sequence[int], resamples: int, seed: int
) -> tuple[float, float]:
    """Return the 95 % interval of the mean over images that are drawn again and again."""
    by_image: dict[int, list[float]] = {}
    for value, image_id in zip(values, image_ids, strict=True):
        by_image.setdefault(image_id, []).append(value)
    groups = [by_image[image_id] for image_id in sorted(by_image)]
    rng, means = np.random.default_rng(seed), []
    for _ in range(resamples):
        drawn = [value for image in rng.integers(0, len(groups), len(groups)) for value in groups[image]]
        means.append(sum(drawn) / len(drawn))
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
