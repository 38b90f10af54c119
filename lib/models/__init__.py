"""Small networks that name actions from features, and `fit`, which trains all seeds of one at once."""

from lib.models.mlp import ActionMLP
from lib.models.regularised import RegularisedMLP
from lib.models.seeded import SeededModule, SeedLinear, predict, take_seeds
from lib.models.training import FitResult, fit
from lib.models.weights import load_weights, save_weights

__all__ = [
    "ActionMLP",
    "FitResult",
    "RegularisedMLP",
    "SeedLinear",
    "SeededModule",
    "fit",
    "load_weights",
    "predict",
    "save_weights",
    "take_seeds",
]
