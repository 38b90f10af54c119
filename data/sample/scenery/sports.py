"""Riding, boards, skis and balls: the verbs that share objects and differ by posture."""

import numpy as np

from scenery import handheld, mounts
from scenery.body import ANKLE, Pose, skeleton
from scenery.postures import Doing, Rng, any_colour, crouching, maybe_look, pick, running, standing, vary
from scenery.shapes import Parts, moved


def ride_horse(rng: Rng) -> Doing:
    legs = {"left_foot": (0.1, 0.21, 0.44), "right_foot": (0.1, -0.21, 0.44), "knees": (1.0, 0.7, 0.2)}
    hands = {"left_hand": (0.24, 0.04, 0.96), "right_hand": (0.24, -0.04, 0.96)}
    doing = Doing(vary(rng, Pose(pelvis=(0, 0, 0.85), lean=4, **legs, **hands)), room=0.75)
    coat = pick(rng, ((125, 75, 45), (90, 60, 45), (205, 195, 185), (60, 50, 48), (165, 110, 65)))
    _ride(doing, doing.add("horse", mounts.horse(coat)))
    return doing


def ride_bicycle(rng: Rng) -> Doing:
    legs = {"left_foot": (0.04, 0.06, 0.14), "right_foot": (-0.08, -0.06, 0.25), "toes": (1.0, 0.0, -0.15)}
    hands = {"left_hand": (0.235, 0.12, 0.6), "right_hand": (0.235, -0.12, 0.6)}
    doing = Doing(vary(rng, Pose(pelvis=(-0.1, 0, 0.59), lean=30, **legs, **hands), 0.004), room=0.5)
    _ride(doing, doing.add("bicycle", mounts.bicycle(any_colour(rng))))
    return doing


def ride_motorcycle(rng: Rng) -> Doing:
    legs = {"left_foot": (-0.02, 0.13, 0.17), "right_foot": (-0.02, -0.13, 0.17), "knees": (1.0, 0.4, 0.3)}
    hands = {"left_hand": (0.17, 0.16, 0.6), "right_hand": (0.17, -0.16, 0.6)}
    doing = Doing(vary(rng, Pose(pelvis=(-0.19, 0, 0.49), lean=12, **legs, **hands), 0.004), room=0.6)
    _ride(doing, doing.add("motorcycle", mounts.motorcycle(any_colour(rng))))
    return doing


def _ride(doing: Doing, mount: int) -> None:
    doing.does("ride", instr=mount)
    doing.does("sit", instr=mount)
    doing.does("hold", obj=mount)


def surf(rng: Rng) -> Doing:
    doing = Doing(crouching(rng, rng.uniform(0.32, 0.44), 0.16, 0.05), room=0.6)
    doing.does(
        "surf",
        instr=doing.add(
            "surfboard", mounts.board(1.1, 0.27, any_colour(rng)), (0, 0, 0.03), roll=rng.uniform(-2, 8)
        ),
    )
    doing.does("stand")
    return doing


def paddle(rng: Rng) -> Doing:
    """Lie on a surfboard: surf's object with lay's posture."""
    arms = {"left_hand": (0.42, 0.2, 0.06), "right_hand": (0.1, -0.25, 0.05), "elbows": (0.0, 1.0, 0.4)}
    legs = {
        "left_foot": (-0.47, 0.05, 0.1),
        "right_foot": (-0.47, -0.05, 0.1),
        "knees": (0.0, 0.0, -1.0),
        "toes": (-1.0, 0.0, 0.0),
    }
    doing = Doing(vary(rng, Pose(pelvis=(0, 0, 0.125), lean=74, head_pitch=20, **arms, **legs)), room=0.6)
    board = doing.add("surfboard", mounts.board(1.15, 0.3, any_colour(rng)), (0, 0, 0.035), yaw=-90)
    doing.does("surf", instr=board)
    doing.does("lay", instr=board)
    return doing


def ski(rng: Rng) -> Doing:
    low = rng.uniform(0.4, 0.49)
    hands = {"left_hand": (0.2, 0.2, low + 0.12), "right_hand": (0.2, -0.2, low + 0.12)}
    feet = {"left_foot": (-0.02, 0.07, ANKLE + 0.01), "right_foot": (-0.02, -0.07, ANKLE + 0.01)}
    doing = Doing(
        vary(rng, Pose(pelvis=(-0.05, 0, low), lean=rng.uniform(10, 32), **hands, **feet)), room=0.5
    )
    colour = any_colour(rng)
    skis = doing.add(
        "skis", moved(mounts.ski(colour), (0.03, 0.07, 0)) + moved(mounts.ski(colour), (0.03, -0.07, 0))
    )
    bones = skeleton(doing.pose).joints
    for side, y in (("left", 0.26), ("right", -0.26)):
        doing.add(None, mounts.pole(bones[f"{side}_hand"] + (0.01, 0, 0.03), (-0.12, y, 0.03)))
    doing.does("ski", instr=skis)
    if rng.random() < 0.75:
        doing.does("hold")
    doing.does("stand")
    return doing


def _board_sport(rng: Rng, verb: str, category: str, parts: Parts, gap: float, sole: float) -> Doing:
    doing = Doing(crouching(rng, rng.uniform(0.36, 0.47) + sole, gap, sole), room=0.5)
    thing = doing.add(category, parts)
    doing.does(verb, instr=thing)
    if rng.random() < 0.45:
        doing.does("jump", instr=thing)
        return doing.lifted(rng.uniform(0.12, 0.4))
    doing.does("stand")
    return doing


def snowboard(rng: Rng) -> Doing:
    return _board_sport(
        rng, "snowboard", "snowboard", mounts.board(0.86, 0.17, any_colour(rng), nose=0.3), 0.14, 0.015
    )


def skateboard(rng: Rng) -> Doing:
    return _board_sport(rng, "skateboard", "skateboard", mounts.skateboard(any_colour(rng)), 0.11, 0.055)


def tennis_hit(rng: Rng) -> Doing:
    """Strike a ball: forehand, or serve in the air."""
    serves = rng.random() < 0.4
    if serves:
        arms = {"right_hand": (0.1, -0.17, 1.1), "left_hand": (0.2, 0.15, 0.7), "elbows": (-0.3, 0.8, -0.3)}
        turn, ball = {"pitch": 18, "roll": -8}, (0.24, -0.2, 1.47)
        feet = {"left_foot": (0.1, 0.07, ANKLE), "right_foot": (-0.14, -0.07, ANKLE + 0.03)}
    else:
        arms = {"right_hand": (0.24, -0.25, 0.68), "left_hand": (0.12, 0.28, 0.72)}
        turn, ball = {"roll": -68, "pitch": 14}, (0.32, -0.57, 0.83)
        feet = {"left_foot": (0.14, 0.13, ANKLE), "right_foot": (-0.1, -0.15, ANKLE)}
    doing = Doing(
        vary(rng, Pose(pelvis=(0, 0, 0.48), lean=9, twist=-10, head_yaw=-20, **arms, **feet)), room=0.45
    )
    racket = doing.hand("right", "tennis racket", handheld.racket(any_colour(rng)), **turn)
    doing.does("hit", instr=racket, obj=doing.add("sports ball", handheld.ball(0.026, (215, 235, 70)), ball))
    doing.does("hold", obj=racket)
    maybe_look(rng, doing, 0.85, doing.verbs["hit"]["obj"])
    if serves and rng.random() < 0.5:
        doing.does("jump")
        return doing.lifted(rng.uniform(0.05, 0.16))
    if rng.random() < 0.7:
        doing.does("stand")
    else:
        doing.moves(rng, "run")
    return doing


def tennis_wait(rng: Rng) -> Doing:
    """Hold a racket without striking: hit's object, another posture."""
    hands = {"left_hand": (0.2, 0.03, 0.62), "right_hand": (0.18, -0.06, 0.58)}
    doing = Doing(standing(rng, pelvis=(-0.03, 0, 0.48), lean=12, **hands))
    racket = doing.hand("right", "tennis racket", handheld.racket(any_colour(rng)), pitch=55, roll=12)
    doing.does("hold", obj=racket)
    doing.does("stand")
    maybe_look(rng, doing, 0.6)
    return doing


def baseball_hit(rng: Rng) -> Doing:
    swings = rng.random() < 0.6
    hands = (0.27, 0.0, 0.68) if swings else (0.08, -0.12, 0.84)
    other = (0.28, 0.03, 0.66) if swings else (0.1, -0.1, 0.8)
    doing = Doing(
        vary(
            rng,
            Pose(
                pelvis=(0, 0, 0.47),
                lean=10,
                twist=20 if swings else -25,
                head_yaw=45,
                right_hand=hands,
                left_hand=other,
                left_foot=(0.03, 0.16, ANKLE),
                right_foot=(-0.03, -0.14, ANKLE),
                elbows=(-0.1, 0.9, -0.5),
            ),
            0.006,
        ),
        room=0.45,
    )
    turn = {"roll": 78, "pitch": 10} if swings else {"roll": -25, "pitch": -20}
    bat = doing.hand(
        "right", "baseball bat", handheld.bat(pick(rng, ((200, 160, 100), (60, 60, 70)))), **turn
    )
    doing.does("hold", obj=bat)
    doing.does("stand")
    if swings:
        doing.does(
            "hit",
            instr=bat,
            obj=doing.add("sports ball", handheld.ball(0.026, (245, 245, 240)), (0.3, 0.52, 0.74)),
        )
    maybe_look(rng, doing, 0.8)
    return doing


def _ball_or_disc(rng: Rng) -> tuple[str, Parts, float]:
    if rng.random() < 0.4:
        return "frisbee", handheld.frisbee(any_colour(rng)), 0.02
    radius = float(rng.choice([0.028, 0.065]))
    return (
        "sports ball",
        handheld.ball(radius, pick(rng, ((245, 245, 240), (225, 120, 50), (215, 235, 70)))),
        radius,
    )


def throw(rng: Rng) -> Doing:
    """Stride with the throwing arm back, the ball or disc in the hand."""
    feet = {"left_foot": (0.2, 0.07, ANKLE), "right_foot": (-0.16, -0.07, ANKLE + 0.02)}
    arms = {"right_hand": (-0.08, -0.26, 0.98), "left_hand": (0.28, 0.12, 0.8), "elbows": (-0.5, 0.9, -0.1)}
    doing = Doing(
        vary(rng, Pose(pelvis=(0, 0, 0.48), lean=-4, twist=-35, head_yaw=30, **feet, **arms)), room=0.45
    )
    category, parts, radius = _ball_or_disc(rng)
    ball = doing.add(category, parts, skeleton(doing.pose).joints["right_hand"] + (0, 0, radius + 0.02))
    doing.does("throw", obj=ball)
    doing.does("stand")
    if rng.random() < 0.5:
        doing.does("hold", obj=ball)
    maybe_look(rng, doing, 0.6)
    return doing


def catch(rng: Rng) -> Doing:
    """Reach for a ball or disc in the air with both hands, sometimes jumping or running."""
    high = rng.random() < 0.5
    z = 1.1 if high else 0.84
    x = 0.08 if high else 0.25
    arms = {
        "left_hand": (x, 0.07, z),
        "right_hand": (x, -0.07, z),
        "elbows": (-0.2, 0.8, -0.6),
        "head_pitch": -25 if high else 0,
    }
    runs = rng.random() < 0.3
    doing = Doing(running(rng, **arms) if runs else standing(rng, pelvis=(0, 0, 0.49), **arms), room=0.4)
    category, parts, radius = _ball_or_disc(rng)
    reach = skeleton(doing.pose).joints["right_hand"] * (1, 0, 1)
    ball = doing.add(category, parts, np.add(reach, (radius + 0.03 + rng.uniform(0, 0.1), 0, radius + 0.02)))
    doing.does("catch", obj=ball)
    maybe_look(rng, doing, 0.9, ball)
    if high and rng.random() < 0.6:
        doing.does("jump")
        return doing.lifted(rng.uniform(0.08, 0.25))
    if runs:
        doing.moves(rng, "run")
    else:
        doing.does("stand")
    return doing


def kick(rng: Rng) -> Doing:
    feet = {"left_foot": (-0.06, 0.05, ANKLE), "right_foot": (0.33, -0.04, 0.17), "toes": (1.0, 0.0, 0.1)}
    arms = {"left_hand": (0.15, 0.3, 0.7), "right_hand": (-0.15, -0.26, 0.62)}
    doing = Doing(vary(rng, Pose(pelvis=(-0.03, 0, 0.5), lean=-7, head_pitch=25, **feet, **arms)), room=0.45)
    ball = doing.add(
        "sports ball", handheld.ball(0.065, (245, 245, 245)), (0.5, -0.04, rng.uniform(0.07, 0.2))
    )
    doing.does("kick", obj=ball)
    if rng.random() < 0.5:
        doing.moves(rng, "run")
    else:
        doing.does("stand")
    maybe_look(rng, doing, 0.8, ball)
    return doing


def run(rng: Rng) -> Doing:
    doing = Doing(running(rng), room=0.4)
    doing.moves(rng, "run")
    return doing


def jump(rng: Rng) -> Doing:
    legs = {"left_foot": (-0.12, 0.09, 0.1), "right_foot": (-0.2, -0.09, 0.16)}
    arms = {"left_hand": (0.03, 0.24, 1.06), "right_hand": (0.03, -0.24, 1.06), "elbows": (0.1, 0.8, -0.3)}
    doing = Doing(vary(rng, Pose(lean=5, head_pitch=-8, **legs, **arms)), room=0.4)
    doing.does("jump")
    return doing.lifted(rng.uniform(0.12, 0.3))
