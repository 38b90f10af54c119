"""One network per seed in one module: what `fit` trains, whatever the network."""

import copy
import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from lib.models.inputs import check_features

ROWS = 512  # people times seeds in one forward pass: the hidden numbers stay in a processor's cache


class SeededModule(nn.Module):
    """Base of networks that are trained with several seeds: a subclass adds layers and `forward`.

    Every parameter and buffer has the seeds as its first axis. `forward` maps (s, n, in_features) to logits
    (s, n, verbs) and lets no seed see another's numbers. Layers draw their first weights from `generators()`,
    so that a seed's are the same alone and among others; what else they draw, only in training, follows from
    the seed and from buffers.

    `seeds` are 0 to `n_seeds` - 1 unless given. Raises ValueError for none, a negative or a repeated one.
    """

    def __init__(
        self, in_features: int, n_seeds: int = 1, *, seeds: Sequence[int] | None = None, verbs: int = 26
    ) -> None:
        super().__init__()
        if seeds is not None and n_seeds not in (1, len(seeds)):
            raise ValueError(f"n_seeds is {n_seeds}, but {len(seeds)} seeds are given; leave one of them out")
        self.seeds = tuple(int(seed) for seed in (range(n_seeds) if seeds is None else seeds))
        self.in_features, self.verbs = in_features, verbs
        if not self.seeds:
            raise ValueError(f"at least one seed is needed, got n_seeds={n_seeds}, seeds={seeds}")
        if len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 0:
            raise ValueError(f"seeds are different numbers from 0 on, got {list(self.seeds)}")

    def generators(self) -> list[torch.Generator]:
        """Return one fresh generator per seed, in the state of `torch.manual_seed(seed)`."""
        return [torch.Generator().manual_seed(seed) for seed in self.seeds]

    def settings(self) -> dict[str, object]:
        """Return the arguments that build this module again; a subclass adds its own."""
        return {"in_features": self.in_features, "seeds": list(self.seeds), "verbs": self.verbs}


class SeedLinear(nn.Module):
    """`nn.Linear` for every seed: weights (s, in, out), biases (s, 1, out), (s, n, in) -> (s, n, out)."""

    def __init__(self, in_features: int, out_features: int, generators: Sequence[torch.Generator]) -> None:
        super().__init__()
        drawn = [_draw_linear(in_features, out_features, generator) for generator in generators]
        weights, biases = zip(*drawn, strict=True)
        self.weight = nn.Parameter(torch.stack(weights).mT.contiguous())
        self.bias = nn.Parameter(torch.stack(biases).unsqueeze(1))

    def forward(self, x: Tensor) -> Tensor:
        """Return (s, n, out) of (s, n, in)."""
        return torch.baddbmm(self.bias, x, self.weight)


def take_seeds(model: SeededModule, seeds: Sequence[int]) -> SeededModule:
    """Copy a model with only these of its seeds, in this order; ValueError for one that it has not."""
    if unknown := sorted(set(seeds) - set(model.seeds)):
        raise ValueError(f"the model has the seeds {list(model.seeds)}, not {unknown}")
    return with_weights(model, [seed_weights(model, seed) for seed in seeds], seeds)


def seed_weights(model: SeededModule, seed: int) -> dict[str, Tensor]:
    """Copy one seed's parameters and buffers, without the seed axis, to the CPU."""
    k = model.seeds.index(seed)
    return {name: values[k].detach().to("cpu", copy=True) for name, values in model.state_dict().items()}


def with_weights(
    model: SeededModule, weights: Sequence[dict[str, Tensor]], seeds: Sequence[int]
) -> SeededModule:
    """Return a model of the same kind on the CPU, made of one entry of `weights` per seed."""
    copied = copy.deepcopy(model).cpu()
    for name, values in (*copied.named_parameters(), *copied.named_buffers()):
        values.data = torch.stack([one[name] for one in weights])
    copied.seeds = tuple(int(seed) for seed in seeds)
    return copied


def predict(model: SeededModule, features: np.ndarray | pd.DataFrame) -> np.ndarray:
    """Return logits (s, n, verbs) of n people's features (n, in_features), every seed's, as float32.

    Runs where the model is. Raises ValueError for another width and for missing or infinite numbers.
    """
    values = torch.from_numpy(check_features(features, model.in_features))
    return logits_of(model, values.to(next(model.parameters()).device)).cpu().numpy()


@torch.inference_mode()
def logits_of(model: SeededModule, x: Tensor) -> Tensor:
    """Return logits (s, n, verbs) of (n, in) or (s, n, in), a limited number of people at a time."""
    model.eval()  # until it is trained on: see `Learner.train_epoch`
    x = x.expand(len(model.seeds), -1, -1)
    return torch.cat([model(part) for part in x.split(max(1, ROWS // len(x)), dim=1)], dim=1)


def _draw_linear(inputs: int, outputs: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw a weight (out, in) and a bias (out,) as `nn.Linear.reset_parameters` does, in its order."""
    weight = nn.init.kaiming_uniform_(torch.empty(outputs, inputs), a=math.sqrt(5), generator=generator)
    bound = 1 / math.sqrt(inputs)
    return weight, torch.empty(outputs).uniform_(-bound, bound, generator=generator)
