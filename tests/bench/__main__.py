"""Run the bench: every part in a process of its own; a whole run is written to figures/bench.md.

make bench                    # all but ray, a quarter of an hour on 2 cores
make bench PARTS='pose clip'  # some parts, shown and not written: the file is always of one run
"""

import argparse
import importlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from bench.table import Outcome, Sample, report, write_report
from lib.profiles import ROOT

PARTS = ("loading", "pose", "clip", "extraction", "training", "metrics", "studies", "prediction", "gpu")
ASKED_FOR = ("ray",)  # takes minutes and `make ray`, so not in a whole run
GROWING = ("loading", "extraction", "training", "metrics")
SCALES = (1, 2, 4, 8)  # eighths of everybody
REPORT = ROOT / "figures" / "bench.md"


def main() -> None:
    """Read the command; measure, or hand out to processes that do."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("parts", nargs="*", help=", ".join(PARTS + ASKED_FOR))
    parser.add_argument("--answer", type=Path, help=argparse.SUPPRESS)  # a process of its own: one part
    parser.add_argument("--scale", type=int, help=argparse.SUPPRESS)  # and one of its sizes
    options = parser.parse_args()
    if unknown := set(options.parts) - {*PARTS, *ASKED_FOR}:
        parser.error(f"unknown part {', '.join(sorted(unknown))}; choose from {', '.join(PARTS + ASKED_FOR)}")
    if options.answer:
        return measure_here(*options.parts, options.scale, options.answer)
    measure_apart(options.parts)


def measure_here(part: str, scale: int | None, answer: Path) -> None:
    """Measure one part, or one size of it, in this process."""
    module = importlib.import_module(f"bench.{part}")
    answer.write_bytes(msgspec.json.encode(module.at_scale(scale) if scale else module.measure()))


def measure_apart(parts: list[str]) -> None:
    """Measure parts in processes of their own; write a whole run, show any other."""
    from bench.machine import describe

    machine, outcomes, samples = describe(), {}, []
    for part in parts or PARTS:
        print(f"{part} …", file=sys.stderr, flush=True)
        outcomes[part] = run_apart(part, Outcome)
        if part in GROWING:
            samples += [run_apart(part, Sample, "--scale", str(scale)) for scale in SCALES]
    if parts:
        print(report(machine, outcomes, samples))
    else:
        write_report(REPORT, machine, outcomes, samples)
        print(REPORT)


def run_apart(part: str, kind: type, *options: str) -> object:
    """Run one part in a fresh process; return what it measured."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        command = [sys.executable, "-W", "ignore", "-m", "bench", part, "--answer", str(answer), *options]
        quiet = {"TQDM_DISABLE": "1"}
        subprocess.run(command, check=True, cwd=ROOT, env=os.environ | quiet, stdout=subprocess.DEVNULL)
        return msgspec.json.decode(answer.read_bytes(), type=kind)


if __name__ == "__main__":
    main()
