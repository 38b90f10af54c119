"""Painting backgrounds: sky, ground, trees and walls, in the perspective of the scene's camera."""

import cv2
import numpy as np

from scenery.canvas import SUPERSAMPLING, Canvas, Colour, blend
from scenery.shapes import Thing, ring

SKIES = ((135, 190, 235), (165, 205, 235), (205, 215, 225), (240, 190, 150))
FAR = 60.0  # where the ground meets the horizon, in body heights

Props = list[tuple[Thing, tuple[float, float], float]]  # thing, place on the ground (x, y), yaw


def rows(canvas: Canvas, top: float, bottom: float, colours: tuple[Colour, Colour]) -> None:
    """Fill rows from `top` to `bottom` (pixels of the small picture) with a vertical gradient."""
    height = canvas.picture.shape[0]
    low, high = (int(np.clip(row * SUPERSAMPLING, 0, height)) for row in (top, bottom))
    if high > low:
        mix = np.linspace(0, 1, high - low)[:, None, None]
        canvas.picture[low:high] = (1 - mix) * np.array(colours[0]) + mix * np.array(colours[1])


def polygon(canvas: Canvas, points: np.ndarray, colour: Colour) -> None:
    """Fill a polygon given in world coordinates, in front of the camera."""
    pixels, _ = canvas.camera.project(np.asarray(points, dtype=float))
    pixels = np.clip(pixels * SUPERSAMPLING, -20000, 20000)
    cv2.fillPoly(canvas.picture, [np.round(pixels).astype(np.int32)], colour)


def ground_line(canvas: Canvas, start, end, width: float, colour: Colour) -> None:
    (x0, y0), (x1, y1) = start, end
    across = np.array([y1 - y0, x0 - x1]) / np.hypot(x1 - x0, y1 - y0) * width / 2
    corners = [
        (x0 - across[0], y0 - across[1]),
        (x1 - across[0], y1 - across[1]),
        (x1 + across[0], y1 + across[1]),
        (x0 + across[0], y0 + across[1]),
    ]
    polygon(canvas, [(x, max(y, 0.3), 0.0) for x, y in corners], colour)


def speckle(
    canvas: Canvas, rng: np.random.Generator, colour: Colour, count: int, size: float, far: float = 14
) -> None:
    """Scatter strokes over the ground, denser and smaller with distance."""
    y = 1.0 + far * rng.random(count) ** 1.6
    x = rng.uniform(-1, 1, count) * y * 0.7
    for px, py in zip(x, y, strict=True):
        shade = blend(colour, (255, 255, 255) if rng.random() < 0.5 else (0, 0, 0), rng.uniform(0.03, 0.16))
        half = size * rng.uniform(0.5, 1.5)
        polygon(
            canvas,
            [
                (px - half, py - half / 3, 0),
                (px + half, py - half / 3, 0),
                (px + half, py + half / 3, 0),
                (px - half, py + half / 3, 0),
            ],
            shade,
        )


def sky(canvas: Canvas, rng: np.random.Generator, clouds: int = 4) -> None:
    top = SKIES[rng.integers(len(SKIES))]
    horizon = canvas.camera.horizon
    rows(canvas, 0, horizon + 1, (top, blend(top, (255, 255, 255), 0.55)))
    for _ in range(rng.integers(clouds + 1)):
        x, y = rng.uniform(0, canvas.camera.width), rng.uniform(0, max(4.0, horizon * 0.6))
        for _ in range(5):
            centre = ((x + rng.normal(0, 14)) * SUPERSAMPLING, (y + rng.normal(0, 2.5)) * SUPERSAMPLING)
            axes = (int(rng.uniform(8, 20) * SUPERSAMPLING), int(rng.uniform(3, 7) * SUPERSAMPLING))
            cv2.ellipse(
                canvas.picture,
                (int(centre[0]), int(centre[1])),
                axes,
                0,
                0,
                360,
                blend(top, (255, 255, 255), 0.75),
                -1,
            )


def hills(canvas: Canvas, rng: np.random.Generator, colour: Colour, height: float) -> None:
    x = np.linspace(-30, 30, 40)
    ridge = height * (
        1.2 + np.sin(x / rng.uniform(3, 6) + rng.uniform(0, 6)) + 0.5 * np.sin(x * rng.uniform(0.5, 0.9))
    )
    points = np.column_stack([x, np.full(40, 30.0), canvas.camera.height + np.maximum(ridge, 0.1)])
    floor = [(30, 30, canvas.camera.height - 1), (-30, 30, canvas.camera.height - 1)]
    polygon(canvas, np.vstack([points, floor]), colour)


def trees(
    canvas: Canvas, rng: np.random.Generator, count: int, colour: Colour, conifer: bool = False
) -> None:
    for y in sorted(rng.uniform(8, 18, count), reverse=True):
        x, tall = rng.uniform(-0.6, 0.6) * y, rng.uniform(2.0, 3.4)
        leaf = blend(colour, (0, 0, 0), rng.uniform(0, 0.3))
        polygon(
            canvas,
            [(x - 0.1, y, 0), (x + 0.1, y, 0), (x + 0.1, y, tall / 2), (x - 0.1, y, tall / 2)],
            (95, 70, 50),
        )
        if conifer:
            for k in range(3):
                low, half = tall * (0.2 + 0.25 * k), 0.75 - 0.18 * k
                polygon(canvas, [(x - half, y, low), (x + half, y, low), (x, y, low + 0.4 * tall)], leaf)
        else:
            for dx, dz, r in ((0, 0.75, 0.8), (-0.5, 0.55, 0.6), (0.5, 0.55, 0.6)):
                ball = ring((x + dx, y, tall * dz), r)
                polygon(canvas, ball, blend(leaf, (255, 255, 255), 0.06 * rng.random()))


def room(
    canvas: Canvas, rng: np.random.Generator, wall: Colour, floor: Colour, depth: float, planks: bool = True
) -> None:
    """Paint a room: a back wall at `depth`, a skirting board, a floor in perspective."""
    camera = canvas.camera
    foot = camera.horizon + camera.height * camera.focal / depth
    rows(canvas, 0, foot, (blend(wall, (255, 255, 255), 0.12), wall))
    rows(canvas, foot, camera.height_px, (blend(floor, (0, 0, 0), 0.15), floor))
    polygon(
        canvas,
        [(-9, depth, 0), (9, depth, 0), (9, depth, 0.06), (-9, depth, 0.06)],
        blend(wall, (255, 255, 255), 0.6),
    )
    if planks:
        for x in np.arange(-6, 6, 0.35):
            ground_line(canvas, (x, depth), (x, 0.35), 0.012, blend(floor, (0, 0, 0), 0.22))


def on_wall(
    canvas: Canvas, x: float, z: float, w: float, h: float, depth: float, colour: Colour, frame: Colour
) -> None:
    for grow, fill in ((0.05, frame), (0.0, colour)):
        corners = [
            (x - grow, z - grow),
            (x + w + grow, z - grow),
            (x + w + grow, z + h + grow),
            (x - grow, z + h + grow),
        ]
        polygon(canvas, [(a, depth, b) for a, b in corners], fill)


def window(canvas: Canvas, rng: np.random.Generator, depth: float) -> None:
    x = rng.uniform(-0.45, -0.15) * depth
    on_wall(canvas, x, 0.75, 0.8, 0.65, depth, SKIES[rng.integers(3)], (250, 250, 248))
    on_wall(canvas, x + 0.39, 0.75, 0.01, 0.65, depth, (250, 250, 248), (250, 250, 248))
