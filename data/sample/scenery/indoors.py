"""Rooms. Each paints its background and returns what stands about there."""

import numpy as np

from scenery.backdrop import Props, on_wall, polygon, room, window
from scenery.canvas import Canvas, blend
from scenery.furniture import clock, plant, refrigerator, television
from scenery.shapes import Thing, ring


def living_room(canvas: Canvas, rng: np.random.Generator) -> Props:
    """A room with a window, a picture, and perhaps a plant or a television."""
    depth = canvas.camera.back
    wall = ((215, 200, 180), (190, 205, 205), (225, 215, 195), (200, 190, 205))[rng.integers(4)]
    room(canvas, rng, wall, ((175, 125, 80), (150, 105, 70), (190, 160, 125))[rng.integers(3)], depth)
    window(canvas, rng, depth)
    on_wall(canvas, rng.uniform(0.4, 1.3), 0.85, 0.4, 0.3, depth, (120, 150, 160), (90, 65, 45))
    props = []
    if rng.random() < 0.5:
        props.append(
            (
                Thing("potted plant", plant()),
                (float(rng.choice([-1, 1]) * rng.uniform(1.3, 1.9)), depth - 0.3),
                0.0,
            )
        )
    if rng.random() < 0.4:
        props.append(
            (
                Thing("tv", television()),
                (float(rng.choice([-1, 1]) * rng.uniform(0.9, 1.4)), depth - 0.2),
                0.0,
            )
        )
    return props


def bedroom(canvas: Canvas, rng: np.random.Generator) -> Props:
    """A soft-coloured room with a window and a picture."""
    depth = canvas.camera.back
    wall = ((205, 190, 200), (190, 200, 215), (220, 210, 190))[rng.integers(3)]
    room(canvas, rng, wall, ((160, 130, 110), (185, 175, 165))[rng.integers(2)], depth, planks=False)
    window(canvas, rng, depth)
    return []


def kitchen(canvas: Canvas, rng: np.random.Generator) -> Props:
    """Cupboards, tiles and perhaps a refrigerator."""
    depth = canvas.camera.back
    room(
        canvas, rng, (228, 225, 212), ((195, 185, 170), (170, 165, 160))[rng.integers(2)], depth, planks=False
    )
    front = ((235, 235, 230), (150, 105, 70), (110, 140, 135))[rng.integers(3)]
    for x in np.arange(-3, 3, 0.45):
        on_wall(canvas, x + 0.02, 0.02, 0.4, 0.42, depth - 0.01, front, blend(front, (0, 0, 0), 0.2))
        on_wall(canvas, x + 0.02, 0.95, 0.4, 0.36, depth - 0.01, front, blend(front, (0, 0, 0), 0.2))
    on_wall(canvas, -3, 0.47, 6, 0.03, depth - 0.02, (90, 85, 85), (90, 85, 85))
    if rng.random() < 0.5:
        return [
            (
                Thing("refrigerator", refrigerator()),
                (float(rng.choice([-1, 1]) * rng.uniform(0.9, 1.5)), depth - 0.25),
                0.0,
            )
        ]
    return []


def office(canvas: Canvas, rng: np.random.Generator) -> Props:
    """A plain wall with a shelf and a clock."""
    depth = canvas.camera.back
    room(
        canvas, rng, ((215, 218, 220), (200, 210, 205))[rng.integers(2)], (135, 140, 150), depth, planks=False
    )
    x = rng.uniform(-1.6, 0.6)
    for z in (0.7, 1.0):
        for k in range(7):
            colour = tuple(int(c) for c in rng.integers(60, 210, 3))
            on_wall(
                canvas,
                x + 0.13 * k,
                z,
                0.1,
                rng.uniform(0.16, 0.24),
                depth - 0.01,
                colour,
                blend(colour, (0, 0, 0), 0.2),
            )
        on_wall(canvas, x - 0.05, z - 0.04, 1.05, 0.02, depth - 0.01, (120, 85, 55), (120, 85, 55))
    return [(Thing("clock", clock()), (rng.uniform(-1, 1), depth - 0.02), 0.0)]


def restaurant(canvas: Canvas, rng: np.random.Generator) -> Props:
    """A warm room with lamps and panelling."""
    depth = canvas.camera.back
    wall = ((180, 110, 80), (120, 135, 115), (200, 170, 120))[rng.integers(3)]
    room(canvas, rng, wall, (110, 75, 50), depth)
    on_wall(
        canvas,
        -5,
        0.0,
        10,
        0.5,
        depth - 0.01,
        blend(wall, (40, 20, 10), 0.45),
        blend(wall, (40, 20, 10), 0.6),
    )
    window(canvas, rng, depth)
    for x in (-1.2, 0.2, 1.5):
        polygon(canvas, ring((x, depth - 0.1, 1.35), 0.12), (255, 235, 180))
    return []
