"""The catalogue of a profile's sources: `sources.toml` beside its `profile.toml`, read and checked."""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

import msgspec

from lib.download.remote import RemoteFile
from lib.profiles import SPLITS, DataError, PoseModel, Profile, Split
from lib.vcoco import VERBS, read_labels


@dataclass(frozen=True)
class Catalogue:
    """All sources of a profile's files; of each choice of weights the first that can be had is taken.

    `pose_models` are weights of further pose models that the profile names; got where asked for.
    """

    labels: tuple[RemoteFile, ...]
    annotations: RemoteFile
    image_hosts: tuple[str, ...]
    weights: tuple[tuple[RemoteFile, ...], ...]
    pose_models: Mapping[PoseModel, RemoteFile]


def read_catalogue(profile: Profile) -> Catalogue:
    """Read where a profile's files come from; the places they go to are the profile's.

    Raises DataError where its `sources.toml` is missing or a field of it is wrong.
    """
    listed = _read_sources(profile.inputs / "sources.toml")
    labels = [
        _remote(
            profile.splits[split].vcoco_json,
            listed.labels[split],
            _check(listed.labels[split], profile.verbs or VERBS),
        )
        for split in SPLITS
    ]
    archive = profile.inputs / "downloads" / Path(listed.annotations.urls[0]).name
    clip = [_remote(_with_suffix(profile.clip_weights, source), source) for source in listed.clip_weights]
    models = {
        name: _remote(path, listed.pose_models[name])
        for name, path in profile.pose_models.items()
        if name in listed.pose_models
    }
    return Catalogue(
        labels=tuple(labels),
        annotations=_remote(archive, listed.annotations),
        image_hosts=tuple(listed.images.hosts),
        weights=(tuple(clip), (_remote(profile.pose_weights, listed.pose_weights),)),
        pose_models=MappingProxyType(models),
    )


def check_labels(path: Path, verbs: Sequence[str], people: int, labels: int) -> None:
    """Raise DataError where a label file holds other numbers of labelled people and of labels."""
    table = read_labels(path, verbs)[list(verbs)]
    found = int(table.any(axis="columns").sum()), int(table.to_numpy().sum())
    if found != (people, labels):
        raise DataError(f"{path}: it has {found[0]} people, {found[1]} labels, not {people} and {labels}")


_Url = Annotated[str, msgspec.Meta(pattern=r"^https?://[^/]+/")]
_Urls = Annotated[list[_Url], msgspec.Meta(min_length=1)]
_Digits = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]+$")]
_Count = Annotated[int, msgspec.Meta(ge=0)]


class _Source(msgspec.Struct, forbid_unknown_fields=True):
    """A file's addresses, and what proves it whole."""

    urls: _Urls
    bytes: _Count | None = None
    sha256: _Digits | Literal[""] = ""
    md5: _Digits | Literal[""] = ""


class _Counts(msgspec.Struct, forbid_unknown_fields=True):
    people: _Count
    labels: _Count


class _LabelSource(_Source):
    counts: _Counts | None = None


class _ImageHosts(msgspec.Struct, forbid_unknown_fields=True):
    hosts: _Urls


class _Sources(msgspec.Struct, forbid_unknown_fields=True):
    """The fields of a `sources.toml`."""

    labels: dict[Split, _LabelSource]
    annotations: _Source
    images: _ImageHosts
    clip_weights: Annotated[list[_Source], msgspec.Meta(min_length=1)]
    pose_weights: _Source
    pose_models: dict[PoseModel, _Source] = {}


def _read_sources(toml: Path) -> _Sources:
    fix = "compare it with data/vcoco/sources.toml"
    if not toml.is_file():
        raise DataError(f"{toml}: missing, though profile.toml says downloadable; write it, {fix}.")
    try:
        listed = msgspec.convert(tomllib.loads(toml.read_text(encoding="utf-8")), _Sources)
    except ValueError as error:  # msgspec's, tomllib's and Unicode's errors are all of this family
        raise DataError(f"{toml}: {error}; {fix}.") from None
    if missing := [split for split in SPLITS if split not in listed.labels]:
        raise DataError(f"{toml}: table labels.{missing[0]} is missing; {fix}.")
    return listed


def _check(source: _LabelSource, verbs: Sequence[str]) -> Callable[[Path], None] | None:
    if source.counts is None:
        return None
    return partial(check_labels, verbs=verbs, people=source.counts.people, labels=source.counts.labels)


def _remote(path: Path, source: _Source, check: Callable[[Path], None] | None = None) -> RemoteFile:
    return RemoteFile(path, tuple(source.urls), source.bytes, source.sha256, source.md5, check)


def _with_suffix(path: Path, source: _Source) -> Path:
    return path.with_suffix(Path(source.urls[0]).suffix)
