"""The thesis's network: three linear layers."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lib.models.seeded import SeededModule, SeedLinear


class ActionMLP(SeededModule):
    """Linear `hidden`, ReLU, Linear `hidden`, ReLU, Linear `verbs`, once per seed.

    A seed starts with the weights that `torch.manual_seed(seed)` gives the same `nn.Sequential`. Maps
    (s, n, in_features), or (n, in_features) for every seed, to logits (s, n, verbs).
    """

    def __init__(
        self,
        in_features: int,
        n_seeds: int = 1,
        *,
        seeds: Sequence[int] | None = None,
        hidden: int = 1024,
        verbs: int = 26,
    ) -> None:
        super().__init__(in_features, n_seeds, seeds=seeds, verbs=verbs)
        self.hidden, generators = hidden, self.generators()
        self.layers = nn.Sequential(
            SeedLinear(in_features, hidden, generators),
            nn.ReLU(),
            SeedLinear(hidden, hidden, generators),
            nn.ReLU(),
            SeedLinear(hidden, verbs, generators),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (s, n, verbs)."""
        return self.layers(x.expand(len(self.seeds), -1, -1))

    def settings(self) -> dict[str, object]:
        """Return the arguments that build this module again."""
        return super().settings() | {"hidden": self.hidden}

    def sequential(self, seed: int) -> nn.Sequential:
        """Copy one seed's network as plain `nn.Linear` and `nn.ReLU`, on the CPU."""
        k = self.seeds.index(seed)
        return nn.Sequential(
            *(_plain(layer, k) if isinstance(layer, SeedLinear) else nn.ReLU() for layer in self.layers)
        )


@torch.no_grad()
def _plain(layer: SeedLinear, k: int) -> nn.Linear:
    linear = nn.utils.skip_init(nn.Linear, *layer.weight.shape[1:])
    linear.weight.copy_(layer.weight[k].T)
    linear.bias.copy_(layer.bias[k, 0])
    return linear
