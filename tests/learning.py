"""What the tests of training share: people whose labels can be learnt, two small networks, comparisons."""

import numpy as np
import torch
from torch import nn

from lib.models import SeededModule, SeedLinear

WIDTH, HIDDEN, N_VERBS = 12, 32, 5
SMALL = {"hidden": HIDDEN, "verbs": N_VERBS}


def draw_people(count: int, seed: int = 0, width: int = WIDTH, verbs: int = N_VERBS, scale: float = 1):
    """Draw features and labels of people; about a third of the labels are positive and can be learnt."""
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((count, width)).astype(np.float32) * scale
    rule = np.random.default_rng(99).standard_normal((width, verbs))
    return features, features @ rule + rng.standard_normal((count, verbs)) > 2


def exact_match(logits: np.ndarray, labels: np.ndarray) -> list[bool]:
    """Return for each person whether the K largest logits are those of the K true verbs."""
    return [
        set(np.argsort(-row)[: truth.sum()]) == set(np.flatnonzero(truth))
        for row, truth in zip(logits, labels, strict=True)
    ]


def same_bits(one: nn.Module, other: nn.Module) -> bool:
    first, second = one.state_dict(), other.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def relative(values: np.ndarray, reference: np.ndarray) -> float:
    return np.abs(values - reference).max() / np.abs(reference).max()


class GatedSum(SeededModule):
    """Another network for `fit`: two parts of the features, weighed by a gate; one buffer."""

    def __init__(self, in_features, n_seeds=1, *, seeds=None, verbs=N_VERBS):
        super().__init__(in_features, n_seeds, seeds=seeds, verbs=verbs)
        generators = self.generators()
        self.gate = SeedLinear(in_features, 1, generators)
        self.parts = nn.ModuleList(SeedLinear(in_features // 2, verbs, generators) for _ in range(2))
        self.register_buffer("scale", torch.tensor(self.seeds).reshape(-1, 1, 1) + 1.0)

    def forward(self, x):
        gate = torch.sigmoid(self.gate(x))
        left, right = (part(half) for part, half in zip(self.parts, x.chunk(2, dim=-1), strict=True))
        return (gate * left + (1 - gate) * right) * self.scale
