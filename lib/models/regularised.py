"""The thesis's network with batch normalisation and dropout, which act while it is trained."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm

from lib.models.seeded import SeededModule, SeedLinear

MOMENTUM, EPSILON = 0.1, 1e-5  # nn.BatchNorm1d's


class RegularisedMLP(SeededModule):
    """`ActionMLP`, each hidden layer with batch norm before its ReLU, if asked for, and dropout after it.

    `dropout` is the share of hidden numbers that a training step sets to 0. Without either the network is
    `ActionMLP`, from the same first weights. Maps (s, n, in_features), or (n, in_features) for every seed, to
    logits (s, n, verbs). Raises ValueError for a `dropout` outside 0 to below 1.
    """

    def __init__(
        self,
        in_features: int,
        n_seeds: int = 1,
        *,
        seeds: Sequence[int] | None = None,
        hidden: int = 1024,
        verbs: int = 26,
        dropout: float = 0,
        batch_norm: bool = False,
    ) -> None:
        super().__init__(in_features, n_seeds, seeds=seeds, verbs=verbs)
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout is a share from 0 to below 1, got {dropout}")
        self.hidden, self.dropout, self.batch_norm = hidden, dropout, batch_norm
        generators = self.generators()
        self.layers = nn.Sequential()
        for number, inputs in enumerate((in_features, hidden)):
            self.layers.append(SeedLinear(inputs, hidden, generators))
            if batch_norm:  # takes the bias away: of its gradient, mere rounding, Adam would make whole steps
                self.layers[-1].bias.requires_grad_(False)
                self.layers.append(SeedBatchNorm(hidden, len(self.seeds)))
            self.layers.append(nn.ReLU())
            if dropout:
                self.layers.append(SeedDropout(dropout, number, self.seeds))
        self.layers.append(SeedLinear(hidden, verbs, generators))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (s, n, verbs)."""
        return self.layers(x.expand(len(self.seeds), -1, -1))

    def settings(self) -> dict[str, object]:
        """Return the arguments that build this module again."""
        own = {name: getattr(self, name) for name in ("hidden", "dropout", "batch_norm")}
        return super().settings() | own


class SeedBatchNorm(nn.Module):
    """`nn.BatchNorm1d` for every seed: (s, n, features), normalised over a batch's n people.

    A batch of one person has no variance: it is normalised by the running numbers, as when predicting.
    Ioffe & Szegedy, Batch Normalization, 2015.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, features: int, n_seeds: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n_seeds, features))
        self.bias = nn.Parameter(torch.zeros(n_seeds, features))
        self.register_buffer("mean", torch.zeros(n_seeds, features))
        self.register_buffer("variance", torch.ones(n_seeds, features))

    def forward(self, x: Tensor) -> Tensor:
        """Return the same shape; in training, remember the batch's mean and unbiased variance."""
        columns = x.transpose(0, 1).flatten(1)  # (n, s * features), so that no seed meets another
        moments = self.mean.view(-1), self.variance.view(-1)
        weight, bias = self.weight.view(-1), self.bias.view(-1)
        training = self.training and len(columns) > 1
        columns = batch_norm(columns, *moments, weight, bias, training, MOMENTUM, EPSILON)
        return columns.unflatten(1, self.mean.shape).transpose(0, 1)


class SeedDropout(nn.Module):
    """`nn.Dropout` for every seed, whose masks follow from the seed, the layer's `number` and the step.

    `seed` and `step` are buffers, so they go where the weights go: a seed draws the same masks alone and
    among others, and a training that was killed goes on with those that it would have drawn.
    Srivastava et al., Dropout, 2014.
    """

    seed: Tensor
    step: Tensor

    def __init__(self, share: float, number: int, seeds: Sequence[int]) -> None:
        super().__init__()
        self.share, self.number = share, number
        self.register_buffer("seed", torch.tensor(seeds))
        self.register_buffer("step", torch.zeros(len(seeds), dtype=torch.int64))

    def forward(self, x: Tensor) -> Tensor:
        """Return the same shape; in training with a `share` of the numbers 0 and the others made larger."""
        if not self.training:
            return x
        pairs = zip(self.seed.tolist(), self.step.tolist(), strict=True)
        masks = torch.stack([self._draw_mask(x[0], *pair) for pair in pairs])
        self.step += 1
        return x * (masks / (1 - self.share))

    def _draw_mask(self, like: Tensor, seed: int, step: int) -> Tensor:
        mixed = np.random.SeedSequence([seed, self.number, step]).generate_state(1, np.uint64)
        generator = torch.Generator(like.device).manual_seed(int(mixed[0]))
        return torch.rand(like.shape, generator=generator, device=like.device) >= self.share
