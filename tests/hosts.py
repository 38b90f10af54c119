"""Hosts in a folder, laid out as `wget --force-directories` lays them out, and a catalogue that fits them."""

import hashlib
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

from lib.profiles import ROOT

REAL = (ROOT / "data" / "vcoco" / "sources.toml").read_text(encoding="utf-8")
SOURCES = tomllib.loads(REAL)
COCO, ANNOTATIONS = SOURCES["images"]["hosts"][0], SOURCES["annotations"]["urls"][0]
LABELS = {split: source["urls"][0] for split, source in SOURCES["labels"].items()}
OPENAI, HUB = (choice["urls"] for choice in SOURCES["clip_weights"])
POSE = SOURCES["pose_weights"]["urls"][0]


def at(served: Path, url: str) -> Path:
    """Return where a host's file stands."""
    return served / url.partition("://")[2]


def put(served: Path, url: str, content: bytes) -> None:
    """Write a host's file."""
    made(at(served, url)).write_bytes(content)


def made(path: Path) -> Path:
    """Make the folder of a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def write_sources(profile: Path, served: Path, real: str = REAL) -> None:
    """Write the profile's sources.toml: the real one with sizes, digits and counts of what is served."""
    listed = tomllib.loads(real)
    for source in _files(listed):
        if (file := at(served, source["urls"][0])).is_file():
            _fit(source, file.read_bytes())
    (profile / "sources.toml").write_text("\n".join(_tables(listed)), encoding="utf-8")


def _files(listed: dict) -> Iterator[dict]:
    yield from (*listed["labels"].values(), *listed["pose_models"].values(), *listed["clip_weights"])
    yield from (listed["annotations"], listed["pose_weights"])


def _fit(source: dict, content: bytes) -> None:
    if "bytes" in source:
        source["bytes"] = len(content)
    for method in ("sha256", "md5"):
        if method in source:
            source[method] = hashlib.new(method, content).hexdigest()[: len(source[method])]
    if "counts" in source:
        people = list(zip(*(verb["label"] for verb in json.loads(content)), strict=True))
        source["counts"] = {"people": sum(map(any, people)), "labels": sum(map(sum, people))}


def _tables(table: dict, name: str = "") -> Iterator[str]:
    """Spell TOML; JSON's strings, numbers and lists of them are TOML's, too."""
    for key, value in table.items():
        if not isinstance(value, dict) and not _is_array_of_tables(value):
            yield f"{key} = {json.dumps(value)}"
    for key, value in table.items():
        if isinstance(value, dict):
            yield f"[{name}{key}]"
            yield from _tables(value, f"{name}{key}.")
        elif _is_array_of_tables(value):
            for part in value:
                yield f"[[{name}{key}]]"
                yield from _tables(part, f"{name}{key}.")


def _is_array_of_tables(value: object) -> bool:
    return isinstance(value, list) and isinstance(value[0], dict)
