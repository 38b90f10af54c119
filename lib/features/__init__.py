"""Features of people, computed once and kept: `extract` runs encoders, `load_features` reads the tables."""

from lib.features.extraction import extract
from lib.features.poses import (
    count_missing_poses,
    count_poses,
    evaluate_poses,
    evaluate_poses_by_split,
    share_body_parts,
)
from lib.features.store import FeatureStore
from lib.features.tables import load_failures, load_features, load_ingredients
from lib.features.top_down import top_down_views
from lib.features.views import ClipSettings, PoseSettings, View, profile_views

__all__ = [
    "ClipSettings",
    "FeatureStore",
    "PoseSettings",
    "View",
    "count_missing_poses",
    "count_poses",
    "evaluate_poses",
    "evaluate_poses_by_split",
    "extract",
    "load_failures",
    "load_features",
    "load_ingredients",
    "profile_views",
    "share_body_parts",
    "top_down_views",
]
