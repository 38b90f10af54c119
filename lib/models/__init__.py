"""Small networks that name actions from features, and `fit`, which trains all seeds of one at once."""

from lib.models.fusion import ConcatFusion, FiLM, GatedFusion, LateFusion
from lib.models.mlp import ActionMLP
from lib.models.probes import LinearProbe
from lib.models.regularised import RegularisedMLP
from lib.models.seeded import SeededModule, SeedLinear, predict, take_seeds
from lib.models.size import count_parameters, match_hidden
from lib.models.training import FitResult, fit
from lib.models.weights import load_weights, save_weights

__all__ = [
    "ActionMLP",
    "ConcatFusion",
    "FiLM",
    "FitResult",
    "GatedFusion",
    "LateFusion",
    "LinearProbe",
    "RegularisedMLP",
    "SeedLinear",
    "SeededModule",
    "count_parameters",
    "fit",
    "load_weights",
    "match_hidden",
    "predict",
    "save_weights",
    "take_seeds",
]
