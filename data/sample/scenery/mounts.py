"""Things that carry a person: bicycle, motorcycle, horse; boards (along y) and skis (along x)."""

import numpy as np

from scenery.canvas import Colour, blend
from scenery.shapes import DARK, METAL, WHITE, Parts, hull, moved, plate, ring, rod


def bicycle(colour: Colour) -> Parts:
    rear, front, crank, seat, head = (
        (-0.3, 0, 0.19),
        (0.3, 0, 0.19),
        (-0.03, 0, 0.16),
        (-0.1, 0, 0.47),
        (0.22, 0, 0.49),
    )
    frame = [(rear, crank), (crank, seat), (seat, rear), (crank, head), (seat, head), (head, front)]
    wheels = [rod(ring(hub, 0.185), 0.026, DARK) for hub in (rear, front)]
    spokes = [
        rod(np.array([(x, 0, z), (-x, 0, -z)]) + hub, 0.004, METAL)
        for hub in (rear, front)
        for x, z in ((0.18, 0), (0, 0.18), (0.13, 0.13), (0.13, -0.13))
    ]
    bar = rod([(0.26, 0.13, 0.56), (0.24, 0.05, 0.57), (0.24, -0.05, 0.57), (0.26, -0.13, 0.56)], 0.018, DARK)
    saddle = hull([(-0.14, 0, 0.51), (-0.03, 0, 0.51)], [0.026, 0.014], DARK)
    stem = rod([head, (0.24, 0, 0.57)], 0.02, METAL)
    return [*wheels, *spokes, *(rod(line, 0.022, colour) for line in frame), stem, bar, saddle]


def motorcycle(colour: Colour) -> Parts:
    wheels = [rod(ring((x, 0, 0.17), 0.15), 0.055, DARK) for x in (-0.38, 0.4)]
    hubs = [hull([(x, 0, 0.17)], 0.04, METAL) for x in (-0.38, 0.4)]
    body = [
        hull([(-0.15, 0, 0.22), (0.15, 0, 0.22), (0.0, 0, 0.3)], 0.075, (90, 92, 98)),
        hull([(-0.05, 0, 0.4), (0.22, 0, 0.42)], [0.06, 0.085], colour),
        hull([(-0.42, 0, 0.4), (-0.1, 0, 0.38)], [0.03, 0.05], DARK),
        hull([(0.4, 0, 0.33), (0.3, 0, 0.36)], 0.03, colour),
        rod([(0.4, 0, 0.17), (0.27, 0, 0.52)], 0.035, METAL),
        rod([(0.2, 0.17, 0.58), (0.27, 0.06, 0.56), (0.27, -0.06, 0.56), (0.2, -0.17, 0.58)], 0.022, DARK),
        hull([(0.33, 0, 0.47)], 0.05, (235, 235, 205)),
        rod([(-0.05, -0.09, 0.14), (-0.45, -0.1, 0.19)], 0.045, METAL),
    ]
    return wheels + hubs + body


def horse(coat: Colour) -> Parts:
    mane = blend(coat, (20, 10, 5), 0.65)
    legs = []
    for x, knee, hoof in ((-0.36, -0.42, -0.36), (-0.3, -0.3, -0.26), (0.3, 0.38, 0.3), (0.36, 0.34, 0.4)):
        y = 0.075 if x in (-0.36, 0.3) else -0.075
        legs.append(hull([(x, y, 0.5), (knee, y, 0.27)], [0.075, 0.035], coat, group=1 + len(legs)))
        legs.append(hull([(knee, y, 0.27), (hoof, y, 0.04)], [0.032, 0.026], coat, group=len(legs)))
        legs.append(hull([(hoof, y, 0.03), (hoof + 0.03, y, 0.02)], 0.03, DARK, group=len(legs) - 1))
    return [
        *legs,
        rod([(-0.46, 0, 0.68), (-0.56, 0, 0.58), (-0.56, 0, 0.3)], 0.06, mane),
        hull([(-0.34, 0, 0.6), (0.0, 0, 0.58), (0.32, 0, 0.62)], [0.165, 0.16, 0.16], coat),
        hull([(0.34, 0, 0.68), (0.56, 0, 0.98)], [0.125, 0.075], coat),
        hull([(0.56, 0, 0.99), (0.74, 0, 0.86)], [0.075, 0.045], coat, bias=-0.01),
        rod([(0.32, 0, 0.84), (0.44, 0, 1.0), (0.54, 0, 1.09)], 0.07, mane, bias=-0.02),
        hull([(0.53, 0.03, 1.06), (0.53, 0.03, 1.12)], [0.02, 0.008], coat),
        hull([(0.6, 0.05, 1.0)], 0.012, DARK, bias=-0.03),
        hull([(0.6, -0.05, 1.0)], 0.012, DARK, bias=-0.03),
        hull([(-0.1, 0, 0.76), (0.1, 0, 0.76)], 0.035, (95, 55, 30), bias=-0.02),
        rod([(0.7, 0.05, 0.9), (0.3, 0.06, 0.86), (0.22, 0.03, 0.85)], 0.012, (70, 40, 25), bias=-0.03),
    ]


def board(length: float, width: float, colour: Colour, thickness: float = 0.012, nose: float = 0.75) -> Parts:
    t = np.linspace(-1, 1, 15)
    half = width / 2 * (1 - np.abs(t) ** 3 * nose) * np.sqrt(np.clip(1 - t**6, 0.02, 1))
    rim = np.concatenate([np.stack([half, t * length / 2], 1), np.stack([-half, t * length / 2], 1)[::-1]])
    top = np.column_stack([rim, np.full(len(rim), thickness)])
    below = top - (0, 0, thickness)
    stripe = rod(
        [(0, -0.42 * length, thickness), (0, 0.42 * length, thickness)],
        width / 7,
        blend(colour, WHITE, 0.6),
        depth="far",
        bias=-0.01,
    )
    return [
        plate(below, blend(colour, (0, 0, 0), 0.4), depth="far"),
        plate(top, colour, depth="far", bias=-0.002),
        stripe,
    ]


def skateboard(colour: Colour) -> Parts:
    wheels = [
        hull([(x, y, 0.018)], 0.02, (230, 225, 190), bias=0.001) for y in (-0.13, 0.13) for x in (-0.04, 0.04)
    ]
    return wheels + moved(board(0.46, 0.115, colour, 0.016, 0.25), (0, 0, 0.038))


def ski(colour: Colour) -> Parts:
    line = [(-0.42, 0, 0.012), (0.42, 0, 0.012), (0.5, 0, 0.05)]
    return [rod(line, 0.036, colour, depth="far")]


def pole(hand, tip) -> Parts:
    return [rod([hand, tip], 0.013, DARK)]
