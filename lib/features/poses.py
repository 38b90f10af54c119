"""What the view `pose` holds of people, as tables: who has a pose, how good it is, which parts it shows."""

from collections.abc import Sequence
from types import MappingProxyType

import numpy as np
import pandas as pd

from lib.coco import KEYPOINTS
from lib.features.views import POSE_GROUPS
from lib.pose.keypoints import CONFIDENT_JOINT, evaluate_people

CONFIDENT = 0.5  # of a pose's score: the thesis's border between poses to trust and others
SMALL_BOX = 32  # pixels; objects below 32 x 32 are small to COCO
BODY_PARTS = MappingProxyType(
    {
        "head": KEYPOINTS[:5],
        "shoulders": ("left_shoulder", "right_shoulder"),
        "elbows": ("left_elbow", "right_elbow"),
        "wrists": ("left_wrist", "right_wrist"),
        "hips": ("left_hip", "right_hip"),
        "knees": ("left_knee", "right_knee"),
        "ankles": ("left_ankle", "right_ankle"),
    }
)


def count_poses(people: pd.DataFrame, poses: pd.DataFrame) -> pd.DataFrame:
    """Count, per split, the `people`, those `with a pose`, and those whose score is 0.5 or more.

    `mean score` is of those with a pose.
    """
    scores = poses["score"].loc[people.index]
    by_split = scores.groupby(people["split"], sort=False)
    return pd.DataFrame(
        {
            "people": by_split.size(),
            "with a pose": by_split.count(),
            "mean score": by_split.mean(),
            f"score >= {CONFIDENT}": (scores >= CONFIDENT).groupby(people["split"], sort=False).sum(),
        }
    )


def count_missing_poses(
    people: pd.DataFrame, poses: pd.DataFrame, truth: pd.DataFrame, unreadable: pd.Series
) -> pd.DataFrame:
    """Count the people without a pose by reason, the first that applies, and split.

    `truth` as `load_keypoints`; `unreadable` are the names of images that could not be read. Reasons that
    apply to nobody have no row.
    """
    labelled = (truth.loc[people.index, [f"{joint}_v" for joint in KEYPOINTS]] > 0).any(axis="columns")
    reasons = {
        "image cannot be read": people["file_name"].isin(unreadable),
        f"box under {SMALL_BOX} px wide or high": people[["w", "h"]].min(axis="columns") < SMALL_BOX,
        "COCO's annotators marked no joint either": ~labelled,
    }
    first = np.select(list(reasons.values()), list(reasons), default="the network found nobody")
    missing = poses.loc[people.index, "score"].isna()
    table = pd.crosstab(pd.Series(first, people.index, name="reason")[missing], people["split"][missing])
    return table.reindex(columns=people["split"].unique(), fill_value=0).rename_axis(columns=None)


def evaluate_poses(
    people: pd.DataFrame, poses: pd.DataFrame, truth: pd.DataFrame
) -> tuple[pd.Series, pd.Series]:
    """Return each person's OKS, by `ann_id`, and COCO's AP and AR, of rows of a pose view.

    `truth` as `load_keypoints`. As `evaluate_people`: OKS is NaN for who has no true joint, 0 without a pose.
    """
    mine = poses.loc[people.index]
    keypoints, true = (
        table.to_numpy(float).reshape(-1, len(KEYPOINTS), 3)
        for table in (mine[POSE_GROUPS["image"]], truth.loc[people.index])
    )
    similarity, quality = evaluate_people(people, keypoints, mine["score"].to_numpy(), true)
    return pd.Series(similarity, people.index, name="OKS"), quality


def evaluate_poses_by_split(
    people: pd.DataFrame, poses: pd.DataFrame, truth: pd.DataFrame
) -> tuple[pd.Series, pd.DataFrame]:
    """Return `evaluate_poses`' OKS of people of several splits, and AP and AR, one row per split."""
    parts = {split: evaluate_poses(mine, poses, truth) for split, mine in people.groupby("split", sort=False)}
    similarity = pd.concat([values for values, _ in parts.values()])
    quality = pd.DataFrame({split: numbers for split, (_, numbers) in parts.items()}).T
    return similarity.loc[people.index], quality.rename_axis("split")


def share_body_parts(people: pd.DataFrame, poses: pd.DataFrame, verbs: Sequence[str]) -> pd.DataFrame:
    """Return, by verb, the share of its people in whom each part of the body was found, at least one joint.

    A joint counts with a confidence of 0.3 or more. The verb whose people are seen best comes first.
    """
    columns = {part: [f"crop_{joint}_score" for joint in joints] for part, joints in BODY_PARTS.items()}
    confident = poses.loc[people.index] >= CONFIDENT_JOINT
    found = pd.DataFrame({part: confident[names].any(axis="columns") for part, names in columns.items()})
    shares = pd.DataFrame({verb: found[people[verb]].mean() for verb in verbs}).T.rename_axis("verb")
    return shares.loc[shares.mean(axis="columns").sort_values(ascending=False).index]
