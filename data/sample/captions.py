"""Captions for drawn scenes, as people write them: who, what they do, often with what, often where."""

from collections.abc import Sequence

import numpy as np
from scenery.scene import Instance, Scene

SUBJECTS = ("a person", "someone", "a man", "a woman", "a child", "a boy", "a girl")
FORMS = ("a photo of {}.", "a photo of {}.", "a cropped photo of {}.", "a picture of {}.", "{}.", "{}")
PLACES = {
    "field": ("on a field", "in a meadow"),
    "park": ("in a park", "on the grass"),
    "street": ("on a street", "in the city"),
    "beach": ("at the beach", "on the sand"),
    "sea": ("in the sea", "on the water", "on a wave"),
    "snow": ("in the snow", "on a snowy hill"),
    "skatepark": ("in a skatepark", "on a ramp"),
    "court": ("on a tennis court", "on a court"),
    "living_room": ("in a living room", "at home"),
    "kitchen": ("in a kitchen",),
    "office": ("in an office",),
    "restaurant": ("in a restaurant", "at a table"),
    "bedroom": ("in a bedroom", "at home"),
}
# What is said of a verb; {obj} and {instr} are its things with their article, or "something".
PHRASES = {
    "hold": ("holding {obj}", "with {obj} in the hand"),
    "stand": ("standing", "standing up"),
    "sit": ("sitting", "sitting on {instr}", "seated"),
    "ride": ("riding {instr}", "riding {instr}", "on the back of {instr}"),
    "walk": ("walking", "taking a walk"),
    "look": ("looking at {obj}", "looking at the camera"),
    "hit": ("hitting {obj}", "hitting {obj} with {instr}", "swinging {instr}"),
    "eat": ("eating {obj}", "eating {obj}", "having a meal"),
    "jump": ("jumping", "jumping in the air", "in the air"),
    "lay": ("lying down", "lying on {instr}", "laying down"),
    "talk_on_phone": ("talking on the phone", "on the phone", "talking on {instr}"),
    "carry": ("carrying {obj}",),
    "throw": ("throwing {obj}",),
    "catch": ("catching {obj}", "about to catch {obj}"),
    "cut": ("cutting {obj}", "cutting {obj} with {instr}", "using {instr}"),
    "run": ("running", "running fast"),
    "work_on_computer": ("working on a computer", "working on {instr}", "using {instr}"),
    "ski": ("skiing", "on {instr}"),
    "surf": ("surfing", "surfing on {instr}", "on {instr}"),
    "skateboard": ("skateboarding", "on {instr}", "doing a trick on {instr}"),
    "smile": ("smiling", "with a smile"),
    "drink": ("drinking", "drinking from {instr}", "having a drink"),
    "kick": ("kicking {obj}", "playing soccer"),
    "point": ("pointing at something", "pointing at {instr}"),
    "read": ("reading", "reading {obj}"),
    "snowboard": ("snowboarding", "on {instr}"),
}
PLURALS = ("skis", "scissors")


def person_caption(rng: np.random.Generator, scene: Scene, person: Instance) -> str:
    """Write a caption of one person: up to three of the verbs, in any order; the place in every second."""
    return _finish(rng, scene, _clause(rng, scene, person))


def scene_caption(rng: np.random.Generator, scene: Scene, people: Sequence[Instance]) -> str:
    """Write a caption of the whole image: up to two of its people."""
    shown = [people[i] for i in rng.permutation(len(people))[:2]]
    return _finish(rng, scene, " and ".join(_clause(rng, scene, person) for person in shown))


def _finish(rng: np.random.Generator, scene: Scene, text: str) -> str:
    if rng.random() < 0.5:
        text = f"{text} {rng.choice(PLACES[scene.place])}"
    return str(rng.choice(FORMS)).format(text)


def _clause(rng: np.random.Generator, scene: Scene, person: Instance) -> str:
    verbs = list(person.verbs)
    chosen = [verbs[i] for i in rng.permutation(len(verbs))[: rng.integers(1, 4)]]
    doing = " and ".join(_phrase(rng, scene, verb, person.verbs[verb]) for verb in chosen)
    return f"{rng.choice(SUBJECTS)} {doing}".strip()


def _phrase(rng: np.random.Generator, scene: Scene, verb: str, roles: dict[str, int]) -> str:
    things = {role: _thing(scene.instances[index].category) for role, index in roles.items()}
    if rng.random() < 0.25:
        things = {}
    obj, instr = things.get("obj", "something"), things.get("instr", "something")
    return str(rng.choice(PHRASES[verb])).format(obj=obj, instr=instr)


def _thing(category: str) -> str:
    if not category:
        return "something"
    if category in PLURALS:
        return category
    return f"{'an' if category[0] in 'aeiou' else 'a'} {category}"
