"""Pose encoders: what turns a person's joints into numbers that can meet CLIP's."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm, pad, scaled_dot_product_attention

from lib.models.seeded import SeedLinear

WIDTH = 64  # of what every encoder returns


class PoseMLP(nn.Module):
    """Linear 256, ReLU, Linear 64, ReLU on all numbers of a pose at once.

    Maps joints (s, n, joints, 3), all 0 where one is missing, to (s, n, 64).
    """

    def __init__(self, joints: int, generators: Sequence[torch.Generator], hidden: int = 256) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(start_dim=2),
            SeedLinear(3 * joints, hidden, generators),
            nn.ReLU(),
            SeedLinear(hidden, WIDTH, generators),
            nn.ReLU(),
        )

    def forward(self, pose: Tensor) -> Tensor:
        """Return (s, n, 64)."""
        return self.layers(pose)


class PoseTransformer(nn.Module):
    """Self-attention among a person's joints; nobody attends to a missing one (score 0).

    A joint is a token: its x, y, score through a Linear, plus an embedding of which joint it is, as in the
    spatial transformer of Zheng et al. (3D Human Pose Estimation with Spatial and Temporal Transformers,
    2021). A summary token, the [CLS] of Devlin et al. (2019), gathers them: what a person without any joint
    is turned into follows from it alone, so it is the learned "no pose" as well.

    Maps joints (s, n, joints, 3) to (s, n, 64).
    """

    def __init__(
        self, joints: int, generators: Sequence[torch.Generator], layers: int = 2, heads: int = 4
    ) -> None:
        super().__init__()
        self.project = SeedLinear(3, WIDTH, generators)
        drawn = [torch.randn(1 + joints, WIDTH, generator=generator) for generator in generators]
        # Summary first. As spread as the Linear's weights: with BERT's 0.02, joints are hard to tell apart.
        self.embedding = nn.Parameter(0.3 * torch.stack(drawn))
        self.blocks = nn.ModuleList(_Block(heads, generators) for _ in range(layers))
        self.norm = _SeedLayerNorm(len(generators))

    def forward(self, pose: Tensor) -> Tensor:
        """Return (s, n, 64)."""
        seeds, people, joints = pose.shape[:3]
        tokens = self.project(pose.flatten(1, 2)).unflatten(1, (people, joints))
        tokens = pad(tokens, (0, 0, 1, 0)) + self.embedding.unsqueeze(1)  # the summary has no x, y, score
        there = pad(pose[..., 2] > 0, (1, 0), value=True).view(seeds * people, 1, 1, 1 + joints)
        tokens = tokens.flatten(1, 2)
        for block in self.blocks:
            tokens = block(tokens, there)
        return self.norm(tokens.unflatten(1, (people, 1 + joints))[:, :, 0])


class _Block(nn.Module):
    """A layer of Vaswani et al. (2017), normalised before each part as in Xiong et al. (2020)."""

    def __init__(self, heads: int, generators: Sequence[torch.Generator]) -> None:
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList(_SeedLayerNorm(len(generators)) for _ in range(2))
        self.queries_keys_values = SeedLinear(WIDTH, 3 * WIDTH, generators)
        self.output = SeedLinear(WIDTH, WIDTH, generators)
        self.mlp = nn.Sequential(
            SeedLinear(WIDTH, 2 * WIDTH, generators), nn.ReLU(), SeedLinear(2 * WIDTH, WIDTH, generators)
        )

    def forward(self, tokens: Tensor, there: Tensor) -> Tensor:
        """Return (s, n * t, 64) of the same; `there` (s * n, 1, 1, t) says which of a person's are seen."""
        tokens = tokens + self._attend(self.norms[0](tokens), there)
        return tokens + self.mlp(self.norms[1](tokens))

    def _attend(self, tokens: Tensor, there: Tensor) -> Tensor:
        projected = self.queries_keys_values(tokens).view(len(there), there.shape[-1], 3, self.heads, -1)
        queries, keys, values = projected.permute(2, 0, 3, 1, 4)  # (s * n, heads, tokens, 64 / heads) each
        gathered = scaled_dot_product_attention(queries, keys, values, attn_mask=there)
        return self.output(gathered.transpose(1, 2).reshape(tokens.shape))


class _SeedLayerNorm(nn.Module):
    """`nn.LayerNorm` for every seed."""

    def __init__(self, n_seeds: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n_seeds, 1, WIDTH))
        self.bias = nn.Parameter(torch.zeros(n_seeds, 1, WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (s, anything, 64), each seed with its own scale and shift."""
        return layer_norm(x, (WIDTH,)) * self.weight + self.bias


POSE_ENCODERS = {"mlp": PoseMLP, "joints": PoseTransformer}
