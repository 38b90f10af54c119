"""Pose of people: crops and boxes in, (17, 3) keypoints and a score out; their forms, OKS and AP."""

from typing import TYPE_CHECKING

from lib.pose.keypoints import evaluate_keypoints, evaluate_people, normalise_keypoints, oks

if TYPE_CHECKING:
    from lib.pose.estimator import PoseEstimator, Poses

__all__ = ["PoseEstimator", "Poses", "evaluate_keypoints", "evaluate_people", "normalise_keypoints", "oks"]


def __getattr__(name: str) -> object:
    """Import the estimator when it is asked for: mmpose takes seconds, and keypoints alone do not need it."""
    if name in ("PoseEstimator", "Poses"):
        from lib.pose import estimator

        return getattr(estimator, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
