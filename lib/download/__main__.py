"""The command `python -m lib.download [profile] [--mirror URL] [--pose-models NAME ...]`."""

import argparse
import os
import sys
from collections.abc import Sequence

from lib.download import download
from lib.profiles import DataError, load_profile


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m lib.download", description="Get what a profile needs.")
    parser.add_argument("profile", nargs="?", default="vcoco", help="name or folder; vcoco unless given")
    parser.add_argument("--mirror", default="", help="base URL of what wget --force-directories made")
    parser.add_argument(
        "--pose-models", nargs="+", default=(), metavar="NAME", help="pose models of profile.toml to get, too"
    )
    options = parser.parse_args(arguments)
    try:
        print(download(load_profile(options.profile), options.mirror, options.pose_models).to_string())
    except DataError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; run again and it goes on.", file=sys.stderr, flush=True)
        os._exit(130)  # not waiting for threads that sleep between two attempts; the files bear any kill
    return 0


if __name__ == "__main__":
    sys.exit(main())
