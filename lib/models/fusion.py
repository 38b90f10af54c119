"""Networks that see CLIP's numbers and a pose, by how the two meet: early, late, gated, modulated."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from lib.models.inputs import Table, check_features
from lib.models.pose_encoders import POSE_ENCODERS, WIDTH
from lib.models.seeded import SeededModule, SeedLinear


class Fusion(SeededModule):
    """Base of networks of CLIP and an encoded pose; a subclass adds layers and says how the two meet.

    Of the `in_features` the first `clip_features` are CLIP's. The others are x, y, score, joint after joint;
    a score of 0 says that the joint is missing, whatever its x and y, and without any joint there is no pose.
    x and y are to be of the order of 1, not pixels. `pose` names the encoder: `mlp`, or `joints` for
    attention among them. `hidden` is the width of CLIP's layers.

    Maps (s, n, in_features), or (n, in_features) for every seed, to logits (s, n, verbs). Raises ValueError
    for an unknown encoder and where what is left of the features cannot be joints.
    """

    def __init__(
        self,
        in_features: int,
        n_seeds: int = 1,
        *,
        clip_features: int,
        pose: str = "joints",
        seeds: Sequence[int] | None = None,
        hidden: int = 1024,
        verbs: int = 26,
    ) -> None:
        super().__init__(in_features, n_seeds, seeds=seeds, verbs=verbs)
        joints, rest = divmod(in_features - clip_features, 3)
        if min(clip_features, joints) < 1 or rest:
            raise ValueError(
                f"in_features are clip_features and 3 numbers a joint, got {in_features} and {clip_features}"
            )
        if pose not in POSE_ENCODERS:
            raise ValueError(f"pose is one of {', '.join(POSE_ENCODERS)}, got {pose!r}")
        self.clip_features, self.pose, self.hidden = clip_features, pose, hidden
        generators = self.generators()
        self.encoder = POSE_ENCODERS[pose](joints, generators)
        self.add_layers(generators)

    def add_layers(self, generators: Sequence[torch.Generator]) -> None:
        """Add the layers besides the pose encoder."""
        raise NotImplementedError

    def fuse(self, clip: Tensor, joints: Tensor) -> Tensor:
        """Return logits of CLIP's numbers (s, n, clip_features) and (s, n, joints, 3), 0 where missing."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (s, n, verbs)."""
        return self.fuse(*self.split(x))

    def split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return CLIP's numbers and the joints as `fuse` takes them."""
        x = x.expand(len(self.seeds), -1, -1)
        joints = x[..., self.clip_features :].unflatten(-1, (-1, 3))
        return x[..., : self.clip_features], torch.where(joints[..., 2:] > 0, joints, 0)

    def settings(self) -> dict[str, object]:
        """Return the arguments that build this module again."""
        own = {name: getattr(self, name) for name in ("clip_features", "pose", "hidden")}
        return super().settings() | own


class ConcatFusion(Fusion):
    """Early fusion: the thesis's three layers on CLIP's numbers and the encoded pose, side by side.

    With the pose's own numbers instead it is `ActionMLP`. Snoek et al., Early versus late fusion in semantic
    video analysis, 2005.
    """

    def add_layers(self, generators: Sequence[torch.Generator]) -> None:
        """Add the three layers that see both."""
        self.layers = _mlp([self.clip_features + WIDTH, self.hidden, self.hidden, self.verbs], generators)

    def fuse(self, clip: Tensor, joints: Tensor) -> Tensor:
        """Return the logits of CLIP's numbers beside the encoded pose."""
        return self.layers(torch.cat([clip, self.encoder(joints)], dim=-1))


class LateFusion(Fusion):
    """Late fusion: the thesis's three layers on CLIP, one Linear on the encoded pose, their logits summed.

    The standard of two-stream networks (Simonyan and Zisserman 2014), in the logits that the loss is of. A
    Linear on both branches' last hidden layers, side by side, would be the same function.
    """

    def add_layers(self, generators: Sequence[torch.Generator]) -> None:
        """Add CLIP's three layers and the pose's one."""
        self.clip_layers = _mlp([self.clip_features, self.hidden, self.hidden, self.verbs], generators)
        self.pose_layer = SeedLinear(WIDTH, self.verbs, generators)

    def fuse(self, clip: Tensor, joints: Tensor) -> Tensor:
        """Return the sum of both branches' logits."""
        return self.clip_layers(clip) + self.pose_layer(self.encoder(joints))


class GatedFusion(Fusion):
    """Fusion after a hidden layer: CLIP's beside the encoded pose times a gate, one number per person.

    The gate is a logistic unit, from 0 to 1, on CLIP's numbers and the mean score of all joints, the thesis's
    score of a pose; exactly 0 without a pose. After the gated multimodal unit of Arevalo et al. (Gated
    Multimodal Units for Information Fusion, 2017), whose gate weighs both inputs.
    """

    def add_layers(self, generators: Sequence[torch.Generator]) -> None:
        """Add CLIP's first layer, the gate, and two layers that see both."""
        self.clip_layer = nn.Sequential(SeedLinear(self.clip_features, self.hidden, generators), nn.ReLU())
        self.gate = SeedLinear(self.clip_features + 1, 1, generators)
        self.head = _mlp([self.hidden + WIDTH, self.hidden, self.verbs], generators)

    def fuse(self, clip: Tensor, joints: Tensor) -> Tensor:
        """Return the logits of CLIP's hidden numbers beside the gated pose."""
        gated = self._open(clip, joints) * self.encoder(joints)
        return self.head(torch.cat([self.clip_layer(clip), gated], dim=-1))

    @torch.inference_mode()
    def gates(self, features: Table) -> np.ndarray:
        """Return every seed's gates (s, n) of n people's features (n, in_features); raises as `predict`."""
        x = torch.from_numpy(check_features(features, self.in_features)).to(self.gate.weight.device)
        return self._open(*self.split(x)).squeeze(-1).cpu().numpy()

    def _open(self, clip: Tensor, joints: Tensor) -> Tensor:
        score = joints[..., 2].mean(dim=-1, keepdim=True)
        return torch.sigmoid(self.gate(torch.cat([clip, score], dim=-1))) * (score > 0)


class FiLM(Fusion):
    """The thesis's three layers on CLIP; the pose scales and shifts each unit of the first before its ReLU.

    Perez et al., FiLM: Visual Reasoning with a General Conditioning Layer, 2018; as there, the scale is 1
    plus what is learnt.
    """

    def add_layers(self, generators: Sequence[torch.Generator]) -> None:
        """Add CLIP's three layers, and what scales and shifts the first."""
        self.clip_layer = SeedLinear(self.clip_features, self.hidden, generators)
        self.modulation = SeedLinear(WIDTH, 2 * self.hidden, generators)
        self.head = _mlp([self.hidden, self.hidden, self.verbs], generators)

    def fuse(self, clip: Tensor, joints: Tensor) -> Tensor:
        """Return CLIP's logits, its first layer scaled and shifted by the pose."""
        scale, shift = self.modulation(self.encoder(joints)).chunk(2, dim=-1)
        return self.head(torch.relu((1 + scale) * self.clip_layer(clip) + shift))


def _mlp(widths: Sequence[int], generators: Sequence[torch.Generator]) -> nn.Sequential:
    """Return a Linear from each width to the next, and ReLUs between them."""
    linears = [SeedLinear(*pair, generators) for pair in pairwise(widths)]
    return nn.Sequential(*[layer for linear in linears for layer in (linear, nn.ReLU())][:-1])
