"""Furniture, whose seat or front edge is at x = 0, and what only stands about."""

import numpy as np

from scenery.canvas import Colour, blend
from scenery.shapes import DARK, METAL, WHITE, WOOD, Parts, box, hull, plate, ring, rod


def chair(colour: Colour) -> Parts:
    legs = [
        rod([(x, y, 0), (x, y, 0.26)], 0.022, blend(colour, DARK, 0.35), depth="far", bias=0.3)
        for x in (-0.13, 0.12)
        for y in (-0.12, 0.12)
    ]
    seat = box((-0.15, -0.14, 0.25), (0.14, 0.14, 0.275), colour, depth="far")
    back = box((-0.17, -0.13, 0.33), (-0.145, 0.13, 0.58), blend(colour, WHITE, 0.1))
    posts = [
        rod([(-0.15, y, 0.26), (-0.155, y, 0.56)], 0.022, blend(colour, DARK, 0.35)) for y in (-0.12, 0.12)
    ]
    return legs + seat + posts + back


def bench(colour: Colour) -> Parts:
    legs = [
        rod([(x, y, 0), (x, y, 0.26)], 0.03, DARK, depth="far", bias=0.3)
        for x in (-0.1, 0.1)
        for y in (-0.4, 0.4)
    ]
    planks = [
        plate(
            [(x, -0.46, 0.27), (x + 0.08, -0.46, 0.27), (x + 0.08, 0.46, 0.27), (x, 0.46, 0.27)],
            colour,
            depth="far",
        )
        for x in (-0.14, -0.04, 0.06)
    ]
    back = [
        plate(
            [(-0.16, -0.46, z), (-0.16, 0.46, z), (-0.16, 0.46, z + 0.06), (-0.16, -0.46, z + 0.06)],
            blend(colour, WHITE, 0.1),
        )
        for z in (0.36, 0.45)
    ]
    return legs + planks + back


def couch(colour: Colour) -> Parts:
    seat = box((-0.22, -0.5, 0.04), (0.18, 0.5, 0.26), colour, depth="far")
    back = box((-0.3, -0.55, 0.04), (-0.2, 0.55, 0.52), blend(colour, DARK, 0.08), depth="far")
    arms = [
        side
        for y in (-0.58, 0.5)
        for side in box((-0.24, y, 0.04), (0.18, y + 0.08, 0.36), blend(colour, WHITE, 0.12))
    ]
    return seat + back + arms


def bed(colour: Colour) -> Parts:
    frame = box((-0.62, -0.3, 0.0), (0.62, 0.3, 0.16), WOOD, depth="far")
    mattress = box((-0.61, -0.29, 0.16), (0.61, 0.29, 0.25), WHITE, depth="far", bias=-0.005)
    blanket = [
        plate(
            [(-0.1, -0.3, 0.253), (0.615, -0.3, 0.253), (0.615, 0.3, 0.253), (-0.1, 0.3, 0.253)],
            colour,
            depth="far",
            bias=-0.01,
        )
    ]
    board_ = box((-0.66, -0.3, 0.0), (-0.62, 0.3, 0.48), blend(WOOD, DARK, 0.2), depth="far")
    return (
        board_
        + frame
        + mattress
        + blanket
        + [hull([(-0.5, -0.14, 0.28), (-0.5, 0.14, 0.28)], 0.055, (252, 250, 245), depth="far", bias=-0.02)]
    )


def table(colour: Colour, length: float = 0.8, depth: float = 0.42, height: float = 0.42) -> Parts:
    legs = [
        rod([(x, y, 0), (x, y, height)], 0.03, blend(colour, DARK, 0.3), depth="far", bias=depth)
        for x in (0.03, depth - 0.03)
        for y in (-length / 2 + 0.04, length / 2 - 0.04)
    ]
    edge = np.array(
        [(0.0, -0.08, height), (0.0, 0.08, height)]
    )  # where its user sits: over thighs, under hands
    return legs + box(
        (0, -length / 2, height - 0.03), (depth, length / 2, height), colour, depth="far", anchor=edge
    )


def laptop(colour: Colour) -> Parts:
    keys = [(-0.075, -0.1, 0.008), (0.06, -0.1, 0.008), (0.06, 0.1, 0.008), (-0.075, 0.1, 0.008)]
    lid = [(0.06, -0.1, 0.008), (0.06, 0.1, 0.008), (0.105, 0.1, 0.135), (0.105, -0.1, 0.135)]
    screen = [(0.061, -0.088, 0.02), (0.061, 0.088, 0.02), (0.1, 0.088, 0.125), (0.1, -0.088, 0.125)]
    return [
        plate(keys, colour, depth="far", bias=-0.02),
        plate(lid, blend(colour, DARK, 0.3)),
        plate(screen, (120, 185, 235), bias=-0.003),
    ]


def car(colour: Colour) -> Parts:
    wheels = [rod(ring((x, -0.45, 0.17), 0.11), 0.12, DARK, bias=-0.3) for x in (-0.75, 0.75)]
    cabin = [
        plate(
            [(-0.65, -0.4, 0.45), (0.6, -0.4, 0.45), (0.35, -0.4, 0.8), (-0.45, -0.4, 0.8)],
            blend(colour, WHITE, 0.2),
            bias=-0.1,
        )
    ]
    windows = [
        plate(
            [(a, -0.41, 0.47), (b, -0.41, 0.47), (c, -0.41, 0.76), (d, -0.41, 0.76)],
            (95, 115, 130),
            bias=-0.15,
        )
        for a, b, c, d in ((-0.55, -0.05, -0.05, -0.4), (0.02, 0.5, 0.3, 0.02))
    ]
    return [*box((-1.2, -0.45, 0.14), (1.2, 0.45, 0.46), colour, depth="far"), *cabin, *windows, *wheels]


def plant() -> Parts:
    pot = hull([(0, 0, 0.04), (0, 0, 0.16)], [0.08, 0.11], (175, 95, 60))
    leaves = [
        hull(
            [(0, 0, 0.2), (0.22 * np.cos(a), 0.1 * np.sin(a), 0.5 + 0.12 * np.sin(3 * a))],
            [0.03, 0.055],
            (70, 130 + 10 * i, 70),
        )
        for i, a in enumerate(np.radians(range(0, 360, 50)))
    ]
    return [pot, *leaves]


def television() -> Parts:
    return [
        *box((-0.3, -0.1, 0.0), (0.3, 0.1, 0.25), WOOD),
        plate([(-0.32, 0, 0.28), (0.32, 0, 0.28), (0.32, 0, 0.66), (-0.32, 0, 0.66)], DARK, bias=-0.12),
        plate(
            [(-0.29, -0.01, 0.31), (0.29, -0.01, 0.31), (0.29, -0.01, 0.63), (-0.29, -0.01, 0.63)],
            (70, 100, 130),
            bias=-0.13,
        ),
    ]


def refrigerator() -> Parts:
    return [
        *box((-0.22, -0.2, 0.0), (0.22, 0.2, 1.0), (225, 228, 230), depth="far"),
        rod([(0.17, -0.21, 0.2), (0.17, -0.21, 0.55)], 0.02, METAL, bias=-0.4),
        rod([(-0.22, -0.21, 0.65), (0.22, -0.21, 0.65)], 0.012, METAL, bias=-0.4),
    ]


def clock() -> Parts:
    return [
        plate(ring((0, 0, 1.3), 0.11), (250, 250, 248)),
        rod(ring((0, -0.01, 1.3), 0.11), 0.02, DARK),
        rod([(0, -0.01, 1.38), (0, -0.01, 1.3), (0.05, -0.01, 1.28)], 0.012, DARK),
    ]
