"""Name what people do in images of any kind: `python -m lib.predict photos/ --output predictions`.

Finds the people, draws them into pictures, and writes a row per person with the probability of every verb. An
interrupted run goes on where it was. Exit status: 0, all is well; 1, some images failed, or boxes name images
that are not given, and the others are done; 2, nothing was done: wrong arguments, or no saved model.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lib.profiles import DataError, Profile, load_profile

if TYPE_CHECKING:
    from lib.prediction import ImageResult

DRAWN = "sample"  # the bundled data, whose pictures are drawn
CAVEAT = (
    "This model has learnt from drawn pictures only: what it says of photographs means nothing. "
    "Let `make figures PROFILE=vcoco` train one on photographs, and give --profile vcoco."
)
SETTINGS = ("device", "precision", "language", "min_score")  # of `predict_images`, which has their defaults


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = parse(arguments)
    try:
        return run(options, load_profile(options.profile))
    except DataError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped; run again and it goes on.", file=sys.stderr)
        return 130


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; settings that are not given are absent."""
    parser = argparse.ArgumentParser(prog="python -m lib.predict", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("images", nargs="+", metavar="IMAGE", help="image files, or folders of them")
    add("--profile", default="sample", help="data set whose model and weights are used: name or folder")
    add("--model", default="", metavar="NAME", help="one of several models saved side by side")
    add(
        "--boxes",
        default="",
        metavar="FILE",
        help="CSV or JSON with image, x, y, w, h; else people are found",
    )
    add("--output", default="predictions", type=Path, help="folder of the results")
    parser.argument_default = argparse.SUPPRESS
    add("--device", help='"cpu" or "cuda"')
    add("--precision", choices=["float32", "auto", "bfloat16", "float16"], help="of the encoders")
    add("--language", choices=["en", "ja"], help="of the verbs in the pictures")
    add("--min-score", type=float, help="from 0 to 1: of a pose, so that it counts as a person")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace, profile: Profile) -> int:
    """Do what the command line says, report it, and return the exit status."""
    from lib import prediction  # takes seconds, which wrong arguments need not wait for
    from lib.coco import listing

    images = prediction.find_images(options.images, options.output)
    model = prediction.load_profile_model(profile, options.model)
    boxes = prediction.read_boxes(options.boxes) if options.boxes else None
    settings = {name: getattr(options, name) for name in SETTINGS if name in options}
    results = prediction.predict_images(images, profile, model, options.output, boxes=boxes, **settings)
    failures = report(results, options.output)
    if boxes is not None and (unknown := prediction.find_unknown(boxes, images)):
        failures.append(
            f"{options.boxes}: image: {listing(unknown)}: no such image is given, so its boxes are left out; "
            "write its file name or its path."
        )
    if model.card.trained_on.get("profile") == DRAWN:
        print(CAVEAT)
    for reason in failures:
        print(reason, file=sys.stderr)
    return 1 if failures else 0


def report(results: "Sequence[ImageResult]", output: Path) -> list[str]:
    """Say what was done, and return the reasons of what failed."""
    from lib.prediction import NO_POSE

    failures = [result.failure for result in results if result.failure]
    people = [person for result in results for person in result.people]
    without = sum(person.failure == NO_POSE for person in people)
    empty = sum(not result.people for result in results) - len(failures)
    done = f"{len(results) - len(failures)} images, {empty} of them without anybody; {len(people)} people"
    print(f"{done}: {output}")
    if without:
        print(f"{without} people have no prediction: {NO_POSE}.")
    return failures + [person.failure for person in people if person.failure not in (None, NO_POSE)]


if __name__ == "__main__":
    sys.exit(main())
