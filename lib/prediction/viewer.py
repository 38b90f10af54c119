"""A view of predictions in a notebook: choose a model, an image, a person; see every verb's probability."""

import base64
from collections.abc import Mapping, Sequence
from html import escape
from io import BytesIO

import ipywidgets as widgets
import numpy as np
import pandas as pd
from PIL import Image

from lib.coco import load_image
from lib.figures.language import text
from lib.figures.predictions import true_verbs
from lib.figures.style import BLUE, COLOURS, ORANGE
from lib.prediction import ActionModel, ImageResult, Person
from lib.prediction.overlays import draw_overlay

SIDE = 460  # pixels of the picture's longer side
GREY = "#b0b0b0"
ONE_PLACE = "1 / 1 / 2 / 2"  # of a grid: whatever stands there lies on top of each other


class PredictionViewer(widgets.VBox):
    """Menus of models, images and people; the picture, whose boxes can be clicked; bars with thresholds.

    results  per model, by its name, one result per image, of the same images
    models   by the same names
    truth    booleans, one column a verb, by `image` and `person`, of those whose verbs are known

    Where no browser talks to a kernel, as in a printed report, the first image stands in its place.
    """

    def __init__(
        self,
        results: Mapping[str, Sequence[ImageResult]],
        models: Mapping[str, ActionModel],
        truth: pd.DataFrame,
        language: str = "en",
    ) -> None:
        self.results = {name: {result.image: result for result in its} for name, its in results.items()}
        self.models, self.truth, self.language = models, truth, language
        images = list(next(iter(self.results.values())))
        self.model = self._menu("model", list(self.results))
        self.image = self._menu("image", [(image.rpartition("/")[2], image) for image in images])
        self.person = widgets.ToggleButtons(style={"button_width": "auto"})
        self.picture, self.bars = widgets.GridBox(), widgets.HTML()
        self.model.observe(self._show_image, "value")
        self.image.observe(self._show_image, "value")
        self.person.observe(self._show_person, "value")
        self._show_image()
        menus = widgets.HBox([self.model, self.image])
        super().__init__([menus, self.person, widgets.HBox([self.picture, self.bars])])

    def _menu(self, label: str, options: list) -> widgets.Dropdown:
        layout = {"width": "auto", "min_width": "240px"}
        return widgets.Dropdown(options=options, description=text(label, self.language), layout=layout)

    @property
    def result(self) -> ImageResult:
        """The image that is chosen, with what the chosen model says of its people."""
        return self.results[self.model.value][self.image.value]

    def _pixels(self) -> np.ndarray:
        """Read the chosen image; a white one stands for an image that cannot be read."""
        if self.result.failure:
            return np.full((1, 1, 3), 255, np.uint8)
        return np.asarray(load_image(self.result.image))

    def _show_image(self, change: object = None) -> None:
        """Put the chosen image's picture, its people's boxes and their buttons in place."""
        people, before = self.result.people, self.person.value
        names = [person.person for person in people]
        self.person.options = names
        self.person.value = before if before in names else next(iter(names), None)
        pixels = self._pixels()
        scale = SIDE / max(pixels.shape[:2])
        size = [max(1, round(side * scale)) for side in pixels.shape[1::-1]]
        layout = {"width": f"{size[0]}px", "height": f"{size[1]}px", "grid_area": ONE_PLACE, "margin": "0"}
        picture = widgets.Image(value=_encode(Image.fromarray(pixels).resize(size), "jpeg"), layout=layout)
        by_size = sorted(enumerate(people), key=lambda row: -row[1].w * row[1].h)  # small boxes on top
        self.picture.children = [picture, *(self._box(number, person, scale) for number, person in by_size)]
        self._show_person()

    def _box(self, number: int, person: Person, scale: float) -> widgets.Button:
        """Return a person's box as a button that lies on the picture."""
        colour = COLOURS[number % len(COLOURS)]
        button = widgets.Button(
            tooltip=f"{person.person}: " + ", ".join(text(verb, self.language) for verb in person.verbs),
            style={"button_color": "transparent"},
            layout={
                "grid_area": ONE_PLACE,
                "align_self": "flex-start",
                "margin": f"{person.y * scale:.0f}px 0 0 {person.x * scale:.0f}px",
                "width": f"{person.w * scale:.0f}px",
                "height": f"{person.h * scale:.0f}px",
                "border": f"3px solid {colour}",
            },
        )
        button.person = person.person
        button.on_click(self._choose)
        return button

    def _choose(self, button: widgets.Button) -> None:
        self.person.value = button.person

    def _show_person(self, change: object = None) -> None:
        """Draw the bars of the chosen person."""
        chosen = [person for person in self.result.people if person.person == self.person.value]
        if not chosen:
            self.bars.value = escape(self.result.failure or text("nobody was found", self.language))
            return
        true = true_verbs(self.truth, self.result.image, chosen[0].person) or []
        thresholds = self.models[self.model.value].card.thresholds
        self.bars.value = draw_bars(chosen[0], thresholds, true, self.language)

    def _repr_mimebundle_(self, **options: object) -> dict[str, str]:
        picture = draw_overlay(self._pixels(), self.result.people, self.language)
        still = {"image/png": base64.b64encode(_encode(picture, "png")).decode()}
        return super()._repr_mimebundle_(**options) | still


def draw_bars(person: Person, thresholds: Mapping[str, float], true: Sequence[str], language: str) -> str:
    """Return HTML with a bar per verb, the most probable first; a line is the threshold, a dot the truth."""
    if person.probabilities is None:
        return escape(f"{person.person}: {person.failure}")
    score = "–" if person.score is None else f"{person.score:.2f}"
    rows = [f"<b>{escape(person.person)}</b> · {escape(text('pose score', language))} {score}"]
    for verb, probability in sorted(person.probabilities.items(), key=lambda item: -item[1]):
        named = verb in person.verbs
        colour = BLUE if named else GREY
        dot = f'<span style="color:{ORANGE}">●</span>' if verb in true else ""
        words = f"<b>{text(verb, language)}</b>" if named else text(verb, language)
        rows.append(
            f'<div style="display:flex;height:17px;line-height:17px" title="{100 * thresholds[verb]:.0f} %">'
            f'<div style="flex:none;width:10em;text-align:right;padding-right:6px">{dot} {words}</div>'
            f'<div style="width:180px;position:relative;background:#eeeeee;margin:2px 0">'
            f'<div style="width:{100 * probability:.1f}%;height:100%;background:{colour}"></div>'
            f'<div style="position:absolute;top:0;bottom:0;width:2px;background:black;'
            f'left:{100 * thresholds[verb]:.1f}%"></div></div>'
            f'<div style="flex:none;padding-left:6px">{100 * probability:.0f} %</div></div>'
        )
    return "\n".join(rows)


def _encode(picture: Image.Image, kind: str) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, kind)
    return buffer.getvalue()
