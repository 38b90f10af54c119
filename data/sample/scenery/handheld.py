"""Things in the hand: the grip is the origin, the thing points up. Bags hang from it, food is held by it."""

import numpy as np

from scenery.canvas import Colour, blend
from scenery.shapes import DARK, METAL, WHITE, Parts, box, hull, plate, ring, rod


def racket(colour: Colour) -> Parts:
    head = ring((0, 0, 0), 1.0, "yz") * (1, 0.075, 0.1) + (0, 0, 0.28)
    strings = [rod([(0, y, 0.2), (0, y, 0.36)], 0.003, WHITE) for y in (-0.04, -0.013, 0.013, 0.04)]
    strings += [rod([(0, -0.065, z), (0, 0.065, z)], 0.003, WHITE) for z in (0.23, 0.28, 0.33)]
    return [*strings, rod(head, 0.018, colour), rod([(0, 0, -0.03), (0, 0, 0.18)], 0.022, DARK)]


def bat(colour: Colour) -> Parts:
    return [
        hull([(0, 0, -0.03), (0, 0, 0.2)], [0.012, 0.014], colour),
        hull([(0, 0, 0.2), (0, 0, 0.47)], [0.014, 0.024], colour),
    ]


def ball(radius: float, colour: Colour) -> Parts:
    return [
        hull([(0, 0, 0)], radius, colour),
        rod(ring((0, 0, 0), 0.7 * radius, "xz"), 0.16 * radius, blend(colour, DARK, 0.5), bias=-0.8 * radius),
    ]


def frisbee(colour: Colour) -> Parts:
    return [
        plate(ring((0, 0, 0), 0.085, "xy"), colour, depth="far"),
        plate(ring((0, 0, 0.006), 0.055, "xy"), blend(colour, WHITE, 0.4), depth="far", bias=-0.01),
    ]


def phone(colour: Colour = DARK) -> Parts:
    return [
        hull([(0, 0, -0.03), (0, 0, 0.045)], 0.021, colour, bias=-0.02),
        rod([(0.02, 0, -0.02), (0.02, 0, 0.04)], 0.022, (120, 190, 230), bias=-0.03),
    ]


def cup(colour: Colour) -> Parts:
    return [
        rod(ring((0.0, -0.035, 0.0), 0.022, "yz"), 0.009, colour),
        hull([(0, 0, -0.025), (0, 0, 0.03)], [0.025, 0.03], colour, bias=-0.01),
        rod([(0, -0.026, 0.04), (0, 0.026, 0.04)], 0.012, blend(colour, (90, 50, 20), 0.75), bias=-0.03),
    ]


def bottle(colour: Colour) -> Parts:
    return [
        hull([(0, 0, -0.05), (0, 0, 0.03)], 0.024, colour, bias=-0.01),
        hull([(0, 0, 0.05), (0, 0, 0.09)], [0.012, 0.011], blend(colour, WHITE, 0.3), bias=-0.01),
    ]


def wine_glass() -> Parts:
    pale = (205, 225, 232)
    return [
        rod([(0, 0, -0.06), (0, 0, 0.0)], 0.008, pale, bias=-0.01),
        rod([(0, -0.024, -0.06), (0, 0.024, -0.06)], 0.01, pale, bias=-0.01),
        hull([(0, 0, 0.03), (0, 0, 0.055)], [0.03, 0.026], (150, 30, 60), bias=-0.01),
        rod([(0, -0.024, 0.08), (0, 0.024, 0.08)], 0.008, pale, bias=-0.02),
    ]


def book(colour: Colour) -> Parts:
    def page(sign: float, out: float, grow: float) -> list:
        return [
            (out, 0, -0.055 - grow),
            (out + 0.03, sign * (0.1 + grow), -0.055 - grow),
            (out + 0.03, sign * (0.1 + grow), 0.075 + grow),
            (out, 0, 0.075 + grow),
        ]

    covers = [plate(page(sign, 0.012, 0.008), colour, bias=-0.002) for sign in (1, -1)]
    pages = [plate(page(sign, 0.0, 0.0), (248, 244, 228), bias=-0.02) for sign in (1, -1)]
    lines = [
        rod([(0.003, 0.015 * s, z), (0.02, 0.085 * s, z)], 0.005, (150, 150, 150), bias=-0.021)
        for s in (1, -1)
        for z in (0.05, 0.02, -0.01)
    ]
    return covers + pages + lines


def knife() -> Parts:
    return [
        rod([(-0.045, 0, 0.0), (0.02, 0, 0.0)], 0.02, DARK, bias=-0.02),
        hull([(0.02, 0, 0.0), (0.13, 0, -0.012)], [0.012, 0.004], (225, 230, 235), bias=-0.02),
    ]


def fork() -> Parts:
    return [
        rod([(0, 0, -0.06), (0, 0, 0.04)], 0.008, METAL, bias=-0.02),
        rod(
            [(0, -0.012, 0.07), (0, -0.012, 0.045), (0, 0.012, 0.045), (0, 0.012, 0.07)],
            0.006,
            METAL,
            bias=-0.02,
        ),
    ]


def umbrella(colour: Colour) -> Parts:
    spokes = [(0.3 * np.cos(a), 0.3 * np.sin(a), 0.42) for a in np.radians(range(0, 360, 45))]
    panels = [
        plate([(0, 0, 0.56), spokes[i], spokes[(i + 1) % 8]], colour if i % 2 else blend(colour, WHITE, 0.25))
        for i in range(8)
    ]
    return [rod([(0, 0, -0.06), (0, 0, 0.56)], 0.012, DARK), *panels]


def handbag(colour: Colour) -> Parts:
    return [
        rod(ring((0, 0, -0.07), 0.05, "xz"), 0.012, blend(colour, DARK, 0.4)),
        hull(
            [(-0.06, 0, -0.17), (0.06, 0, -0.17), (0.05, 0, -0.1), (-0.05, 0, -0.1)], 0.03, colour, bias=-0.01
        ),
    ]


def suitcase(colour: Colour) -> Parts:
    return [
        rod([(0, -0.03, -0.06), (0, -0.03, 0.0), (0, 0.03, 0.0), (0, 0.03, -0.06)], 0.012, DARK),
        *box((-0.1, -0.055, -0.36), (0.1, 0.055, -0.06), colour, bias=-0.01),
        rod([(-0.1, -0.058, -0.2), (0.1, -0.058, -0.2)], 0.012, blend(colour, DARK, 0.5), bias=-0.03),
    ]


def backpack(colour: Colour) -> Parts:
    return [
        hull(
            [(-0.03, -0.07, -0.11), (-0.03, 0.07, -0.11), (-0.02, 0.055, 0.09), (-0.02, -0.055, 0.09)],
            0.05,
            colour,
        ),
        hull([(-0.09, -0.04, -0.08), (-0.09, 0.04, -0.08)], 0.04, blend(colour, WHITE, 0.2), bias=-0.01),
    ]


def pizza() -> Parts:
    slice_ = [(0.0, -0.05, 0.0), (0.0, 0.05, 0.0), (0.11, 0.0, 0.01)]
    return [
        plate(slice_, (240, 195, 80), bias=-0.02),
        rod(slice_[:2], 0.026, (200, 140, 70), bias=-0.021),
        *(
            hull([p], 0.013, (200, 50, 35), bias=-0.025)
            for p in ((0.025, -0.02, 0.004), (0.03, 0.02, 0.004), (0.065, 0, 0.007))
        ),
    ]


def sandwich() -> Parts:
    return [
        hull([(0, -0.05, z), (0, 0.05, z)], 0.017, colour, bias=-0.02 - i / 1000)
        for i, (z, colour) in enumerate(
            ((-0.02, (215, 165, 95)), (0.0, (110, 175, 70)), (0.02, (225, 175, 105)))
        )
    ]


def hot_dog() -> Parts:
    return [
        hull([(0, -0.055, 0), (0, 0.055, 0)], 0.026, (225, 175, 100), bias=-0.02),
        hull([(0, -0.07, 0.012), (0, 0.07, 0.012)], 0.015, (175, 70, 40), bias=-0.03),
    ]


def donut() -> Parts:
    return [rod(ring((0, 0, 0), 0.032, "yz"), 0.034, (215, 120, 150), bias=-0.02)]


def banana() -> Parts:
    return [
        rod(
            [(0, -0.055, 0.03), (0, -0.03, 0.0), (0, 0.02, -0.01), (0, 0.06, 0.015)],
            0.03,
            (245, 215, 60),
            bias=-0.02,
        )
    ]


def apple() -> Parts:
    return [
        hull([(0, 0, 0)], 0.032, (205, 40, 45), bias=-0.02),
        rod([(0, 0, 0.025), (0, 0.008, 0.045)], 0.008, (90, 60, 30), bias=-0.021),
    ]


def cake() -> Parts:
    return [
        *box((-0.075, -0.075, 0.0), (0.075, 0.075, 0.07), (250, 225, 215), bias=-0.01),
        rod([(-0.075, -0.076, 0.035), (0.075, -0.076, 0.035)], 0.018, (215, 100, 120), bias=-0.03),
        *(
            hull([p], 0.014, (200, 30, 50), bias=-0.03)
            for p in ((-0.04, -0.04, 0.08), (0.04, -0.04, 0.08), (0.0, 0.04, 0.08))
        ),
    ]


def whole_pizza() -> Parts:
    tops = [(0.08 * np.cos(a), 0.08 * np.sin(a), 0.015) for a in np.radians(range(0, 360, 60))]
    return [
        plate(ring((0, 0, 0), 0.135, "xy"), (205, 145, 75), depth="far", bias=-0.01),
        plate(ring((0, 0, 0.006), 0.115, "xy"), (240, 200, 85), depth="far", bias=-0.02),
        *(hull([p], 0.016, (200, 50, 35), bias=-0.03) for p in tops),
    ]


def carrot() -> Parts:
    return [
        hull([(0, -0.08, 0.0), (0, 0.06, 0.0)], [0.008, 0.02], (240, 130, 40), bias=-0.02),
        rod([(0, 0.07, 0.0), (0, 0.11, 0.015)], 0.02, (70, 150, 60), bias=-0.02),
    ]
