"""Linear probes: one layer on frozen features, from a random start or from what CLIP's text tower says."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from lib.models.seeded import SeededModule, SeedLinear


class LinearProbe(SeededModule):
    """One Linear per seed: what the features tell without a hidden layer (Radford et al. 2021, section 3.2).

    With `text`, the verbs' text features (verbs, in_features), every seed starts as CLIP's zero-shot
    classifier (Wortsman et al., Robust fine-tuning of zero-shot models, 2022): a verb's weights are `scale`
    times its text features, normalised, less their mean over the verbs; the biases are 0. All texts of CLIP
    point to one side, so that their mean would make every logit large; it adds the same to all logits of a
    person, so their order is zero-shot's without it. CLIP's own scale is 100, for features of length 1.

    Maps (s, n, in_features), or (n, in_features) for every seed, to logits (s, n, verbs). Raises ValueError
    where `text` has another shape.
    """

    def __init__(
        self,
        in_features: int,
        n_seeds: int = 1,
        *,
        seeds: Sequence[int] | None = None,
        verbs: int = 26,
        text: np.ndarray | None = None,
        scale: float = 1.0,
    ) -> None:
        super().__init__(in_features, n_seeds, seeds=seeds, verbs=verbs)
        self.layer = SeedLinear(in_features, verbs, self.generators())
        if text is not None:
            self._start_from(torch.from_numpy(np.array(text, dtype=np.float32)), scale)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (s, n, verbs)."""
        return self.layer(x.expand(len(self.seeds), -1, -1))

    @torch.no_grad()
    def _start_from(self, text: Tensor, scale: float) -> None:
        if text.shape != (self.verbs, self.in_features):
            raise ValueError(
                f"text: expected shape ({self.verbs}, {self.in_features}), got {tuple(text.shape)}"
            )
        text = normalize(text, dim=1)
        self.layer.weight.copy_(scale * (text - text.mean(dim=0)).T)
        self.layer.bias.zero_()
