"""Places under the sky. Each paints its background and returns what stands about there."""

import numpy as np

from scenery.backdrop import Props, ground_line, hills, on_wall, polygon, rows, sky, speckle, trees
from scenery.canvas import Canvas, blend
from scenery.furniture import car
from scenery.shapes import Thing


def sea(canvas: Canvas, rng: np.random.Generator) -> Props:
    """Open water with waves; a white crest runs behind the surfers."""
    sky(canvas, rng)
    water = ((50, 115, 150), (40, 130, 160), (60, 140, 150))[rng.integers(3)]
    rows(
        canvas,
        canvas.camera.horizon,
        canvas.camera.height_px,
        (blend(water, (255, 255, 255), 0.25), blend(water, (0, 20, 60), 0.25)),
    )
    speckle(canvas, rng, water, 260, 0.16)
    crest = np.linspace(-9, 9, 60)
    y, tall = rng.uniform(4.5, 7), rng.uniform(0.25, 0.7)
    wave = tall * (1 + 0.25 * np.sin(crest * 2 + rng.uniform(0, 6)) + 0.1 * np.sin(crest * 7))
    top = np.column_stack([crest, np.full(60, y), wave])
    polygon(canvas, np.vstack([top, [(9, y, 0), (-9, y, 0)]]), blend(water, (255, 255, 255), 0.12))
    foam = np.vstack([top, (top - (0, 0, 0.16))[::-1] + (0, 0, 0.05) * np.sin(crest * 5)[:, None]])
    polygon(canvas, foam, (242, 248, 250))
    return []


def beach(canvas: Canvas, rng: np.random.Generator) -> Props:
    """Sand in front of a strip of sea."""
    sky(canvas, rng)
    horizon, bottom = canvas.camera.horizon, canvas.camera.height_px
    shore = horizon + rng.uniform(0.1, 0.22) * (bottom - horizon)
    rows(canvas, horizon, shore, ((60, 125, 165), (120, 185, 195)))
    rows(canvas, shore - 1, shore + 3, ((240, 248, 248), (235, 225, 200)))
    rows(canvas, shore + 2, bottom, ((225, 205, 160), (236, 215, 170)))
    speckle(canvas, rng, (225, 205, 165), 200, 0.07)
    return []


def snow(canvas: Canvas, rng: np.random.Generator) -> Props:
    """A slope below mountains."""
    sky(canvas, rng, 3)
    hills(canvas, rng, (185, 200, 220), 2.6)
    hills(canvas, rng, (222, 230, 240), 1.2)
    rows(canvas, canvas.camera.horizon, canvas.camera.height_px, ((228, 234, 243), (248, 250, 253)))
    trees(canvas, rng, rng.integers(2, 9), (50, 90, 70), conifer=True)
    speckle(canvas, rng, (225, 232, 243), 140, 0.22)
    return []


def court(canvas: Canvas, rng: np.random.Generator) -> Props:
    """A tennis court with lines, a net and a wall behind."""
    ground = ((60, 110, 160), (70, 140, 95), (190, 105, 70))[rng.integers(3)]
    sky(canvas, rng)
    rows(canvas, canvas.camera.horizon, canvas.camera.height_px, (blend(ground, (0, 0, 0), 0.15), ground))
    polygon(canvas, [(-30, 16, 0), (30, 16, 0), (30, 16, 1.9), (-30, 16, 1.9)], (45, 85, 65))
    shift = rng.uniform(-1.5, 1.5)
    for x in (-4.5, -3.2, 0, 3.2, 4.5):
        ground_line(canvas, (x + shift, 14), (x + shift, 0.4), 0.05, (240, 240, 240))
    for y in (2.4, 6.5, 13):
        ground_line(canvas, (-9, y), (9, y), 0.06, (240, 240, 240))
    for z in (0.05, 0.15, 0.25, 0.35, 0.45):
        polygon(canvas, [(-9, 9, z), (9, 9, z), (9, 9, z + 0.03), (-9, 9, z + 0.03)], (60, 65, 70))
    polygon(canvas, [(-9, 9, 0.5), (9, 9, 0.5), (9, 9, 0.57), (-9, 9, 0.57)], (245, 245, 245))
    return []


def field(canvas: Canvas, rng: np.random.Generator) -> Props:
    """Mown grass for ball games, trees behind."""
    sky(canvas, rng)
    grass = ((105, 160, 70), (90, 145, 65), (125, 165, 80))[rng.integers(3)]
    hills(canvas, rng, (95, 135, 95), 0.6)
    rows(canvas, canvas.camera.horizon, canvas.camera.height_px, (blend(grass, (255, 255, 255), 0.12), grass))
    for i, y in enumerate(np.geomspace(0.8, 24, 12)):
        if i % 2:
            polygon(
                canvas,
                [(-30, y, 0), (30, y, 0), (30, y * 1.33, 0), (-30, y * 1.33, 0)],
                blend(grass, (255, 255, 255), 0.08),
            )
    trees(canvas, rng, rng.integers(3, 9), (70, 120, 60))
    speckle(canvas, rng, grass, 160, 0.06)
    if rng.random() < 0.5:
        ground_line(canvas, (-12, 5.0), (12, 5.0), 0.08, (245, 245, 245))
    return []


def park(canvas: Canvas, rng: np.random.Generator) -> Props:
    """Rough grass with a path and many trees."""
    sky(canvas, rng)
    grass = ((120, 155, 85), (140, 160, 85), (100, 140, 80))[rng.integers(3)]
    rows(canvas, canvas.camera.horizon, canvas.camera.height_px, (blend(grass, (255, 255, 255), 0.15), grass))
    x = rng.uniform(-1, 1)
    polygon(canvas, [(x + 4, 30, 0), (x + 5, 30, 0), (x + 1.4, 0.4, 0), (x - 1.4, 0.4, 0)], (205, 190, 160))
    trees(canvas, rng, rng.integers(7, 14), (75, 115, 55))
    speckle(canvas, rng, grass, 220, 0.07)
    return []


def street(canvas: Canvas, rng: np.random.Generator) -> Props:
    """A pavement before houses with windows; cars may stand there."""
    sky(canvas, rng)
    rows(canvas, canvas.camera.horizon, canvas.camera.height_px, ((120, 120, 125), (150, 148, 145)))
    x = -9.0
    while x < 9:
        wide, tall = rng.uniform(1.6, 2.8), rng.uniform(2.4, 5)
        wall = ((190, 120, 95), (215, 195, 160), (165, 170, 175), (205, 175, 150), (140, 105, 95))[
            rng.integers(5)
        ]
        polygon(canvas, [(x, 10, 0), (x + wide, 10, 0), (x + wide, 10, tall), (x, 10, tall)], wall)
        for wz in np.arange(0.5, tall - 0.4, 0.75):
            for wx in np.arange(0.2, wide - 0.3, 0.55):
                on_wall(
                    canvas, x + wx, wz, 0.28, 0.42, 9.99, (85, 105, 125), blend(wall, (255, 255, 255), 0.4)
                )
        x += wide
    polygon(canvas, [(-30, 9.9, 0), (30, 9.9, 0), (30, 7.5, 0), (-30, 7.5, 0)], (185, 183, 178))
    for dash in np.arange(-8, 8, 1.4):
        ground_line(canvas, (dash, 5.4), (dash + 0.7, 5.4), 0.07, (235, 232, 220))
    polygon(canvas, [(-30, 3.6, 0), (30, 3.6, 0), (30, 0.4, 0), (-30, 0.4, 0)], (178, 176, 172))
    for joint in np.arange(-5, 5, 0.8):
        ground_line(canvas, (joint, 3.6), (joint, 0.4), 0.02, (160, 158, 155))
    props = []
    for _ in range(rng.integers(3)):
        colour = ((190, 40, 40), (40, 70, 130), (225, 225, 225), (60, 65, 70))[rng.integers(4)]
        props.append((Thing("car", car(colour)), (rng.uniform(-4, 4), 6.8), float(rng.choice([0, 180]))))
    return props


def skatepark(canvas: Canvas, rng: np.random.Generator) -> Props:
    """Concrete with a ramp."""
    sky(canvas, rng)
    rows(canvas, canvas.camera.horizon, canvas.camera.height_px, ((175, 175, 178), (200, 199, 196)))
    trees(canvas, rng, rng.integers(2, 7), (80, 120, 65))
    side = rng.choice([-1, 1])
    t = np.linspace(0, np.pi / 2, 12)
    curve = np.column_stack([side * (2.2 + 1.6 * np.sin(t)), np.full(12, 7.0), 1.3 * (1 - np.cos(t))])
    polygon(canvas, np.vstack([curve, [(side * 9, 7, 1.3), (side * 9, 7, 0)]]), (150, 152, 158))
    speckle(canvas, rng, (190, 190, 190), 110, 0.12)
    return []
