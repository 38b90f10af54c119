"""The table of activities: how often each leads a scene, where it happens, and how people then face."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from scenery import daily, sports
from scenery.postures import Doing

OUTDOORS = ("field", "park", "street", "beach")
INDOORS = ("living_room", "kitchen", "office", "restaurant", "bedroom")
ANYWHERE = (*OUTDOORS, *INDOORS[:4])


@dataclass(frozen=True)
class Activity:
    """How often an activity leads a scene, where it happens, and how people then face (0: the camera).

    `headroom` is what it needs above a standing person's head, in body heights.
    """

    act: Callable[[np.random.Generator], Doing]
    weight: float
    places: tuple[str, ...]
    facing: tuple[float, ...] = (0.0, 35.0, -35.0, 90.0, -90.0, 150.0)
    headroom: float = 0.0


SIDE = (90.0, -90.0, 60.0, -60.0)
FRONT = (0.0, 25.0, -25.0, 180.0)
ACTIVITIES = (
    Activity(daily.idle, 4.0, ANYWHERE),
    Activity(daily.sit, 2.5, (*INDOORS[:4], "park", "street")),
    Activity(daily.hold_something, 6.0, ANYWHERE),
    Activity(daily.walk, 3.0, OUTDOORS),
    Activity(daily.carry, 2.5, ("street", "park")),
    Activity(daily.carry_board, 2.0, ("beach",), SIDE),
    Activity(daily.carry_skis, 1.0, ("snow",), SIDE),
    Activity(
        daily.talk_on_phone, 4.5, ("street", "office", "living_room", "park"), (0.0, -35.0, -90.0, 35.0)
    ),
    Activity(daily.work_on_computer, 6.5, ("office", "living_room", "restaurant"), SIDE),
    Activity(daily.read, 1.6, ("living_room", "park", "office"), (50.0, -50.0, 90.0, -90.0)),
    Activity(daily.eat, 7.5, ("restaurant", "kitchen", "street", "park")),
    Activity(daily.drink, 2.2, ("restaurant", "kitchen", "living_room", "street")),
    Activity(daily.cut, 4.5, ("kitchen", "restaurant"), (30.0, -30.0, 70.0, -70.0)),
    Activity(daily.lay, 5, ("bedroom",), (90.0, -90.0, 75.0, -75.0)),
    Activity(daily.lay_outdoors, 1.5, ("park", "beach"), (90.0, -90.0)),
    Activity(daily.point, 0.8, ANYWHERE),
    Activity(sports.ride_horse, 3.2, ("field", "park", "beach"), SIDE, headroom=0.35),
    Activity(sports.ride_bicycle, 3.2, ("street", "park"), SIDE),
    Activity(sports.ride_motorcycle, 2.4, ("street",), SIDE),
    Activity(sports.surf, 5.5, ("sea",), FRONT),
    Activity(sports.paddle, 1.2, ("sea",), SIDE),
    Activity(sports.ski, 5.5, ("snow",), (0.0, 30.0, -30.0, 70.0, -70.0, 150.0)),
    Activity(sports.snowboard, 5, ("snow",), FRONT, headroom=0.3),
    Activity(sports.skateboard, 6.5, ("skatepark", "street"), FRONT, headroom=0.3),
    Activity(sports.tennis_hit, 2.6, ("court",), headroom=0.45),
    Activity(sports.tennis_wait, 2.0, ("court",)),
    Activity(sports.baseball_hit, 2.0, ("field",)),
    Activity(sports.throw, 4.0, ("field", "park", "beach"), headroom=0.15),
    Activity(sports.catch, 4.0, ("field", "park", "beach"), headroom=0.4),
    Activity(sports.kick, 2.2, ("field", "park")),
    Activity(sports.run, 2.5, OUTDOORS),
    Activity(sports.jump, 1.8, ("park", "beach", "field"), headroom=0.4),
)
