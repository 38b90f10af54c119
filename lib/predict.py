"""Name what people do in images of any kind: `python -m lib.predict photos/ --output predictions`.

Finds the people, draws them into pictures, and writes a row per person with the probability of every verb. An
interrupted run goes on where it was. Exit status: 0, all is well; 1, some images failed and the others are
done; 2, nothing was done: wrong arguments, or no saved model.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from lib import prediction
from lib.prediction import ImageResult
from lib.prediction.people import MIN_SCORE
from lib.prediction.runs import NO_POSE
from lib.profiles import DataError, load_profile


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = parse(arguments)
    try:
        profile, output = load_profile(options.profile), Path(options.output)
        results = prediction.predict_images(
            prediction.find_images(options.images, output),
            profile,
            prediction.load_profile_model(profile, options.model),
            output,
            boxes=prediction.read_boxes(options.boxes) if options.boxes else None,
            device=options.device,
            precision=options.precision,
            language=options.language,
            min_score=options.min_score,
        )
    except DataError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{error.filename}: cannot be written ({error.strerror}).", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped; run again and it goes on.", file=sys.stderr)
        return 130
    return report(results, output)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m lib.predict", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("images", nargs="+", metavar="IMAGE", help="image files, or folders of them")
    add("--profile", default="sample", help="name or folder of the data set whose model and weights are used")
    add("--model", default="", metavar="NAME", help="one of several models saved side by side")
    add(
        "--boxes",
        metavar="FILE",
        help="CSV or JSON with image, x, y, w, h in pixels; otherwise people are found",
    )
    add("--output", default="predictions", help="folder of the results")
    add("--device", default="cpu", help='"cpu" or "cuda"')
    add("--precision", default="float32", choices=["float32", "auto", "bfloat16", "float16"])
    add("--language", default="en", choices=["en", "ja"], help="of the verbs in the pictures")
    add("--min-score", type=float, default=MIN_SCORE, help="of a pose, so that it counts as a person: 0 to 1")
    return parser.parse_args(arguments)


def report(results: Sequence[ImageResult], output: Path) -> int:
    """Say what was done, name what failed, and return the exit status."""
    failures = [result.failure for result in results if result.failure]
    people = [person for result in results for person in result.people]
    without = sum(person.failure == NO_POSE for person in people)
    empty = sum(not result.people for result in results) - len(failures)
    done = f"{len(results) - len(failures)} images, {empty} of them without anybody; {len(people)} people"
    print(f"{done}: {output}")
    if without:
        print(f"{without} people have no prediction: {NO_POSE}.")
    failures += [person.failure for person in people if person.failure not in (None, NO_POSE)]
    for reason in failures:
        print(reason, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
