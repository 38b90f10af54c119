"""The shapes that things are made of, and how things are put in their place.

A thing is drawn around its own origin, x forward, y left, z up, in body heights (its real length divided by
1.75 m); `moved` puts it where it belongs.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from scenery.body import rotation
from scenery.canvas import CIRCLE, Colour, Part, blend

METAL, WOOD, DARK, WHITE = (170, 175, 180), (165, 110, 65), (45, 45, 50), (245, 245, 242)
Parts = list[Part]


@dataclass(frozen=True)
class Thing:
    """Parts in a person's own axes with their COCO category; None for what COCO does not annotate."""

    category: str | None
    parts: Parts


def moved(parts: Iterable[Part], to=(0, 0, 0), yaw=0.0, pitch=0.0, roll=0.0, size=1.0) -> Parts:
    """Scale, turn and move parts; radii and widths scale along."""
    axes, origin = rotation(yaw, pitch, roll), np.asarray(to, dtype=float)
    return [
        replace(
            part,
            points=origin + size * part.points @ axes.T,
            radii=tuple(size * radius for radius in part.radii),
            width=size * part.width,
            bias=size * part.bias,
            anchor=None if part.anchor is None else origin + size * part.anchor @ axes.T,
        )
        for part in parts
    ]


def hull(points, radii, colour: Colour, **kinds) -> Part:
    """Return the convex hull of balls; one radius serves all."""
    points = np.array(points, dtype=float)
    radii = (radii,) * len(points) if np.isscalar(radii) else tuple(radii)
    return Part(points, colour, radii, **kinds)


def plate(points, colour: Colour, **kinds) -> Part:
    """Return a flat polygon."""
    return Part(np.array(points, dtype=float), colour, **kinds)


def rod(points, width: float, colour: Colour, **kinds) -> Part:
    """Return a line of a given width."""
    return Part(np.array(points, dtype=float), colour, width=width, **kinds)


def ring(centre, radius: float, plane: str = "xz") -> np.ndarray:
    """Return points of a closed circle in one of the planes xy, xz, yz."""
    points = np.zeros((len(CIRCLE) + 1, 3))
    closed = radius * np.vstack([CIRCLE, CIRCLE[:1]])
    points[:, ["xyz".index(plane[0]), "xyz".index(plane[1])]] = closed
    return points + centre


def box(low, high, colour: Colour, **kinds) -> Parts:
    """Return the six sides of a cuboid, each a little different in brightness."""
    (x0, y0, z0), (x1, y1, z1) = low, high
    sides = {
        0.0: [(x0, y0, z1), (x1, y0, z1), (x1, y1, z1), (x0, y1, z1)],
        0.14: [(x1, y0, z0), (x1, y1, z0), (x1, y1, z1), (x1, y0, z1)],
        0.15: [(x0, y0, z0), (x0, y1, z0), (x0, y1, z1), (x0, y0, z1)],
        0.24: [(x0, y0, z0), (x1, y0, z0), (x1, y0, z1), (x0, y0, z1)],
        0.25: [(x0, y1, z0), (x1, y1, z0), (x1, y1, z1), (x0, y1, z1)],
    }
    return [plate(points, blend(colour, (0, 0, 0), shade), **kinds) for shade, points in sides.items()]
