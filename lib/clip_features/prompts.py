"""What CLIP is asked about a verb: V-COCO's 26 in plain English, in sentences of several forms."""

# V-COCO's verb: what a caption would say. The labels alone mislead: "lay" is a person lying, and most verbs
# with an object need one to be told from another sense ("hit", "point", "look").
PHRASES = {
    "hold": "holding something",
    "stand": "standing",
    "sit": "sitting",
    "ride": "riding",
    "walk": "walking",
    "look": "looking at something",
    "hit": "hitting something",
    "eat": "eating",
    "jump": "jumping",
    "lay": "lying down",
    "talk_on_phone": "talking on the phone",
    "carry": "carrying something",
    "throw": "throwing something",
    "catch": "catching something",
    "cut": "cutting something",
    "run": "running",
    "work_on_computer": "working on a computer",
    "ski": "skiing",
    "surf": "surfing",
    "skateboard": "skateboarding",
    "smile": "smiling",
    "drink": "drinking",
    "kick": "kicking something",
    "point": "pointing at something",
    "read": "reading",
    "snowboard": "snowboarding",
}

# Radford et al. (2021, section 3.1.4) found that the mean over several sentences beats any single one.
TEMPLATES = (
    "a photo of a person {}.",
    "a photo of someone {}.",
    "a photo of a man {}.",
    "a photo of a woman {}.",
    "a photo of a child {}.",
    "a cropped photo of a person {}.",
    "a person {}.",
)


def prompts_for(verb: str) -> list[str]:
    """Return one prompt per template; a verb that is not V-COCO's is put in with spaces for underscores."""
    phrase = PHRASES.get(verb, verb.replace("_", " "))
    return [template.format(phrase) for template in TEMPLATES]
