"""Where things stand: a profile is a folder with a `profile.toml` that names labels, images and weights.

`sample` and `vcoco` are such folders under `data/`; a user's own data is a third one. See `data/README.md`.
"""

import os
import subprocess
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import msgspec

ROOT = Path(__file__).resolve().parents[1]
PARAMETERS = ("PROFILE", "SEEDS", "EPOCHS", "DEVICE", "LANGUAGE", "OUTPUT_DIR")
Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
# Names of other columns beside those of the verbs: of people, of results, of predictions.
OTHER_COLUMNS = (
    *("ann_id", "split", "image_id", "file_name", "width", "height", "x", "y", "w", "h", "category"),
    *("protocol", "arm", "seed", "epoch"),
    *("image", "person", "score", "verbs", "failure"),
)
PoseModel = Literal["hrnet_w32", "simple_baseline", "rtmpose"]  # MMPose's top-down models that lib.pose runs


class DataError(ValueError):
    """Input that cannot be used; the message names the file, the field and the fix."""


@dataclass(frozen=True)
class SplitFiles:
    """The files of one split; annotations may be spread over several files, as COCO's are."""

    vcoco_json: Path
    instances_json: tuple[Path, ...]
    person_keypoints_json: tuple[Path, ...]
    images: Path


@dataclass(frozen=True)
class Profile:
    """One data set: what is read (labels, images, weights) and where results are written.

    `outputs` is the repository, or OUTPUT_DIR. `verbs` is empty where the profile uses V-COCO's 26.
    `pose_models` are the weights of further pose models, which need not be there. `downloadable` says whether
    `sources.toml` beside `profile.toml` tells `lib.download` where the files come from.
    """

    name: str
    inputs: Path
    splits: Mapping[str, SplitFiles]
    clip_weights: Path
    pose_weights: Path
    data: Path
    outputs: Path
    verbs: tuple[str, ...] = ()
    downloadable: bool = False
    pose_models: Mapping[PoseModel, Path] = field(default_factory=dict)

    @property
    def figures(self) -> Path:
        """The folder of figures, tables and executed notebooks.

        Raises DataError where it is that of another profile: two folders of one name write into one.
        """
        namesake = ROOT / "data" / self.name
        elsewhere = self.inputs.resolve() != namesake.resolve()
        if elsewhere and self.outputs == ROOT and (namesake / "profile.toml").is_file():
            raise DataError(
                f"{self.inputs}: its figures would replace those of {namesake}; give the folder another "
                "name, or set OUTPUT_DIR."
            )
        return self.outputs / "figures" / self.name

    @property
    def people(self) -> Path:
        """The table that notebook 01 writes and every later notebook reads."""
        return self.data / "people.parquet"

    @property
    def features(self) -> Path:
        """The folder of feature tables that notebook 02 fills and the experiments read."""
        return self.data / "features"

    @property
    def results(self) -> Path:
        """The folder of histories and predictions that the experiments write."""
        return self.data / "results"

    @property
    def model(self) -> Path:
        """The folder of the saved model, which notebook 08 writes; other models have folders in it."""
        return self.data / "model"

    @property
    def caveat(self) -> str:
        """What findings on this profile end with: the sample's pictures are drawn; empty for others."""
        return "These data are drawn: they say nothing of V-COCO." if self.name == "sample" else ""

    def image_path(self, split: str, file_name: str) -> Path:
        """Return where the image of a person of this split stands."""
        return self.splits[split].images / file_name


def load_profile(name: str | Path, output_dir: str | Path = "") -> Profile:
    """Load a profile by its folder's name under `data/`, or by the folder's path.

    With `output_dir`, tables and figures go to `<output_dir>/data/<name>` and `<output_dir>/figures/<name>`
    instead of the repository. Raises DataError where the folder or a field of its `profile.toml` is wrong.
    """
    inputs = Path(name) if os.sep in str(name) else ROOT / "data" / str(name)  # papermill makes 2024 a number
    settings = _read_settings(inputs / "profile.toml")
    outputs = Path(output_dir).resolve() if output_dir else None
    return Profile(
        name=inputs.name,
        inputs=inputs,
        splits=MappingProxyType({split: _split_files(inputs, settings.splits[split]) for split in SPLITS}),
        clip_weights=inputs / settings.clip_weights,
        pose_weights=inputs / settings.pose_weights,
        data=outputs / "data" / inputs.name if outputs else inputs,
        outputs=outputs or ROOT,
        verbs=tuple(settings.verbs),
        downloadable=settings.downloadable,
        pose_models=MappingProxyType({model: inputs / file for model, file in settings.pose_models.items()}),
    )


def check_parameters(namespace: Mapping[str, object], *own: str) -> None:
    """Raise DataError where a notebook holds an UPPER_CASE name that is not one of its parameters.

    papermill only logs a misspelt `-p` and runs on with the default; after this check it is an error. So are
    SEEDS and EPOCHS that are no whole numbers from 1 on. `namespace` is the notebook's `globals()`, `own` the
    parameters that only this notebook has.
    """
    known = {*PARAMETERS, *own}
    unknown = sorted(key for key in namespace if key.isupper() and key not in known)
    if unknown:
        raise DataError(f"Unknown parameter {', '.join(unknown)}; choose from {', '.join(sorted(known))}.")
    for name in ("SEEDS", "EPOCHS"):
        count = namespace.get(name, 1)
        if type(count) is not int or count < 1:
            raise DataError(f"{name} is {count!r}; choose a whole number of 1 or more.")


def commit() -> str:
    """Return the repository's commit, marked where files differ from it; "unknown" outside git."""
    git = ["git", "--no-optional-locks", "-C", str(ROOT)]  # a kill would leave the index locked
    commands = [*git, "describe", "--always", "--abbrev=12"], [*git, "status", "--porcelain", "-uno"]
    try:
        name, changed = (
            subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
            for command in commands
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return f"{name}-dirty" if changed else name


class _SplitSettings(msgspec.Struct, forbid_unknown_fields=True):
    """The table `[splits.<split>]` of a `profile.toml`; the fields of SplitFiles, relative to its folder."""

    vcoco_json: str
    instances_json: str | list[str]
    person_keypoints_json: str | list[str]
    images: str


class _Settings(msgspec.Struct, forbid_unknown_fields=True):
    """The fields of a `profile.toml`."""

    clip_weights: str
    pose_weights: str
    splits: dict[Split, _SplitSettings]
    verbs: list[str] = []
    downloadable: bool = False
    pose_models: dict[PoseModel, str] = {}


def _read_settings(toml: Path) -> _Settings:
    if not toml.is_file():
        known = sorted(path.parent.name for path in (ROOT / "data").glob("*/profile.toml"))
        raise DataError(f"{toml}: no such profile; choose from {', '.join(known)}, or write this file.")
    try:
        settings = msgspec.convert(tomllib.loads(toml.read_text(encoding="utf-8")), _Settings)
    except ValueError as error:  # msgspec's, tomllib's and Unicode's errors are all of this family
        raise DataError(f"{toml}: {error}; compare it with data/sample/profile.toml.") from None
    for split in SPLITS:
        if split not in settings.splits:
            raise DataError(f"{toml}: table splits.{split} is missing; see data/README.md.")
    _check_verbs(settings.verbs, toml)
    return settings


def _check_verbs(verbs: list[str], toml: Path) -> None:
    """Raise DataError where a column of a table would be there twice."""
    if twice := sorted({verb for verb in verbs if verbs.count(verb) > 1}):
        raise DataError(f"{toml}: verbs: {', '.join(twice)} is there twice; keep one.")
    if taken := [verb for verb in verbs if verb in OTHER_COLUMNS]:
        raise DataError(
            f"{toml}: verbs: {', '.join(map(repr, taken))} cannot be a verb's name, as tables have a column "
            "of that name; choose another, in the label files, too."
        )


def _split_files(folder: Path, table: _SplitSettings) -> SplitFiles:
    return SplitFiles(
        vcoco_json=folder / table.vcoco_json,
        instances_json=_paths(folder, table.instances_json),
        person_keypoints_json=_paths(folder, table.person_keypoints_json),
        images=folder / table.images,
    )


def _paths(folder: Path, names: str | list[str]) -> tuple[Path, ...]:
    return tuple(folder / name for name in ([names] if isinstance(names, str) else names))
