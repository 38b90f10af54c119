"""One scene: a place, one to three people who do something there, and the exact annotation of all of it."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from lib.coco import KEYPOINTS
from scenery import indoors, outdoors
from scenery.activities import ACTIVITIES, INDOORS, Activity
from scenery.body import (
    HEAD,
    HEAD_GROUP,
    LEFT_ARM,
    LEFT_LEG,
    RIGHT_ARM,
    RIGHT_LEG,
    TORSO_GROUP,
    Look,
    body_parts,
    rotation,
    skeleton,
)
from scenery.canvas import GROUPS, SUPERSAMPLING, Camera, Canvas, Part
from scenery.postures import Doing
from scenery.shapes import moved, ring

SKINS = ((247, 214, 188), (233, 190, 155), (205, 150, 110), (160, 108, 75), (110, 72, 50))
HAIRS = ((45, 32, 25), (25, 22, 22), (95, 60, 35), (190, 150, 80), (150, 75, 40), (170, 168, 165))
CLOTHES = (
    (190, 50, 55),
    (45, 90, 160),
    (60, 130, 90),
    (240, 240, 238),
    (55, 58, 70),
    (235, 190, 70),
    (150, 85, 150),
    (230, 130, 70),
    (110, 160, 190),
    (120, 95, 75),
)
TROUSERS = ((50, 65, 100), (60, 60, 65), (120, 105, 85), (35, 38, 45), (160, 150, 130))

FACE = KEYPOINTS[:5]
GROUP_OF_LIMB = {
    "left": {
        **dict.fromkeys(("shoulder", "elbow", "wrist"), LEFT_ARM),
        **dict.fromkeys(("hip", "knee", "ankle"), LEFT_LEG),
    },
    "right": {
        **dict.fromkeys(("shoulder", "elbow", "wrist"), RIGHT_ARM),
        **dict.fromkeys(("hip", "knee", "ankle"), RIGHT_LEG),
    },
}


@dataclass(frozen=True)
class Instance:
    """One annotated thing or person: category, visible mask (height, width), and the person it belongs to.

    Persons have `keypoints` (17, 3) in pixels with COCO's visibility and `verbs`: verb -> role -> index of
    the instance that plays it.
    """

    category: str
    mask: np.ndarray
    keypoints: np.ndarray | None = None
    verbs: dict[str, dict[str, int]] | None = None


@dataclass(frozen=True)
class Scene:
    """A picture (height, width, 3) RGB uint8, the place's name, and what is in it."""

    picture: np.ndarray
    place: str
    instances: tuple[Instance, ...]


@dataclass(frozen=True)
class _Actor:
    """A person who does something at a spot on the ground, in world axes."""

    doing: Doing
    look: Look
    spot: tuple[float, float]
    facing: float
    size: float

    def to_world(self, parts: list[Part], owner: int) -> list[Part]:
        placed = moved(parts, (*self.spot, 0.0), yaw=self.facing - 90, size=self.size)
        return [replace(part, owner=owner) for part in placed]

    def joints(self) -> dict[str, np.ndarray]:
        pose = {k: Part(v[None], (0, 0, 0)) for k, v in skeleton(self.doing.pose).joints.items()}
        placed = moved(pose.values(), (*self.spot, 0.0), yaw=self.facing - 90, size=self.size)
        return {k: part.points[0] for k, part in zip(pose, placed, strict=True)}


def draw_scene(rng: np.random.Generator, lead: Activity) -> Scene:
    """Draw a scene in which one person does the `lead` activity and up to two others are about."""
    place = str(rng.choice(lead.places))
    camera, depth = _frame(rng, lead.headroom, indoors=place in INDOORS)
    actors = _cast(rng, lead, place, depth, camera)
    canvas = Canvas(camera)
    parts, categories, owners_of = [], [], []
    for thing, spot, yaw in getattr(indoors if place in INDOORS else outdoors, place)(canvas, rng):
        parts += [replace(part, owner=len(categories)) for part in moved(thing.parts, (*spot, 0.0), yaw=yaw)]
        categories.append(thing.category)
    _shadows(canvas, actors)
    for actor in actors:
        owners_of.append(len(categories))
        for category, own in [
            ("person", body_parts(skeleton(actor.doing.pose), actor.look)),
            *((thing.category, thing.parts) for thing in actor.doing.things),
        ]:
            parts += actor.to_world(own, len(categories))
            categories.append(category)
    canvas.draw(parts)
    picture, owners = canvas.finish(rng)
    return Scene(picture, place, _annotate(canvas, owners, categories, actors, owners_of))


def _frame(rng: np.random.Generator, headroom: float, indoors: bool) -> tuple[Camera, float]:
    """Choose the camera and the lead's distance: most people whole, some cut off, some far away."""
    width, height = ((320, 240), (320, 240), (320, 214), (240, 320), (300, 300))[rng.integers(5)]
    kind = rng.choice(["whole", "near", "far"], p=[0.55, 0.45, 0.0] if indoors else [0.55, 0.28, 0.17])
    tall, top = {
        "whole": (rng.uniform(0.55, 0.76), rng.uniform(0.14, 0.22)),
        "near": (rng.uniform(0.95, 1.5), rng.uniform(-0.1, 0.2)),
        "far": (rng.uniform(0.24, 0.4), rng.uniform(0.36, 0.5)),
    }[kind]
    if kind != "near":
        tall, top = tall / (1 + headroom), top + 0.85 * tall * headroom / (1 + headroom)
    foot = top + tall
    focal = 1.15 * max(width, height)
    eye = rng.uniform(0.75, 1.15)
    depth = focal / (tall * height)
    return Camera(
        width, height, focal, width / 2, foot * height - eye * tall * height, eye, 1.5 * depth + 1.2
    ), depth


def _cast(rng: np.random.Generator, lead: Activity, place: str, depth: float, camera: Camera) -> list[_Actor]:
    """Place the lead, then others whose activity fits the place and who find room beside it."""
    half = 0.5 * camera.width / camera.focal
    actors = [_actor(rng, lead, (rng.uniform(-0.35, 0.35) * half * depth, depth))]
    company = [activity for activity in ACTIVITIES if place in activity.places]
    weights = np.array([activity.weight for activity in company])
    for _ in range(rng.choice(3, p=[0.3, 0.38, 0.32])):
        activity = company[rng.choice(len(company), p=weights / weights.sum())]
        y = depth * rng.uniform(0.85, 1.45) + rng.uniform(0.0, 0.5)
        x = actors[0].spot[0] + rng.choice([-1, 1]) * rng.uniform(0.12, 1.0)
        other = _actor(rng, activity, (x, y))
        gaps = [
            np.hypot(x - a.spot[0], y - a.spot[1]) - 0.65 * (a.doing.room + other.doing.room) for a in actors
        ]
        if min(gaps) > 0 and abs(x) < 0.95 * half * y:
            actors.append(other)
    return actors


def _actor(rng: np.random.Generator, activity: Activity, spot: tuple[float, float]) -> _Actor:
    doing = activity.act(rng)
    if rng.random() < 0.5:
        doing = doing.mirrored()
    facing = float(rng.choice(activity.facing) + rng.normal(0, 12))
    toward = np.cos(np.radians(facing)) > -0.2
    if toward and rng.random() < 0.22 and not {"drink", "eat"} & doing.verbs.keys():
        doing.does("smile")
    if toward and "look" not in doing.verbs and rng.random() < 0.42:
        doing.does("look")
    return _Actor(doing, _look(rng, "smile" in doing.verbs), spot, facing, rng.uniform(0.86, 1.04))


def _look(rng: np.random.Generator, smiling: bool) -> Look:
    def pick(options):
        return options[rng.integers(len(options))]

    shirt = pick(CLOTHES)
    return Look(
        skin=pick(SKINS),
        hair=pick(HAIRS),
        shirt=shirt,
        trousers=pick([colour for colour in TROUSERS + CLOTHES[:3] if colour != shirt]),
        shoes=pick(((40, 40, 45), (235, 235, 235), (150, 60, 50))),
        sleeves=float(rng.choice([0.25, 0.3, 0.95, 0.97])),
        legs=float(rng.choice([0.35, 0.5, 0.97, 0.97])),
        long_hair=bool(rng.random() < 0.4),
        hat=pick(CLOTHES) if rng.random() < 0.22 else None,
        smiling=smiling,
    )


def _shadows(canvas: Canvas, actors: list[_Actor]) -> None:
    """Darken the ground below each person, also one who is in the air."""
    ground = canvas.picture.copy()
    for actor in actors:
        long = 0.24 if "lay" not in actor.doing.verbs else 0.5
        oval = ring((0, 0, 0), 1.0, "xy") * (long, 0.15, 0)
        points = oval @ rotation(yaw=actor.facing - 90).T + (*actor.spot, 0)
        pixels, _ = canvas.camera.project(points)
        cv2.fillPoly(ground, [np.round(pixels * SUPERSAMPLING).astype(np.int32)], (45, 45, 55))
    canvas.picture[:] = (0.65 * canvas.picture + 0.35 * ground).astype(np.uint8)


def _annotate(
    canvas: Canvas, owners: np.ndarray, categories: list, actors: list[_Actor], owners_of: list[int]
) -> tuple[Instance, ...]:
    """Cut the instance map into masks; people also get keypoints and verbs."""
    instances = []
    for index, category in enumerate(categories):
        mask = (owners >= 0) & (owners // GROUPS == index)
        instance = Instance(category or "", mask)
        if index in owners_of:
            first = index + 1  # a person's things follow it
            actor = actors[owners_of.index(index)]
            verbs = {
                verb: {role: first + i for role, i in roles.items()}
                for verb, roles in actor.doing.verbs.items()
            }
            instance = replace(
                instance, keypoints=_keypoints(canvas.camera, owners, actor, index), verbs=verbs
            )
        instances.append(instance)
    return tuple(instances)


def _keypoints(camera: Camera, owners: np.ndarray, actor: _Actor, index: int) -> np.ndarray:
    """Project a person's joints: visibility 2 where the own limb is on top, 1 where hidden, 0 unlabelled.

    As COCO's annotators do, joints outside the image and the far side of a head stay unlabelled.
    """
    joints = actor.joints()
    keypoints = np.zeros((len(KEYPOINTS), 3))
    for row, joint in zip(keypoints, KEYPOINTS, strict=True):
        x, y = camera.project(joints[joint][None])[0][0]
        turned_away = joint in FACE and joints[joint][1] - joints["head"][1] > 0.3 * HEAD * actor.size
        if 0 <= x < camera.width and 0 <= y < camera.height_px and not turned_away:
            around = owners[max(0, int(y) - 1) : int(y) + 2, max(0, int(x) - 1) : int(x) + 2]
            own = [index * GROUPS + group for group in _groups(joint)]
            row[:] = x, y, 2 if np.isin(around, own).any() else 1
    return keypoints


def _groups(joint: str) -> tuple[int, ...]:
    """Return the groups on which a joint counts as seen; shirts cover shoulders and hips."""
    if joint in FACE:
        return (HEAD_GROUP,)
    side, _, name = joint.partition("_")
    limb = GROUP_OF_LIMB[side][name]
    return (limb, TORSO_GROUP) if name in ("shoulder", "hip") else (limb,)
