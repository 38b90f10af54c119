"""A painter with a pinhole camera: 3-D parts, sorted by depth, drawn into a picture and an instance map.

World units are body heights of an adult (1.0 = 1.75 m). World axes: x right, y away from the camera, z up.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np

SUPERSAMPLING = 3  # drawn at three times the size, then averaged: smooth edges
GROUPS = 8  # parts of one instance that are outlined against each other (head, torso, each limb)
ANGLES = np.linspace(0, 2 * np.pi, 24, endpoint=False)
CIRCLE = np.stack(
    [np.cos(np.linspace(0, 2 * np.pi, 24, False)), np.sin(np.linspace(0, 2 * np.pi, 24, False))], 1
)

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Camera:
    """A camera that looks horizontally: `horizon` and `centre` in pixels, `height` in body heights.

    `back` is the distance of what closes the view: the wall of a room, houses.
    """

    width: int
    height_px: int
    focal: float
    centre: float
    horizon: float
    height: float
    back: float

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Project (n, 3) world points to (n, 2) pixels, and give the (n,) pixels per world unit there."""
        scale = self.focal / np.maximum(points[:, 1], 0.15)
        x = self.centre + points[:, 0] * scale
        y = self.horizon - (points[:, 2] - self.height) * scale
        return np.stack([x, y], axis=1), scale


@dataclass(frozen=True)
class Part:
    """One surface: the hull of balls (`radii`), a polygon (no radii), or a line (`width`).

    `owner` is the instance it belongs to, `group` separates limbs of one instance. `anchor` (its own points
    unless given) and `depth` ("mean", or "far" for flat tops on which other things rest) sort the part.
    """

    points: np.ndarray
    colour: Colour
    radii: tuple[float, ...] = ()
    width: float = 0.0
    owner: int = 0
    group: int = 0
    depth: str = "mean"
    bias: float = 0.0
    anchor: np.ndarray | None = None

    def key(self) -> float:
        """Return the depth by which parts are sorted, far first."""
        depths = (self.points if self.anchor is None else self.anchor)[:, 1]
        return (depths.max() if self.depth == "far" else depths.mean()) + self.bias


@dataclass
class Canvas:
    """A picture (height, width, 3) RGB and the map of which instance and group is on top (-1: nobody)."""

    camera: Camera
    picture: np.ndarray = field(init=False)
    owners: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        shape = (self.camera.height_px * SUPERSAMPLING, self.camera.width * SUPERSAMPLING)
        self.picture = np.full((*shape, 3), 255, np.uint8)
        self.owners = np.full(shape, -1, np.int32)

    def draw(self, parts: list[Part]) -> None:
        """Paint parts from far to near; parts behind the camera are left out."""
        for part in sorted(parts, key=Part.key, reverse=True):
            if part.points[:, 1].max() < 0.2:
                continue
            pixels, scale = self.camera.project(part.points)
            pixels, scale = pixels * SUPERSAMPLING, scale * SUPERSAMPLING
            if part.radii:
                self._hull(part, pixels, np.array(part.radii) * scale)
            elif part.width:
                self._line(part, pixels, part.width * scale.mean())
            else:
                self._fill(pixels, part)

    def finish(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Outline the parts, scale down, add light and grain; return the picture and the instance map."""
        picture = self.picture.astype(np.uint16)
        edge = np.zeros(self.owners.shape, np.uint8)
        edge[1:] |= self.owners[1:] != self.owners[:-1]
        edge[:, 1:] |= self.owners[:, 1:] != self.owners[:, :-1]
        edge = cv2.dilate(edge, np.ones((2, 2), np.uint8)).astype(bool)
        picture[edge] = picture[edge] * 9 // 20
        size = self.camera.width, self.camera.height_px
        small = cv2.resize(picture.astype(np.uint8), size, interpolation=cv2.INTER_AREA).astype(np.float32)
        small = small * rng.uniform(0.86, 1.1) + rng.normal(0, 1.0, (*small.shape[:2], 1))
        small *= 1 + rng.uniform(-0.05, 0.05, 3)  # white balance
        middle = SUPERSAMPLING // 2
        owners = self.owners[middle::SUPERSAMPLING, middle::SUPERSAMPLING]
        return np.clip(small, 0, 255).astype(np.uint8), owners

    def _hull(self, part: Part, pixels: np.ndarray, radii: np.ndarray) -> None:
        rim = pixels[:, None] + CIRCLE * np.maximum(radii, 0.6 * SUPERSAMPLING)[:, None, None]
        self._fill(cv2.convexHull(rim.reshape(-1, 2).astype(np.float32))[:, 0], part)
        if radii.max() > 2.5 * SUPERSAMPLING:  # a lit side, up and left, where it would be seen
            lit = pixels[:, None] - radii[:, None, None] * (0.26, 0.3) + CIRCLE * (0.6 * radii)[:, None, None]
            hull = cv2.convexHull(lit.reshape(-1, 2).astype(np.float32))[:, 0]
            cv2.fillPoly(
                self.picture, [np.round(hull).astype(np.int32)], blend(part.colour, (255, 255, 250), 0.13)
            )

    def _fill(self, pixels: np.ndarray, part: Part) -> None:
        polygon = [np.round(pixels).astype(np.int32)]
        cv2.fillPoly(self.picture, polygon, part.colour)
        cv2.fillPoly(self.owners, polygon, part.owner * GROUPS + part.group)

    def _line(self, part: Part, pixels: np.ndarray, width: float) -> None:
        thickness = max(SUPERSAMPLING - 1, round(width))
        line = [np.round(pixels).astype(np.int32)]
        cv2.polylines(self.picture, line, False, part.colour, thickness)
        cv2.polylines(self.owners, line, False, part.owner * GROUPS + part.group, thickness)


def blend(a: Colour, b: Colour, share: float) -> Colour:
    """Mix `share` of colour b into colour a."""
    return tuple(round(x * (1 - share) + y * share) for x, y in zip(a, b, strict=True))
