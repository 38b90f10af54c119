"""The thesis's procedure: one seed, batch by batch, top K person by person, weights saved and read again.

First weights, people held out and orders are drawn as ours are, so that the results can be compared.
"""

import tempfile

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset

from lib.models import ActionMLP
from lib.models.learner import shuffle, split_people

People = tuple[np.ndarray, np.ndarray]  # features and labels


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
    watched = DataLoader(Subset(data, held_out), batch)
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
