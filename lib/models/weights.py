"""Trained weights as a safetensors file, with what rebuilds the model as its metadata."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from lib.files import write_whole
from lib.models.fusion import ConcatFusion, FiLM, GatedFusion, LateFusion
from lib.models.mlp import ActionMLP
from lib.models.probes import LinearProbe
from lib.models.regularised import RegularisedMLP
from lib.models.seeded import SeededModule
from lib.profiles import DataError

KINDS = {
    kind.__name__: kind
    for kind in (ActionMLP, RegularisedMLP, ConcatFusion, LateFusion, GatedFusion, FiLM, LinearProbe)
}


def save_weights(
    path: str | Path, model: SeededModule, verbs: Sequence[str], epochs: Mapping[int, int] | None = None
) -> None:
    """Write a model and the names of its verbs, and the epoch of each seed's weights if known.

    Raises ValueError for a kind of model that is not in `KINDS`, and where the names are not as many as the
    model's verbs.
    """
    name = type(model).__name__
    if KINDS.get(name) is not type(model):
        raise ValueError(f"weights of {', '.join(KINDS)} can be saved, not of {name}")
    if len(verbs) != model.verbs:
        raise ValueError(f"the model has {model.verbs} verbs, got {len(verbs)} names")
    facts = {
        "model": name,
        "settings": model.settings(),
        "verbs": list(verbs),
        "epochs": None if epochs is None else [int(epochs[seed]) for seed in model.seeds],
    }
    tensors = {name: values.detach().cpu().contiguous() for name, values in model.state_dict().items()}
    with write_whole(Path(path)) as temporary:
        temporary.write_bytes(save(tensors, metadata={"facts": json.dumps(facts)}))


def load_weights(path: str | Path) -> tuple[SeededModule, dict[str, Any]]:
    """Load a model on the CPU, and its metadata: `model`, `settings`, `verbs`, `epochs` (by seed, or None).

    Raises DataError where the file is not one of `save_weights`, of a kind of model that is unknown here, or
    where its settings, verbs and tensors do not belong together.
    """
    try:
        with safe_open(path, framework="pt") as file:
            facts = json.loads((file.metadata() or {}).get("facts", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, not a dict
    except (OSError, SafetensorError, json.JSONDecodeError) as error:
        raise DataError(f"{path}: not readable as trained weights ({error}); train and save again.") from None
    name = str(facts.get("model")) if isinstance(facts, dict) else None
    if name not in KINDS:
        raise DataError(f"{path}: holds a model {name}, not one of {', '.join(KINDS)}.")
    try:
        model = KINDS[name](**facts["settings"])
        model.load_state_dict(tensors)
        if len(facts["verbs"]) != model.verbs:
            raise ValueError(f"{len(facts['verbs'])} names for {model.verbs} verbs")
    except Exception as error:  # wrong settings make models raise nearly anything
        reason = " ".join(str(error).split())
        raise DataError(f"{path}: not a whole {name} ({reason}); train and save again.") from None
    return model, facts
