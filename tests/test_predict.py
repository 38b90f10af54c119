"""Prediction on any images: the pipeline's own numbers, odd files, exit codes, nothing lost."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import predicting
import pytest
from PIL import Image
from predicting import PICTURES, read, run

from lib import predict, prediction
from lib.coco import BOX
from lib.vcoco import VERBS, load_profile_people


def write_boxes(people: pd.DataFrame, file: Path) -> Path:
    prediction.label_boxes(people).to_csv(file, index=False)
    return file


# --- The numbers


@pytest.mark.parametrize("name", predicting.FORMS)
def test_probabilities_are_those_of_the_experiments_pipeline(name, modelled, tmp_path):
    """The same persons in the same boxes: stored features, the form, the network; and the command."""
    people = predicting.tested(load_profile_people(modelled))
    model = prediction.load_profile_model(modelled, name)
    form = model.card.inputs
    numbers = form.apply(people, predicting.read_features(modelled, form, people))
    expected = model.probabilities(numbers)
    images = [modelled.image_path("test", file) for file in people["file_name"].unique()]
    boxes = write_boxes(people, tmp_path / "boxes.csv")
    arguments = ["--boxes", boxes, "--output", tmp_path / "out", "--model", name]
    assert run(modelled, *images, *arguments) == 0
    content, table = read(tmp_path / "out")
    seen = table.set_index(table["person"].astype(int))[list(VERBS)].loc[people.index]
    np.testing.assert_allclose(seen, expected, atol=1e-4)
    assert expected.isna().any(axis=None) == (name == "thesis")
    for image in content["images"]:
        for person in image["people"]:
            known, thresholds = person["probabilities"] or {}, model.card.thresholds
            assert person["verbs"] == [verb for verb, p in known.items() if p > thresholds[verb]]
            assert known or person["failure"] == "no pose was found in this box, and the model needs one"


def test_json_and_csv_say_the_same(modelled, pictures, tmp_path):
    assert run(modelled, pictures, "--output", tmp_path / "out") == 0
    content, table = read(tmp_path / "out")
    rows = [(image["image"], person) for image in content["images"] for person in image["people"]]
    assert len(rows) == len(table) > 0
    for (image, person), (_, row) in zip(rows, table.iterrows(), strict=True):
        assert row["image"] == image
        assert row["person"] == person["person"]
        assert row["verbs"] == ", ".join(person["verbs"])
        for field in (*BOX, "score"):
            assert row[field] == pytest.approx(person[field], rel=1e-5)
        for verb, probability in person["probabilities"].items():
            assert row[verb] == pytest.approx(probability, rel=1e-5)
    assert content["model"]["name"] == "model "
    assert content["boxes_given"] is False
    for image in content["images"]:
        with Image.open(tmp_path / "out" / image["overlay"]) as overlay:
            assert overlay.format == "JPEG"
        with Image.open(image["image"]) as original:
            assert (image["width"], image["height"]) == original.size


def test_real_images_run_end_to_end(shared, modelled, tmp_path):
    """20 real photographs; the sample's networks were never shown one, so the answers mean nothing."""
    assert run(modelled, shared / "vcoco/images", "--output", tmp_path, "--model", "clip") == 0
    content, table = read(tmp_path)
    assert len(content["images"]) == len(list((tmp_path / "overlays").iterdir())) == 20
    assert table[list(VERBS)].notna().all(axis=None)
    assert not any(image["failure"] for image in content["images"])


# --- Odd files


@pytest.fixture
def odd(tmp_path) -> Path:
    """One drawn scene in many kinds of file, and files that are no images."""
    folder = tmp_path / "odd"
    (folder / "下 のフォルダ").mkdir(parents=True)
    with Image.open(PICTURES[0]) as picture:
        scene = picture.convert("RGB")
    scene.save(folder / "upright.png")
    turned, exif = scene.transpose(Image.Transpose.ROTATE_90), Image.Exif()
    exif[0x0112] = 6
    turned.save(folder / "turned.png", exif=exif)
    for mode in ("L", "P", "RGBA", "1"):
        scene.convert(mode).save(folder / f"mode {mode}.png")
    sixteen = np.asarray(scene.convert("L")).astype(np.uint16) * 257
    Image.fromarray(sixteen).save(folder / "sixteen.png")
    scene.convert("CMYK").save(folder / "下 のフォルダ" / "印刷.JPG")
    Image.new("RGB", (1, 1)).save(folder / "pixel.png")
    Image.new("RGB", (320, 240), "grey").save(folder / "nobody.png")
    panorama = Image.new("RGB", (8000, 1000), "grey")
    panorama.paste(scene.resize((750, 1000)), (3000, 0))
    panorama.save(folder / "panorama.jpg")
    (folder / "text.jpg").write_text("no image")
    (folder / "empty.png").touch()
    (folder / "half.jpg").write_bytes(PICTURES[0].read_bytes()[:4000])
    scene.save(folder / "spoilt.png", "AVIF")  # whose decoder raises errors of its own
    spoilt = (folder / "spoilt.png").read_bytes().replace(b"av01Color", b"noneColor")
    (folder / "spoilt.png").write_bytes(spoilt)
    (folder / "gone.jpg").symlink_to(folder / "nowhere.jpg")
    (folder / "notes.txt").write_text("no image by its name")
    return folder


def test_odd_files_give_results_or_reasons_and_nothing_is_lost(odd, modelled, tmp_path, capsys):
    assert run(modelled, odd, tmp_path / "absent.png", "--output", tmp_path / "out") == 1
    content, table = read(tmp_path / "out")
    images = {Path(image["image"]).name: image for image in content["images"]}
    assert images.keys() == {path.name for path in odd.rglob("*.*")} - {"notes.txt"} | {"absent.png"}
    failed = {name: image["failure"] for name, image in images.items() if image["failure"]}
    assert failed.keys() == {"text.jpg", "empty.png", "half.jpg", "spoilt.png", "gone.jpg", "absent.png"}
    said = capsys.readouterr()
    for name, reason in failed.items():
        assert name in reason
        assert reason in said.err
        assert "missing" in reason if name in ("gone.jpg", "absent.png") else "cannot be decoded" in reason
    assert "Traceback" not in said.err
    for name in ("pixel.png", "nobody.png"):
        assert images[name]["people"] == []
        assert (tmp_path / "out" / images[name]["overlay"]).exists()
    assert images["turned.png"]["people"] == images["upright.png"]["people"] != []
    assert (images["turned.png"]["width"], images["turned.png"]["height"]) == Image.open(
        odd / "upright.png"
    ).size
    assert images["mode RGBA.png"]["people"] == images["upright.png"]["people"]
    assert images["sixteen.png"]["people"] == images["mode L.png"]["people"] != []
    assert len(images["印刷.JPG"]["people"]) == len(images["upright.png"]["people"])
    assert set(table["image"].map(lambda image: Path(image).name)) <= images.keys() - failed.keys()
    with Image.open(tmp_path / "out" / images["panorama.jpg"]["overlay"]) as overlay:
        assert overlay.width == 1600


def test_an_image_that_became_unreadable_leaves_nothing_old_behind(modelled, pictures, tmp_path):
    out = tmp_path / "out"
    assert run(modelled, pictures, "--output", out, "--model", "clip") == 0
    victim = sorted(pictures.iterdir())[1]
    victim.write_bytes(b"no longer")
    assert run(modelled, pictures, "--output", out, "--model", "clip") == 1
    content, table = read(out)
    assert str(victim) not in set(table["image"])
    assert [bool(image["failure"]) for image in content["images"]] == [False, True, False]
    assert len(list((out / "overlays").iterdir())) == 2


# --- Exit codes and messages


def test_the_drawn_samples_model_says_that_it_is_one(modelled, pictures, tmp_path, capsys):
    folder = tmp_path / "mine"
    folder.mkdir()
    profile = predicting.make_profile(folder)
    drawn = "This model has learnt from drawn pictures only"
    for name, expected in {"mine": False, "sample": True}.items():
        model = prediction.load_profile_model(modelled, "clip")
        card = msgspec.structs.replace(model.card, trained_on={"profile": name})
        prediction.save_action_model(profile.model, model.network, card)
        assert run(profile, pictures, "--output", tmp_path / "out") == 0
        assert (drawn in capsys.readouterr().out) == expected


def test_wrong_usage_ends_with_2_and_one_sentence(modelled, pictures, tmp_path, capsys):
    (tmp_path / "none").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "taken/predictions.csv").mkdir(parents=True)
    (tmp_path / "boxes.csv").write_text("image,x,y,w\na.jpg,1,2,3\n")
    (tmp_path / "others.csv").write_text("image,x,y,w,h\nother.jpg,1,2,3,4\n")
    empty = predicting.make_profile(tmp_path / "none")
    for arguments, said in (
        ([pictures, "--model", "best"], "choose from (no name), clip, thesis"),
        ([tmp_path / "none"], "no images there; name a folder of .jpg"),
        ([pictures, "--boxes", tmp_path / "boxes.csv"], "missing required field `h`"),
        ([pictures, "--boxes", tmp_path / "others.csv"], "none names an image that is given"),
        ([pictures, "--boxes", tmp_path / "absent.csv"], "absent.csv: cannot be read"),
        (
            [pictures, "--output", tmp_path / "file", "--model", "clip"],
            "file/overlays: cannot be written (Not",
        ),
    ):
        assert run(modelled, "--output", tmp_path / "out", *arguments) == 2
        error = capsys.readouterr().err
        assert said in error
        assert "Traceback" not in error
    assert run(empty, pictures) == 2
    assert "model.json: no saved model; run notebook 08_beyond_the_thesis." in capsys.readouterr().err
    assert predict.main([str(pictures), "--profile", "smaple"]) == 2
    assert "choose from sample, vcoco" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stop:
        predict.main([])
    assert stop.value.code == 2
    assert not (tmp_path / "out/predictions.json").exists()


def test_boxes_outside_their_image_fail_alone(modelled, pictures, tmp_path, capsys):
    first, second, _ = (path.name for path in sorted(pictures.iterdir()))
    rows = [
        {"image": first, "x": 20, "y": 30, "w": 80, "h": 120},
        {"image": first, "person": 7, "x": 9000, "y": 30, "w": 80, "h": 120},
        {"image": str(pictures / second), "person": "左", "x": 20, "y": 30, "w": 80, "h": 120},
    ]
    (tmp_path / "boxes.json").write_text(json.dumps(rows))
    assert run(modelled, pictures, "--boxes", tmp_path / "boxes.json", "--output", tmp_path / "out") == 1
    content, table = read(tmp_path / "out")
    assert table["person"].tolist() == ["1", "7", "左"]
    assert table[list(VERBS)].isna().all(axis="columns").tolist() == [False, True, False]
    assert "does not lie in an image" in content["images"][0]["people"][1]["failure"]
    assert "does not lie in an image" in capsys.readouterr().err
    assert content["images"][2]["people"] == []


def test_boxes_of_images_that_are_not_given_are_named(modelled, pictures, tmp_path, capsys):
    """`A.JPG` is not `a.jpg`: without a word, that image would seem to be without anybody."""
    first, second, _ = (path.name for path in sorted(pictures.iterdir()))
    names = [first, second.upper(), str(pictures / "absent.jpg"), second.upper()]
    boxes = pd.DataFrame({"image": names, "x": 20, "y": 30, "w": 80, "h": 120})
    boxes.to_csv(tmp_path / "boxes.csv", index=False)
    command = [pictures, "--output", tmp_path / "out", "--model", "clip", "--boxes", tmp_path / "boxes.csv"]
    assert run(modelled, *command) == 1
    said = capsys.readouterr()
    assert f"boxes.csv: image: {names[1]}, {names[2]}: no such image is given" in said.err
    content, table = read(tmp_path / "out")
    assert content["boxes_of_unknown_images"] == names[1:3]
    assert table["image"].tolist() == [str(pictures / first)]


def test_predictions_can_be_given_back_as_boxes(modelled, pictures, tmp_path):
    assert run(modelled, pictures, "--output", tmp_path / "a", "--model", "clip") == 0
    again = ["--boxes", tmp_path / "a/predictions.csv", "--output", tmp_path / "b", "--model", "clip"]
    assert run(modelled, pictures, *again) == 0
    first, second = (read(tmp_path / name)[1] for name in "ab")
    pd.testing.assert_frame_equal(first.drop(columns="score"), second.drop(columns="score"), atol=1e-3)


def test_the_command_says_how_it_is_used_and_what_is_wrong(modelled, pictures, tmp_path):
    """As a user types it, in a process of its own."""
    command = [sys.executable, "-m", "lib.predict", str(pictures), "--profile", str(tmp_path / "none")]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.startswith(f"{tmp_path}/none/profile.toml: no such profile")
