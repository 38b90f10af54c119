"""A profile with the sample's images, and models trained in a moment: what they say means nothing."""

import json
from pathlib import Path

import pandas as pd
from conftest import SAMPLE

from lib import predict, prediction
from lib.coco import BOX
from lib.experiments import InputForm
from lib.features import FeatureStore, extract, load_features, load_ingredients, profile_views
from lib.models import ActionMLP, fit
from lib.prediction import ModelCard
from lib.profiles import Profile, load_profile
from lib.vcoco import VERBS, load_profile_people

PICTURES = sorted((SAMPLE / "images/val2014").glob("*.jpg"))
TRAINED_ON, TESTED_ON = 40, 12  # people whose features are computed
FORMS = {
    "": InputForm(("clip_crop", "pose"), clip="unit", pose="standard", without_pose="zeros"),
    "clip": InputForm(("clip_full", "clip_crop")),
    "thesis": InputForm(("clip_crop", "pose")),
}


def make_profile(folder: Path, clip_weights: Path = SAMPLE / "clip_small.pt") -> Profile:
    """Describe the sample as a profile in another folder, which has no people, features or models yet."""
    toml = f'clip_weights = "{clip_weights}"\npose_weights = "{SAMPLE / "higherhrnet_small.pth"}"\n'
    for split, files in load_profile("sample").splits.items():
        toml += (
            f'[splits.{split}]\nvcoco_json = "{files.vcoco_json}"\nimages = "{files.images}"\n'
            f'instances_json = "{files.instances_json[0]}"\n'
            f'person_keypoints_json = "{files.person_keypoints_json[0]}"\n'
        )
    (folder / "profile.toml").write_text(toml, encoding="utf-8")
    return load_profile(folder)


def prepare(profile: Profile) -> pd.DataFrame:
    """Write everybody's `people.parquet`, the features of a few, and a model per form; return those few."""
    people = load_profile_people(profile)
    people.to_parquet(profile.people)
    few = pd.concat([people[people["split"] == "train"].head(TRAINED_ON), tested(people)])
    extract(few, profile.image_path, profile_views(profile), FeatureStore(profile.features))
    for name, form in FORMS.items():
        save_model(profile, few, name, form)
    return few


def tested(people: pd.DataFrame) -> pd.DataFrame:
    """Return the first people of test, one of them with a box in which nobody can be found."""
    few = people[people["split"] == "test"].head(TESTED_ON).copy()
    few.loc[few.index[-1], BOX] = [1.0, 1.0, 2.0, 2.0]
    return few


def read_features(profile: Profile, form: InputForm, people: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Load the views of a form."""
    return {view: load_features(profile, view, people) for view in form.views}


def save_model(profile: Profile, people: pd.DataFrame, name: str, form: InputForm) -> None:
    """Train the thesis's network with two seeds on the train people, and save it under a name."""
    features, train = read_features(profile, form, people), people.index[people["split"] == "train"]
    form = form.fit(features, train)
    numbers = form.apply(people, features).loc[train].dropna()
    network = ActionMLP(numbers.shape[1], n_seeds=2, hidden=32)
    labels = people.loc[numbers.index, list(VERBS)]
    trained = fit(network, numbers, labels, epochs=4, learning_rate=1e-2).model
    thresholds = {verb: 0.2 + 0.01 * place for place, verb in enumerate(VERBS)}
    card = ModelCard(
        name=f"model {name}",
        verbs=VERBS,
        inputs=form,
        thresholds=thresholds,
        encoders={view: load_ingredients(profile, view) for view in form.views},
        trained_on={"profile": profile.name, "split": "train", "people": len(numbers)},
        accuracy={"exact match, %": {"point": 1.0, "low": 0.0, "high": 2.0}},
        protocol="none",
        limits="For tests.",
        date="2024-11-23",
    )
    prediction.save_action_model(profile.model / name, trained, card, epochs={0: 4, 1: 4})


def run(profile: Profile, *arguments: object) -> int:
    """Run the command in this process."""
    return predict.main([*map(str, arguments), "--profile", str(profile.inputs)])


def read(output: Path) -> tuple[dict, pd.DataFrame]:
    content = json.loads((output / "predictions.json").read_text())
    return content, pd.read_csv(output / "predictions.csv", dtype={"person": str})
