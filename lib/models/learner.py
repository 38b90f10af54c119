"""One epoch of training and of measuring, for seeds that share their forward passes."""

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, hardshrink

from lib.models.seeded import SeededModule, logits_of

Metric = Callable[[np.ndarray, np.ndarray], np.ndarray | float]


class People(NamedTuple):
    """Features (n, in) and labels (n, verbs) as float32 on the device; with a first axis s if by seed."""

    features: Tensor
    labels: Tensor


class Learner:
    """The networks of some seeds, their Adam, and the people that each seed trains on or holds out.

    `train` are the people that the seeds share; `held_out` those (s, h) that the seeds drew for themselves.
    """

    def __init__(
        self, model: SeededModule, train: People, *, batch_size: int, learning_rate: float, held_out: float
    ) -> None:
        self.model, self.people, self.batch_size = model, train, batch_size
        self.optimiser = torch.optim.Adam(model.parameters(), lr=learning_rate, fused=True)
        parts = [split_people(len(train.labels), held_out, seed) for seed in model.seeds]
        self.trained_on = [trained_on for trained_on, _ in parts]
        rows = torch.from_numpy(np.stack([rows for _, rows in parts])).to(train.labels.device)
        self.held_out = People(train.features[rows], train.labels[rows])

    def train_epoch(self, epoch: int) -> list[float]:
        """Take one step per batch; return each seed's mean loss over its people, while they were learnt."""
        pairs = zip(self.trained_on, self.model.seeds, strict=True)
        order = torch.from_numpy(np.stack([shuffle(rows, seed, epoch) for rows, seed in pairs]))
        order = order.to(self.people.labels.device)
        total = torch.zeros(len(order), device=order.device)
        self.model.train()
        for number, rows in enumerate(order.split(self.batch_size, dim=1)):
            if number % 100 == 0:
                self._drop_tiny_moments()
            loss = seed_losses(self.model(self.people.features[rows]), self.people.labels[rows])
            self.optimiser.zero_grad()
            loss.sum().backward()  # no parameter is shared, so each seed's gradient is that of its own loss
            self.optimiser.step()
            total += loss.detach() * rows.shape[1]
        return (total / order.shape[1]).tolist()

    def _drop_tiny_moments(self) -> None:
        """Set to zero what is too small to change any weight, before it falls below 1e-38.

        Adam's first moment of a hidden unit that no longer answers, of which raw pixel coordinates make
        many, halves every 7 steps, and a CPU computes with denormal numbers 18 times slower.
        """
        for state in self.optimiser.state.values():
            state["exp_avg"].copy_(hardshrink(state["exp_avg"], 1e-30))

    def measure(
        self, sets: Mapping[str, People], metrics: Mapping[str, Metric], record: Collection[str]
    ) -> list[tuple[dict[str, float], dict[str, Tensor]]]:
        """Return each seed's `<set>_loss` and `<set>_<metric>` of every set and of the people held out.

        Means come first; then, of the metrics to `record`, the values of each person of the given sets.
        """
        rows: list[tuple[dict, dict]] = [({}, {}) for _ in self.model.seeds]
        for name, people in {"held_out": self.held_out, **sets}.items():
            if people.labels.shape[-2] == 0:
                continue
            logits = logits_of(self.model, people.features)
            labels = people.labels.expand_as(logits)
            for (row, values), loss, scores, truth in zip(
                rows, seed_losses(logits, labels).tolist(), logits.cpu(), labels.bool().cpu(), strict=True
            ):
                row[f"{name}_loss"] = loss
                for metric, score in metrics.items():
                    by_person = score(scores.numpy(), truth.numpy())
                    row[f"{name}_{metric}"] = float(np.mean(by_person))
                    if metric in record and name in sets:
                        values[f"{name}_{metric}"] = torch.as_tensor(by_person)
        return rows


def split_people(count: int, held_out: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw the people of one seed: row numbers to train on, and a share of `held_out` to hold out."""
    order = np.random.default_rng([seed, 0]).permutation(count)
    out = min(round(count * held_out), count - 1)
    return np.sort(order[out:]), np.sort(order[:out])


def shuffle(rows: np.ndarray, seed: int, epoch: int) -> np.ndarray:
    """Return the order in which a seed sees its people in an epoch, 1 or later."""
    return np.random.default_rng([seed, epoch]).permutation(rows)


def seed_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Return BCEWithLogitsLoss, the mean over people and verbs, of each seed: (s, n, verbs) -> (s,)."""
    return binary_cross_entropy_with_logits(logits, labels, reduction="none").mean(dim=(1, 2))
