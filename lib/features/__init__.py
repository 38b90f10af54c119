"""Features of people, computed once and kept: `extract` runs encoders, `load_features` reads the tables."""

from lib.features.extraction import extract
from lib.features.store import FeatureStore
from lib.features.tables import load_failures, load_features, load_ingredients
from lib.features.top_down import top_down_views
from lib.features.views import ClipSettings, PoseSettings, View, profile_views

__all__ = [
    "ClipSettings",
    "FeatureStore",
    "PoseSettings",
    "View",
    "extract",
    "load_failures",
    "load_features",
    "load_ingredients",
    "profile_views",
    "top_down_views",
]
