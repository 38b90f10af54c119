"""An articulated person: a pose becomes 3-D joints by inverse kinematics, joints become drawable parts.

Own axes of a person: x forward, y to the own left, z up, origin on the ground. Lengths are shares of the body
height (Drillis & Contini's segment proportions, rounded). Angles are degrees.
"""

from dataclasses import dataclass, field

import numpy as np

from scenery.canvas import Colour, Part, blend

HIP, SHOULDER = 0.058, 0.112  # half widths
TRUNK, NECK, HEAD = 0.285, 0.045, 0.062
UPPER_ARM, FOREARM, THIGH, SHANK = 0.168, 0.148, 0.242, 0.24
ANKLE, FOOT = 0.042, 0.085
STANDING = ANKLE + SHANK + THIGH - 0.004  # height of the pelvis
ELBOW_LIMIT, KNEE_LIMIT = 148.0, 150.0  # degrees of flexion
HEAD_TURN, HEAD_NOD = 75.0, 60.0  # degrees, against the trunk

TORSO_GROUP, HEAD_GROUP, LEFT_ARM, RIGHT_ARM, LEFT_LEG, RIGHT_LEG = range(6)

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Pose:
    """Where pelvis, hands and ankles are in own axes, how the trunk leans, and where the head looks.

    `lean` forward, `roll` to the own left, `twist` of the shoulders to the left; `head_pitch` downward
    against the horizontal, `head_yaw` to the left against the trunk. Poles say where knees and elbows point.
    """

    pelvis: Vector = (0.0, 0.0, STANDING)
    lean: float = 2.0
    roll: float = 0.0
    twist: float = 0.0
    head_pitch: float = 5.0
    head_yaw: float = 0.0
    left_hand: Vector = (0.03, 0.17, 0.5)
    right_hand: Vector = (0.03, -0.17, 0.5)
    left_foot: Vector = (0.0, 0.065, ANKLE)
    right_foot: Vector = (0.0, -0.065, ANKLE)
    knees: Vector = (1.0, 0.0, 0.15)
    elbows: Vector = (-0.7, 0.5, -0.5)
    toes: Vector = (1.0, 0.0, -0.3)


@dataclass(frozen=True)
class Look:
    """What a person looks like."""

    skin: Colour
    hair: Colour
    shirt: Colour
    trousers: Colour
    shoes: Colour
    sleeves: float = 0.55  # share of the arm that is covered
    legs: float = 1.0  # share of the leg that is covered
    long_hair: bool = False
    hat: Colour | None = None
    smiling: bool = False


@dataclass(frozen=True)
class Skeleton:
    """3-D joints in own axes, by name; `head_axes` holds the head's forward, left and up."""

    joints: dict[str, np.ndarray]
    head_axes: np.ndarray = field(default_factory=lambda: np.eye(3))


def rotation(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> np.ndarray:
    """Return the matrix of columns forward, left, up after roll, pitch (forward), then yaw (left)."""
    a, b, c = np.radians([yaw, pitch, roll])
    around_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    around_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    around_x = np.array([[1, 0, 0], [0, np.cos(c), np.sin(c)], [0, -np.sin(c), np.cos(c)]])
    return around_z @ around_y @ around_x


def two_bones(
    root: np.ndarray, target: np.ndarray, upper: float, lower: float, pole: np.ndarray, limit: float
) -> tuple[np.ndarray, np.ndarray]:
    """Place the middle joint and the end of a two-bone limb that reaches for `target`.

    The bend stays between 2 degrees and `limit`; a target that is out of reach is reached for. The middle
    joint points to the `pole`. Law of cosines.
    """
    flexion = np.radians([limit, 2.0])
    nearest, farthest = np.sqrt(upper**2 + lower**2 + 2 * upper * lower * np.cos(flexion))
    reach = target - root
    distance = np.linalg.norm(reach)
    along = reach / distance if distance > 1e-6 else np.array([0.0, 0.0, -1.0])
    distance = np.clip(distance, nearest, farthest)
    across = pole - along * (pole @ along)
    if np.linalg.norm(across) < 1e-6:  # the pole lies along the limb: any side will do
        across = np.cross(along, [0.0, 1.0, 0.0])
    across = across / np.linalg.norm(across)
    cosine = (upper**2 + distance**2 - lower**2) / (2 * upper * distance)
    sine = np.sqrt(max(0.0, 1 - cosine**2))
    return root + upper * (cosine * along + sine * across), root + distance * along


def skeleton(pose: Pose) -> Skeleton:
    """Compute the joints of a pose; limb lengths and joint limits hold whatever the pose asks for."""
    pelvis = np.array(pose.pelvis)
    hips = rotation(roll=0.4 * pose.roll)
    trunk = rotation(0.0, pose.lean, pose.roll)
    chest = trunk @ rotation(pose.twist)
    neck = pelvis + TRUNK * trunk[:, 2]
    head_pitch = np.clip(pose.head_pitch, pose.lean - HEAD_NOD, pose.lean + HEAD_NOD)
    head = rotation(np.clip(pose.head_yaw, -HEAD_TURN, HEAD_TURN) + pose.twist, head_pitch, 0.6 * pose.roll)
    joints = {"pelvis": pelvis, "neck": neck, "head": neck + NECK * trunk[:, 2] + 0.9 * HEAD * head[:, 2]}
    for side, sign in (("left", 1), ("right", -1)):
        mirror = np.array([1, sign, 1])
        shoulder = neck - 0.01 * trunk[:, 2] + sign * SHOULDER * chest[:, 1]
        hip = pelvis + sign * HIP * hips[:, 1]
        hand, foot = np.array(getattr(pose, f"{side}_hand")), np.array(getattr(pose, f"{side}_foot"))
        elbow_pole, knee_pole = np.array(pose.elbows) * mirror, np.array(pose.knees) * mirror
        elbow, wrist = two_bones(shoulder, hand, UPPER_ARM, FOREARM, elbow_pole, ELBOW_LIMIT)
        knee, ankle = two_bones(hip, foot, THIGH, SHANK, knee_pole, KNEE_LIMIT)
        toes = np.array(pose.toes) * mirror
        joints |= {f"{side}_shoulder": shoulder, f"{side}_elbow": elbow, f"{side}_wrist": wrist}
        joints |= {f"{side}_hip": hip, f"{side}_knee": knee, f"{side}_ankle": ankle}
        joints[f"{side}_toe"] = ankle + FOOT * toes / np.linalg.norm(toes)
        joints[f"{side}_hand"] = wrist + 0.035 * (wrist - elbow) / FOREARM
        joints[f"{side}_eye"] = joints["head"] + HEAD * head @ [0.82, 0.36 * sign, 0.2]
        joints[f"{side}_ear"] = joints["head"] + HEAD * head @ [0.0, 0.93 * sign, 0.02]
    joints["nose"] = joints["head"] + HEAD * head @ [1.08, 0.0, -0.08]
    return Skeleton(joints, head)


def body_parts(bones: Skeleton, look: Look) -> list[Part]:
    """Draw a person's parts in own axes: limbs, trunk, head, face and clothes."""
    parts = _trunk(bones.joints, look) + _head(bones, look)
    for side, arm, leg in (("left", LEFT_ARM, LEFT_LEG), ("right", RIGHT_ARM, RIGHT_LEG)):
        parts += _leg(bones.joints, side, look, leg) + _arm(bones.joints, side, look, arm)
    return parts


def _hull(points: list, radii: list[float], colour: Colour, group: int, bias: float = 0.0) -> Part:
    return Part(np.array(points), colour, tuple(radii), group=group, bias=bias)


def _trunk(joints: dict[str, np.ndarray], look: Look) -> list[Part]:
    left, right, pelvis, neck = (joints[k] for k in ("left_shoulder", "right_shoulder", "pelvis", "neck"))
    waist = pelvis + 0.3 * (neck - pelvis)
    chest = [left * 0.94 + right * 0.06, right * 0.94 + left * 0.06, waist]
    hips = [joints["left_hip"], joints["right_hip"]]
    parts = [
        _hull([neck, joints["head"]], [0.034, 0.03], blend(look.skin, (0, 0, 0), 0.12), HEAD_GROUP, 0.002),
        _hull([*hips, waist], [0.066, 0.066, 0.06], look.trousers, TORSO_GROUP, 0.004),
        _hull(
            [*chest, pelvis + 0.04 * (neck - pelvis) / TRUNK],
            [0.042, 0.042, 0.068, 0.074],
            look.shirt,
            TORSO_GROUP,
        ),
    ]
    return parts


def _arm(joints: dict[str, np.ndarray], side: str, look: Look, group: int) -> list[Part]:
    shoulder, elbow, wrist, hand = (joints[f"{side}_{k}"] for k in ("shoulder", "elbow", "wrist", "hand"))
    parts = [
        _hull([shoulder, elbow], [0.036, 0.027], look.skin, group),
        _hull([elbow, wrist], [0.027, 0.02], look.skin, group),
        _hull([wrist, hand], [0.021, 0.025], look.skin, group, -0.004),
    ]
    upper = min(1.0, 2 * look.sleeves)
    parts.append(
        _hull([shoulder, shoulder + upper * (elbow - shoulder)], [0.042, 0.036], look.shirt, group, -0.003)
    )
    if look.sleeves > 0.5:
        end = elbow + (2 * look.sleeves - 1) * (wrist - elbow)
        parts.append(_hull([elbow, end], [0.034, 0.028], look.shirt, group, -0.003))
    return parts


def _leg(joints: dict[str, np.ndarray], side: str, look: Look, group: int) -> list[Part]:
    hip, knee, ankle, toe = (joints[f"{side}_{k}"] for k in ("hip", "knee", "ankle", "toe"))
    parts = [
        _hull([hip, knee], [0.058, 0.041], look.skin, group),
        _hull([knee, ankle], [0.041, 0.026], look.skin, group),
        _hull([ankle, toe], [0.03, 0.022], look.shoes, group, -0.003),
    ]
    upper = min(1.0, 2 * look.legs)
    parts.append(
        _hull([hip, hip + upper * (knee - hip)], [0.064, 0.064 - 0.016 * upper], look.trousers, group, -0.002)
    )
    if look.legs > 0.5:
        end = knee + (2 * look.legs - 1) * (ankle - knee)
        parts.append(_hull([knee, end], [0.048, 0.038], look.trousers, group, -0.002))
    return parts


def _head(bones: Skeleton, look: Look) -> list[Part]:
    """Draw the head as balls in its own axes: seen from behind, the hair hides the face by itself."""
    head, axes = bones.joints["head"], bones.head_axes

    def at(forward: float, left: float, up: float) -> np.ndarray:
        return head + HEAD * axes @ np.array([forward, left, up])

    dark = blend(look.skin, (120, 50, 40), 0.3)
    parts = [
        _hull([at(0.2, 0, 0.05), at(0.22, 0, -0.5)], [0.92 * HEAD, 0.62 * HEAD], look.skin, HEAD_GROUP),
        _hull([at(-0.18, 0, 0.22)], [1.0 * HEAD], look.hair, HEAD_GROUP, -0.002),
        _hull(
            [at(0.32, 0, 0.72), at(-0.3, 0, 0.72)], [0.5 * HEAD, 0.52 * HEAD], look.hair, HEAD_GROUP, -0.02
        ),
        _hull([at(1.04, 0, -0.05), at(1.06, 0, -0.16)], [0.1 * HEAD, 0.15 * HEAD], dark, HEAD_GROUP, -0.02),
    ]
    for sign in (1, -1):
        parts.append(
            _hull([at(0.0, 0.9 * sign, 0.0)], [0.2 * HEAD], blend(look.skin, dark, 0.3), HEAD_GROUP, -0.003)
        )
        parts.append(_hull([at(0.88, 0.36 * sign, 0.12)], [0.17 * HEAD], (250, 250, 250), HEAD_GROUP, -0.01))
        parts.append(_hull([at(0.97, 0.36 * sign, 0.11)], [0.095 * HEAD], (40, 30, 25), HEAD_GROUP, -0.012))
    parts += _mouth(at, look)
    if look.long_hair:
        tail = [at(-0.35, 0, 0.1), at(-0.5, 0.3, -1.3), at(-0.5, -0.3, -1.3)]
        parts.append(_hull(tail, [0.95 * HEAD, 0.5 * HEAD, 0.5 * HEAD], look.hair, HEAD_GROUP, 0.02))
    if look.hat:
        rim = [at(0.72 * np.cos(a), 0.72 * np.sin(a), 0.6) for a in np.radians(range(0, 360, 45))]
        crown = [*rim, at(0, 0, 0.95)]
        brim = [at(0.85, 0.4, 0.62), at(0.85, -0.4, 0.62), at(1.3, 0, 0.55)]
        parts.append(_hull(crown, [0.26 * HEAD] * 8 + [0.4 * HEAD], look.hat, HEAD_GROUP, -0.022))
        parts.append(_hull(brim, [0.1 * HEAD] * 3, blend(look.hat, (0, 0, 0), 0.3), HEAD_GROUP, -0.02))
    return parts


def _mouth(at, look: Look) -> list[Part]:
    lips = (150, 50, 50)
    corners = (
        (0.9, 0.42, -0.42),
        (1.0, 0.24, -0.55),
        (1.02, 0.0, -0.6),
        (1.0, -0.24, -0.55),
        (0.9, -0.42, -0.42),
    )
    if look.smiling:
        curve = np.array([at(*p) for p in corners])
        return [
            Part(curve, (255, 255, 255), group=HEAD_GROUP, bias=-0.012),
            Part(curve, lips, width=0.12 * HEAD, group=HEAD_GROUP, bias=-0.013),
        ]
    line = np.array([at(0.98, 0.2, -0.52), at(0.98, -0.2, -0.52)])
    return [Part(line, lips, width=0.1 * HEAD, group=HEAD_GROUP, bias=-0.012)]
