"""A trained model as files that say everything about it: `model.safetensors` and its card, `model.json`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd

from lib.experiments.deployment import mean_probabilities
from lib.experiments.inputs import InputForm
from lib.features.shards import Recipe
from lib.features.views import sha256
from lib.files import write_whole
from lib.models import SeededModule, load_weights, save_weights
from lib.profiles import DataError, Profile

WEIGHTS, CARD = "model.safetensors", "model.json"
MAKER = "run notebook 08_beyond_the_thesis"

# What features depend on and a new version of a package does not change; any precision will do.
COMPARED = ("encoder", "weights_sha256", "input", "margin_px", "preprocessing", "normalised")


class ModelCard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What there is to know of a saved model.

    thresholds  by verb, the probability above which it is named
    encoders    by view, what its features were made of: `load_ingredients`
    trained_on  profile, split, people, commit and whatever else tells how
    accuracy    by measure, its numbers, such as `point`, `low` and `high`
    protocol    how epochs, thresholds and the model itself were chosen
    limits      in words, what it must not be used for

    `kind`, `settings`, `epochs` (by seed) and `weights_sha256` are of the weights: `save_action_model` fills
    them in. Raises ValueError where verbs, thresholds and encoders do not go together.
    """

    name: str
    verbs: tuple[str, ...]
    inputs: InputForm
    thresholds: dict[str, float]
    encoders: dict[str, dict[str, Any]]
    trained_on: dict[str, Any]
    accuracy: dict[str, dict[str, float]]
    protocol: str
    limits: str
    date: str
    kind: str = ""
    settings: dict[str, Any] = {}
    epochs: list[int] | None = None
    weights_sha256: str = ""

    def __post_init__(self) -> None:
        if list(self.thresholds) != list(self.verbs):
            raise ValueError("thresholds: one for each of verbs, in their order")
        if not all(0 <= threshold <= 1 for threshold in self.thresholds.values()):
            raise ValueError("thresholds: probabilities from 0 to 1")
        if not all(
            made.keys() >= {"encoder", "weights_sha256", "precision"} for made in self.encoders.values()
        ):
            raise ValueError("encoders: each has encoder, weights_sha256 and precision")
        if set(self.encoders) != set(self.inputs.views):
            raise ValueError(
                f"encoders: of the views {', '.join(self.inputs.views)}, got {list(self.encoders)}"
            )
        if "pose" in self.inputs.views and self.inputs.pose == "standard" and self.inputs.moments is None:
            raise ValueError("inputs: the form standard needs moments; fit the InputForm first")

    def to_frame(self) -> pd.DataFrame:
        """Return the card as a table to read: one row per fact, thresholds left out."""
        form = self.inputs.to_dict()
        encoders = {
            view: f"{made['encoder']}, weights {made['weights_sha256'][:8]}, {made['precision']}"
            for view, made in self.encoders.items()
        }
        facts = {
            "name": self.name,
            "network": f"{self.kind} of {len(self.settings.get('seeds', []))} seeds",
            "verbs": len(self.verbs),
            "views": ", ".join(self.inputs.views),
            "forms": _in_words({name: form[name] for name in ("clip", "pose", "without_pose")}),
            **{f"encoder of {view}": words for view, words in encoders.items()},
            "trained on": _in_words(self.trained_on),
            **{f"accuracy: {measure}": _in_words(numbers) for measure, numbers in self.accuracy.items()},
            **{name: getattr(self, name) for name in ("protocol", "limits", "date")},
        }
        return pd.DataFrame({"value": facts}).rename_axis("fact")


@dataclass(frozen=True)
class ActionModel:
    """A trained network with the card that says how to use it."""

    card: ModelCard
    network: SeededModule
    folder: Path

    def probabilities(self, numbers: pd.DataFrame) -> pd.DataFrame:
        """Return the verbs' probabilities, the mean over the seeds, of what `card.inputs` made of people.

        One row a person; NaN for those of whom a number is missing.
        """
        return mean_probabilities(self.network, numbers, self.card.verbs)

    def name_verbs(self, probabilities: pd.DataFrame) -> pd.DataFrame:
        """Return which verbs are named: booleans, True where a probability is above the verb's threshold."""
        return probabilities > pd.Series(self.card.thresholds)


def save_action_model(
    folder: Path, network: SeededModule, card: ModelCard, epochs: Mapping[int, int] | None = None
) -> ModelCard:
    """Write a network and its card into a folder, and return the card as written.

    epochs  by seed, the epoch of the weights

    A run that is killed leaves the old model, the new one, or none. Raises ValueError for other verbs.
    """
    if len(card.verbs) != network.verbs:
        raise ValueError(f"the network has {network.verbs} verbs, the card {len(card.verbs)}")
    (folder / CARD).unlink(missing_ok=True)  # without a card there is no model
    save_weights(folder / WEIGHTS, network, card.verbs, epochs)
    card = msgspec.structs.replace(
        card,
        kind=type(network).__name__,
        settings=network.settings(),
        epochs=None if epochs is None else [int(epochs[seed]) for seed in network.seeds],
        weights_sha256=sha256(folder / WEIGHTS),
    )
    with write_whole(folder / CARD) as path:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(card)) + b"\n")
    return card


def load_action_model(folder: Path) -> ActionModel:
    """Load what `save_action_model` wrote; thresholds may have been edited in the card since.

    Raises DataError where there is no model, a file is damaged, or the two are not of one save.
    """
    try:
        card = msgspec.json.decode((folder / CARD).read_bytes(), type=ModelCard)
    except FileNotFoundError:
        raise DataError(f"{folder / CARD}: no saved model; {MAKER}.") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{folder / CARD}: not the card of a model ({error}); {MAKER} again.") from None
    if sha256(folder / WEIGHTS) != card.weights_sha256:
        raise DataError(f"{folder / WEIGHTS}: not the file whose weights_sha256 {CARD} gives; {MAKER} again.")
    network, facts = load_weights(folder / WEIGHTS)
    for field, written in {"kind": facts["model"], "verbs": tuple(facts["verbs"])}.items():
        if getattr(card, field) != written:
            raise DataError(f"{folder / CARD}: {field}: not that of {WEIGHTS}; {MAKER} again.")
    return ActionModel(card, network, folder)


def load_profile_model(profile: Profile, name: str = "") -> ActionModel:
    """Load a profile's saved model, or another by its name; raises DataError naming those that are there."""
    if name not in (known := list_models(profile)) and known:
        others = ", ".join(other or "(no name)" for other in known)
        raise DataError(f"{profile.model / name}: no saved model; choose from {others}, or {MAKER}.")
    return load_action_model(profile.model / name)


def list_models(profile: Profile) -> list[str]:
    """Name a profile's saved models: "" is the one in `Profile.model` itself, the rest are its folders."""
    cards = sorted(profile.model.glob(f"*/{CARD}"))
    own = [""] if (profile.model / CARD).is_file() else []
    return own + [card.parent.name for card in cards]


def check_encoders(model: ActionModel, recipes: Iterable[Recipe]) -> None:
    """Raise DataError where the features made now are not those of the model's training."""
    for recipe in recipes:
        view, trained = recipe.view, model.card.encoders[recipe.view.name]
        if different := [key for key in COMPARED if trained.get(key) != recipe.ingredients.get(key)]:
            raise DataError(
                f"{model.folder / CARD}: encoders.{view.name}: {', '.join(different)}: not those of "
                f"{view.encoder.weights}; put there the weights of the training, or {MAKER} again."
            )


def _in_words(facts: Mapping[str, object]) -> str:
    """Write facts in one line."""
    values = {key: f"{value:.4g}" if isinstance(value, float) else value for key, value in facts.items()}
    return ", ".join(f"{key} {value}" for key, value in values.items())
