"""What every activity is made of: a pose, things, verbs with their roles; and the basic postures.

Own axes of the person, in body heights (body.py). The right side acts; `Doing.mirrored` makes left-handers.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from scenery import furniture
from scenery.body import ANKLE, STANDING, TRUNK, Pose, skeleton
from scenery.canvas import Colour
from scenery.shapes import Parts, Thing, moved

Rng = np.random.Generator
SEAT = 0.335  # height of the pelvis on a chair
COLOURS = (
    (200, 45, 50),
    (40, 95, 170),
    (240, 190, 60),
    (60, 140, 85),
    (235, 235, 235),
    (130, 70, 140),
    (240, 125, 50),
    (50, 55, 70),
)


@dataclass
class Doing:
    """One person's activity while it is put together: pose, things, verb -> role -> index of the thing."""

    pose: Pose
    things: list[Thing] = field(default_factory=list)
    verbs: dict[str, dict[str, int]] = field(default_factory=dict)
    room: float = 0.3  # radius of the ground that it needs

    def add(self, category: str | None, parts: Parts, to=(0, 0, 0), **turn) -> int:
        """Put a thing at a place in own axes; return its index."""
        self.things.append(Thing(category, moved(parts, to, **turn)))
        return len(self.things) - 1

    def hand(self, side: str, category: str | None, parts: Parts, **turn) -> int:
        """Put a thing into a hand, where the arm really reaches; return its index."""
        return self.add(category, parts, skeleton(self.pose).joints[f"{side}_hand"], **turn)

    def does(self, verb: str, **roles: int) -> None:
        """Name a verb, with the things that play its roles."""
        self.verbs.setdefault(verb, {}).update(roles)

    def moves(self, rng: Rng, verb: str) -> None:
        """Name walk or run; V-COCO's annotators mostly add stand, being on one's feet."""
        self.does(verb)
        if rng.random() < 0.75:
            self.does("stand")

    def lifted(self, height: float) -> "Doing":
        """Return the same activity in the air."""
        up = (0, 0, height)
        moved_pose = {k: tuple(np.add(getattr(self.pose, k), up)) for k in ("pelvis", *_LIMBS)}
        raised = [Thing(thing.category, moved(thing.parts, up)) for thing in self.things]
        return replace(self, pose=replace(self.pose, **moved_pose), things=raised)

    def mirrored(self) -> "Doing":
        """Return the same activity with left and right exchanged."""
        pose, flip = self.pose, np.array([1, -1, 1])
        swapped = {
            f"{a}_{k}": tuple(flip * getattr(pose, f"{b}_{k}"))
            for a, b in (("left", "right"), ("right", "left"))
            for k in ("hand", "foot")
        }
        turned = {k: -getattr(pose, k) for k in ("roll", "twist", "head_yaw")}
        flipped = [
            Thing(thing.category, [replace(part, points=part.points * flip) for part in thing.parts])
            for thing in self.things
        ]
        return replace(self, pose=replace(pose, **swapped, **turned), things=flipped)


_LIMBS = ("left_hand", "right_hand", "left_foot", "right_foot")


def vary(rng: Rng, pose: Pose, by: float = 0.012) -> Pose:
    """Move the hands, lean and head of a pose a little, so that no two people are alike."""
    changes = {k: tuple(np.add(getattr(pose, k), rng.normal(0, by, 3))) for k in ("left_hand", "right_hand")}
    angles = {"lean": 2.5, "roll": 2.5, "twist": 5.0, "head_pitch": 5.0, "head_yaw": 9.0}
    changes |= {k: getattr(pose, k) + rng.normal(0, spread) for k, spread in angles.items()}
    return replace(pose, **changes)


def pick(rng: Rng, options):
    return options[rng.integers(len(options))]


def any_colour(rng: Rng) -> Colour:
    return pick(rng, COLOURS)


# --- Basic postures


def standing(rng: Rng, **kinds) -> Pose:
    gap, shift = rng.uniform(0.05, 0.1), rng.uniform(-0.03, 0.03)
    arms = (
        {},
        {},
        {"left_hand": (0.04, 0.13, 0.56), "right_hand": (0.04, -0.13, 0.56), "elbows": (-0.4, 1.0, -0.1)},
        {"left_hand": (0.1, -0.05, 0.67), "right_hand": (0.1, 0.05, 0.69), "elbows": (-0.1, 1.0, -0.6)},
        {"left_hand": (0.12, 0.03, 0.55), "right_hand": (0.12, -0.03, 0.55)},
    )
    feet = {"left_foot": (shift, gap, ANKLE), "right_foot": (-shift, -gap, ANKLE)}
    return vary(rng, Pose(**{**feet, **pick(rng, arms), **kinds}))


def sitting(rng: Rng, height: float = SEAT, **kinds) -> Pose:
    out, apart = rng.uniform(0.2, 0.29), rng.uniform(0.06, 0.1)
    base = {
        "pelvis": (-0.03, 0.0, height),
        "lean": rng.uniform(-6, 6),
        "left_hand": (0.17, 0.07, height + 0.07),
        "right_hand": (0.17, -0.07, height + 0.07),
        "left_foot": (out, apart, ANKLE),
        "right_foot": (out + rng.uniform(-0.06, 0.06), -apart, ANKLE),
        "knees": (0.7, 0.0, 0.8),
    }
    return vary(rng, Pose(**{**base, **kinds}))


def walking(rng: Rng, **kinds) -> Pose:
    step = rng.uniform(0.1, 0.16)
    base = {
        "pelvis": (0, 0, STANDING - 0.022),
        "left_foot": (step, 0.045, ANKLE),
        "right_foot": (-step - 0.03, -0.045, ANKLE + 0.05),
        "left_hand": (-0.1, 0.165, 0.52),
        "right_hand": (0.14, -0.15, 0.56),
        "lean": 4.0,
    }
    return vary(rng, Pose(**{**base, **kinds}))


def running(rng: Rng, **kinds) -> Pose:
    base = {
        "pelvis": (0, 0, STANDING - 0.01),
        "lean": rng.uniform(8, 18),
        "left_foot": (0.15, 0.05, 0.16),
        "right_foot": (-0.26, -0.05, rng.uniform(0.16, 0.3)),
        "left_hand": (-0.1, 0.16, 0.62),
        "right_hand": (0.2, -0.1, 0.72),
    }
    return vary(rng, Pose(**{**base, **kinds}))


def lying(rng: Rng, height: float, **kinds) -> Pose:
    bend = rng.choice([0.0, 0.1])
    base = {
        "pelvis": (0, 0, height),
        "lean": -86.0,
        "head_pitch": -70.0,
        "left_hand": (0.0, 0.15, height),
        "right_hand": (0.0, -0.15, height),
        "left_foot": (0.46, 0.07, height - 0.02),
        "right_foot": (0.46 - bend, -0.07, height - 0.02),
        "knees": (0.2, 0.0, 1.0),
        "toes": (0.25, 0.1, 1.0),
        "elbows": (0.2, 1.0, 0.0),
    }
    return vary(rng, Pose(**{**base, **kinds}), 0.008)


def crouching(rng: Rng, low: float, gap: float, sole: float, **kinds) -> Pose:
    """Stand sideways on a board that points along y, arms out for balance."""
    base = {
        "pelvis": (-0.03, 0, low),
        "lean": rng.uniform(12, 30),
        "head_yaw": 60.0,
        "left_hand": (0.08, 0.33, rng.uniform(low + 0.15, low + 0.38)),
        "right_hand": (0.02, -0.33, rng.uniform(low + 0.15, low + 0.38)),
        "left_foot": (0.0, gap, sole + ANKLE),
        "right_foot": (0.0, -gap, sole + ANKLE),
        "knees": (1.0, 0.3, 0.1),
        "elbows": (-0.6, 0.3, -0.7),
    }
    return vary(rng, Pose(**{**base, **kinds}), 0.02)


def shoulder_height(pose: Pose) -> float:
    return float(skeleton(pose).joints["neck"][2])


def add_seat(rng: Rng, doing: Doing) -> int:
    kind = pick(rng, ("chair", "chair", "couch", "bench"))
    parts = {"chair": furniture.chair, "couch": furniture.couch, "bench": furniture.bench}[kind](
        pick(rng, ((165, 110, 65), (120, 80, 55), (70, 100, 130), (150, 60, 60), (190, 180, 165)))
    )
    doing.room = 0.35 if kind == "chair" else 0.6
    return doing.add(kind, parts, (-0.02, 0, 0))


def seated(rng: Rng, **kinds) -> Doing:
    doing = Doing(sitting(rng, **kinds))
    doing.does("sit", instr=add_seat(rng, doing))
    return doing


def upright(rng: Rng, sits: float, **kinds) -> Doing:
    """Sit with a probability, stand otherwise; hands are given relative to the height of the shoulders."""
    is_seated = rng.random() < sits
    top = SEAT + TRUNK if is_seated else STANDING + TRUNK
    hands = {k: (v[0], v[1], v[2] + top) for k, v in kinds.items() if k.endswith("hand")}
    kinds = {**kinds, **hands}
    if is_seated:
        return seated(rng, **kinds)
    doing = Doing(standing(rng, **kinds))
    doing.does("stand")
    return doing


def maybe_look(rng: Rng, doing: Doing, chance: float, at: int | None = None) -> None:
    if rng.random() < chance:
        doing.does("look", **({} if at is None else {"obj": at}))
