"""A picture with its people drawn in: boxes and skeletons in place, the verbs in lines below."""

from collections.abc import Sequence
from importlib.metadata import distribution
from pathlib import Path

import matplotlib as mpl
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from lib.coco import SKELETON
from lib.figures.language import text
from lib.figures.style import COLOURS
from lib.prediction.results import Person

SMALLEST, LARGEST = 720, 1600  # pixels of the longer side, so that lines of text fit below
MOST_ENLARGED, NARROWEST = 4, 480  # times; pixels of the lines' width, whatever the picture's
SHOWN = 0.2  # the confidence from which a joint is drawn


def draw_overlay(pixels: np.ndarray, people: Sequence[Person], language: str) -> Image.Image:
    """Draw people into an RGB image (h, w, 3), enlarged or reduced to 720 to 1,600 pixels.

    Each person has a colour and the number under which the tables name it.
    """
    scale = _scale(*pixels.shape[1::-1])
    size = [max(1, round(side * scale)) for side in pixels.shape[1::-1]]
    picture = Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS)
    font = load_font(language, max(14, round(0.02 * np.sqrt(np.prod(size)))))
    drawing = ImageDraw.Draw(picture)
    for number, person in enumerate(people):
        _draw_person(drawing, person, COLOURS[number % len(COLOURS)], scale, font)
    width = max(NARROWEST, picture.width)
    lines = [
        (line, COLOURS[number % len(COLOURS)])
        for number, person in enumerate(people)
        for line in _wrap(_describe(person, language), font, width - 2 * font.size)
    ]
    return _add_lines(picture, lines, font, width)


def _scale(width: int, height: int) -> float:
    longer = max(width, height)
    return min(MOST_ENLARGED, max(SMALLEST, min(LARGEST, longer)) / longer)


def load_font(language: str, size: int) -> ImageFont.FreeTypeFont:
    """Return the font of the figures, at a size in pixels."""
    if language == "ja":  # found, not imported: importing it changes matplotlib's settings
        file = distribution("matplotlib-fontja").locate_file("matplotlib_fontja/fonts/ipaexg.ttf")
        return ImageFont.truetype(str(file), size)
    return ImageFont.truetype(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size)


def _draw_person(
    drawing: ImageDraw.ImageDraw, person: Person, colour: str, scale: float, font: ImageFont.FreeTypeFont
) -> None:
    thick = max(3, int(font.size // 5))
    left, top = person.x * scale, person.y * scale
    right, bottom = left + person.w * scale, top + person.h * scale
    drawing.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline="white", width=thick + 2)
    drawing.rectangle((left, top, right, bottom), outline=colour, width=thick)
    joints = np.array(person.keypoints if person.keypoints else np.zeros((17, 3)))
    seen, points = joints[:, 2] >= SHOWN, joints[:, :2] * scale
    for line, width in (("white", thick + 2), (colour, thick)):
        for start, end in SKELETON:
            if seen[start] and seen[end]:
                drawing.line([*points[start], *points[end]], fill=line, width=width)
    for x, y in points[seen]:
        drawing.circle((x, y), thick, fill="white", outline=colour, width=2)
    _draw_tag(drawing, (left, top), person.person, colour, font)


def _draw_tag(
    drawing: ImageDraw.ImageDraw,
    corner: tuple[float, float],
    words: str,
    colour: str,
    font: ImageFont.FreeTypeFont,
) -> None:
    """Write on colour above a box's left upper corner, or inside where the image ends."""
    height = round(1.4 * font.size)
    left, top = max(0, corner[0]), max(0, corner[1] - height)
    drawing.rectangle((left, top, left + font.getlength(words) + font.size // 2, top + height), fill=colour)
    drawing.text((left + font.size // 4, top + font.size // 8), words, fill="white", font=font)


def _describe(person: Person, language: str) -> list[str]:
    """Say who a person is and which verbs are named, the most probable first, in words to put on a line."""
    if person.failure:
        return [f"{person.person}:", *person.failure.split()]
    verbs = [f"{text(verb, language)} {100 * p:.0f} %" for verb, p in person.ranked_verbs().items()]
    return [f"{person.person}:", *(verbs or [text("no verb above its threshold", language)])]


def _wrap(words: list[str], font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    """Put words into as few lines as hold them; one that is wider than a line has its own."""
    lines = [words[0]]
    for word in words[1:]:
        longer = f"{lines[-1]}  {word}"
        if font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _add_lines(
    picture: Image.Image, lines: list[tuple[str, str]], font: ImageFont.FreeTypeFont, width: int
) -> Image.Image:
    """Put coloured lines of text below a picture, on a page of a width."""
    step = round(1.5 * font.size)
    whole = Image.new("RGB", (width, picture.height + step * len(lines)), "white")
    whole.paste(picture)
    drawing = ImageDraw.Draw(whole)
    for number, (line, colour) in enumerate(lines):
        drawing.text(
            (font.size, picture.height + step * number + font.size // 4), line, fill=colour, font=font
        )
    return whole
