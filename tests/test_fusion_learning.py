"""Fusion models on people of whom the truth is known: pose that is noise, and pose that says everything."""

from functools import partial
from typing import NamedTuple

import numpy as np
import pytest

from lib.metrics import exact_match, paired_bootstrap
from lib.models import ActionMLP, ConcatFusion, FiLM, GatedFusion, LateFusion, fit, match_hidden, predict
from lib.models.pose_encoders import POSE_ENCODERS

CLIP, JOINTS, VERBS = 8, 17, 4
WIDTH = CLIP + 3 * JOINTS
TELLING = [0, 9, 10, 15]  # the highest of these joints is the verb, where pose says it
EVERY = [
    pytest.param(partial(kind, clip_features=CLIP, pose=pose), id=f"{kind.__name__}-{pose}")
    for kind in (ConcatFusion, LateFusion, GatedFusion, FiLM)
    for pose in POSE_ENCODERS
]


class People(NamedTuple):
    features: np.ndarray
    labels: np.ndarray


def draw_people(count: int, said_by: str, seed: int) -> People:
    """Draw people of one verb each, which follows from CLIP's numbers, not quite, or from the pose alone.

    A third of the other joints is missing, and the pose of each tenth person.
    """
    rng = np.random.default_rng(seed)
    clip = rng.standard_normal((count, CLIP))
    joints = rng.uniform(0, 1, (count, JOINTS, 3))
    joints[..., 2] = 0.2 + 0.8 * joints[..., 2]
    heights = joints[:, TELLING, 1]
    missing = rng.random((count, JOINTS)) < 1 / 3
    missing[:, TELLING] = False
    joints[missing] = 0
    joints[::10] = 0
    evidence = 2 * clip @ np.random.default_rng(9).standard_normal((CLIP, VERBS))
    evidence = evidence + rng.gumbel(size=evidence.shape) if said_by == "clip" else heights
    features = np.concatenate([clip, joints.reshape(count, -1)], axis=1).astype(np.float32)
    return People(features, np.eye(VERBS, dtype=bool)[evidence.argmax(axis=1)])


@pytest.fixture(scope="module", params=["clip", "pose"])
def world(request) -> tuple[str, People, People]:
    """Return what says the verb, people to train on and people to test."""
    return request.param, draw_people(600, request.param, 0), draw_people(1000, request.param, 1)


def right_people(model, train: People, test: People) -> np.ndarray:
    """Train a seed; return who of test is right."""
    fitted = fit(model, *train, epochs=12, batch_size=20, learning_rate=2e-3, held_out=0)
    return exact_match(predict(fitted.model, test.features)[0], test.labels).astype(float)


@pytest.fixture(scope="module")
def clip_alone(world) -> np.ndarray:
    _, *sets = world
    reference = ActionMLP(CLIP, hidden=200, verbs=VERBS)
    return right_people(reference, *(People(part.features[:, :CLIP], part.labels) for part in sets))


@pytest.mark.parametrize("make", EVERY)
def test_pose_helps_where_it_says_something_and_only_there(make, world, clip_alone):
    """Noise may cost up to 10 points and must not gain; the model is as large as the thesis's for both."""
    said_by, train, test = world
    hidden = match_hidden(make, ActionMLP(WIDTH, hidden=300, verbs=VERBS))
    right = right_people(make(WIDTH, hidden=hidden, verbs=VERBS), train, test)
    difference, low, *_ = paired_bootstrap(right, clip_alone, np.arange(len(right)))
    if said_by == "clip":
        assert clip_alone.mean() > 0.75
        assert difference > -0.1
        assert low <= 0
    else:
        assert clip_alone.mean() < 0.35
        assert low > 0.2
