"""Pose of people: crops and boxes in, (17, 3) keypoints and a score out; their forms, OKS and AP."""

from lib.pose.estimator import PoseEstimator, Poses
from lib.pose.keypoints import evaluate_keypoints, normalise_keypoints, oks

__all__ = ["PoseEstimator", "Poses", "evaluate_keypoints", "normalise_keypoints", "oks"]
