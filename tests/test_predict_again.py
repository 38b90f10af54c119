"""Prediction once more: what is there and of the same is kept, the rest is made; nothing twice."""

import shutil
import time
from dataclasses import replace

import msgspec
import pandas as pd
from extracting import FORKS
from predicting import PICTURES, read, run

from lib import predict, prediction
from lib.vcoco import VERBS


def test_a_second_run_computes_only_what_changed(modelled, pictures, tmp_path):
    out = tmp_path / "out"
    command = [pictures, "--output", out, "--model", "clip"]
    assert run(modelled, *command) == 0
    made = {path: path.stat().st_mtime_ns for path in (out / "overlays").iterdir()}
    before = (out / "predictions.csv").read_bytes()
    assert run(modelled, *command) == 0
    assert {path: path.stat().st_mtime_ns for path in made} == made
    assert (out / "predictions.csv").read_bytes() == before
    changed = sorted(pictures.iterdir())[0]
    shutil.copy(PICTURES[9], changed)
    assert run(modelled, *command) == 0
    assert [path.stem for path in made if path.stat().st_mtime_ns != made[path]] == [changed.stem]
    for option in (["--language", "ja"], ["--min-score", "0.3"], ["--model", "thesis"]):
        made = {path: path.stat().st_mtime_ns for path in (out / "overlays").iterdir()}
        assert run(modelled, *command, *option) == 0
        assert all(path.stat().st_mtime_ns != made[path] for path in made)


def test_pictures_that_are_gone_are_drawn_again(modelled, pictures, tmp_path):
    out = tmp_path / "out"
    command = [pictures, "--output", out, "--model", "clip"]
    assert run(modelled, *command) == 0
    lost, *kept = sorted((out / "overlays").iterdir())
    lost.unlink()
    made = {path: path.stat().st_mtime_ns for path in kept}
    assert run(modelled, *command) == 0
    assert lost.is_file()
    assert {path: path.stat().st_mtime_ns for path in made} == made


def test_an_image_given_twice_is_taken_once(modelled, pictures, tmp_path):
    first, second, _ = sorted(pictures.iterdir())
    model = prediction.load_profile_model(modelled, "clip")
    given = [first, second, first, pictures / "../写真" / second.name]
    results = prediction.predict_images(given, modelled, model, tmp_path / "out")
    assert [result.image for result in results] == [str(first), str(second)]
    assert sorted(path.stem for path in (tmp_path / "out/overlays").iterdir()) == [first.stem, second.stem]


def test_other_thresholds_are_another_result(modelled, pictures, tmp_path):
    images = sorted(pictures.iterdir())
    model = prediction.load_profile_model(modelled, "clip")
    prediction.predict_images(images, modelled, model, tmp_path / "out")
    card = msgspec.structs.replace(model.card, thresholds=dict.fromkeys(VERBS, 0.0))
    results = prediction.predict_images(images, modelled, replace(model, card=card), tmp_path / "out")
    assert all(person.verbs == list(VERBS) for result in results for person in result.people)


def test_a_killed_run_goes_on_to_the_same_results(modelled, tmp_path):
    images = [str(path) for path in PICTURES[:32]]
    out = tmp_path / "killed"
    arguments = [*images, "--profile", str(modelled.inputs), "--model", "clip", "--output", str(out)]
    process = FORKS.Process(target=predict.main, args=(arguments,))
    process.start()
    while len(list(out.glob("work/*.json"))) < 5:
        assert process.is_alive(), "it ended before it was killed"
        time.sleep(0.01)
    process.kill()
    process.join()
    done = {path: path.stat().st_mtime_ns for path in out.glob("work/*.json")}
    assert len(done) < 32
    assert not (out / "predictions.json").exists()
    assert run(modelled, *images, "--model", "clip", "--output", out) == 0
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert run(modelled, *images, "--model", "clip", "--output", tmp_path / "whole") == 0
    killed, whole = read(out)[1], read(tmp_path / "whole")[1]
    pd.testing.assert_frame_equal(killed, whole, rtol=1e-4)  # other batches, so other rounding
    assert len(list((out / "overlays").glob("[!.]*"))) == 32
