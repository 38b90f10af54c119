"""Downloading where files stand already, are wrong, or cannot be had: what is kept, and what is said."""

import os
import re
import shutil
import signal
import socket
import threading
import zipfile
from pathlib import Path

import pytest
import tiny_vcoco
from downloading import IMAGE, ZIP, command, get, start, until
from hosts import ANNOTATIONS, COCO, HUB, LABELS, at, put, write_sources
from mirror import Fault, Mirror, serve
from PIL import Image

from lib.download import download, read_catalogue
from lib.profiles import DataError, Profile, load_profile

pytest_plugins = ["downloading"]  # its fixtures


def test_files_placed_by_hand(server: Mirror, profile: Profile):
    with zipfile.ZipFile(at(server.folder, ANNOTATIONS)) as archive:
        archive.extractall(profile.inputs)
    sources = {
        profile.splits["val"].vcoco_json: LABELS["val"],
        profile.image_path("train", IMAGE): f"{COCO}train2014/{IMAGE}",
        profile.clip_weights.with_suffix(".safetensors"): HUB[0],
    }
    for path, url in sources.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(at(server.folder, url), path)
    get(profile, server)
    for end in (ZIP, "vcoco_val.json", IMAGE, "ViT-B-32.pt", ".safetensors"):
        assert not server.asked(end)


def test_archive_placed_by_hand(server: Mirror, profile: Profile):
    place = profile.inputs / "downloads"
    place.mkdir()
    shutil.copy(at(server.folder, ANNOTATIONS), place)
    get(profile, server)
    assert not server.asked(ZIP)


def test_annotations_of_other_images(server: Mirror, profile: Profile):
    path = at(server.folder, ANNOTATIONS)
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content.replace(b": 500003,", b": 600003,"))
    with pytest.raises(
        DataError, match=r"instances_val2014\.json: images: none has id 500003; use COCO 2014's"
    ):
        get(profile, server)


def test_bad_files_placed_by_hand_are_set_aside(
    server: Mirror, profile: Profile, capsys: pytest.CaptureFixture
):
    image, labels = profile.image_path("train", IMAGE), profile.splits["train"].vcoco_json
    annotations = profile.splits["test"].instances_json[0]
    whole = at(server.folder, f"{COCO}train2014/{IMAGE}").read_bytes()
    wrong = {image: whole[:-200], labels: b"[]", annotations: b'{"images": [', profile.pose_weights: b"no"}
    for path, content in wrong.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    older = image.with_name(image.name + ".bad")
    older.write_bytes(b"the user's")
    get(profile, server)
    assert image.read_bytes() == whole
    assert older.read_bytes() == b"the user's"
    assert image.with_name(image.name + ".bad1").read_bytes() == wrong.pop(image)
    for path, content in wrong.items():
        assert path.with_name(path.name + ".bad").read_bytes() == content
    assert (
        f"{image}: it does not decode; kept as {image.name}.bad1, and fetched anew."
        in capsys.readouterr().out
    )


def test_file_changed_after_it_was_verified(server: Mirror, profile: Profile):
    get(profile, server)
    server.log.clear()
    image = profile.image_path("train", IMAGE)
    image.write_bytes(b"overwritten")
    get(profile, server)
    assert [Path(request.path).name for request in server.log] == [IMAGE]


def test_test_labels_of_other_people(server: Mirror, profile: Profile):
    train = at(server.folder, LABELS["train"]).read_bytes()
    server.faults["vcoco_test.json"] = Fault(body=train)
    with pytest.raises(DataError, match=r"vcoco_test\.json: .*\n.*it has 5 people, 65 labels, not 4 and 52"):
        get(profile, server)
    assert not profile.splits["test"].vcoco_json.exists()


def test_profile_whose_folders_changed(server: Mirror, profile: Profile):
    get(profile, server)
    toml = profile.inputs / "profile.toml"
    toml.write_text(
        toml.read_text(encoding="utf-8").replace("images/val2014", "test_images"), encoding="utf-8"
    )
    changed = load_profile(profile.inputs)
    get(changed, server)
    assert len(list(changed.splits["test"].images.glob("*.jpg"))) == tiny_vcoco.PERSONS["test"]


def test_mirror_from_the_environment(server: Mirror, profile: Profile, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DOWNLOAD_MIRROR", server.url + "/")
    write_sources(profile.inputs, server.folder)
    assert download(profile)["files"].sum() == 21
    assert server.asked(f"/s3.amazonaws.com/images.cocodataset.org/train2014/{IMAGE}")
    with pytest.raises(DataError, match="no base URL; write it as https://host/folder"):
        download(profile, "/mnt/mirror")


def test_offline_says_what_to_put_where(tiny_hosts: Path, profile: Profile, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as taken:  # bound and deaf: nobody can listen there meanwhile
        taken.bind(("127.0.0.1", 0))
        mirror = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(DataError) as caught:
            download(profile, mirror)
    message = str(caught.value)
    for path in (*(files.vcoco_json for files in profile.splits.values()), profile.pose_weights):
        assert f"{path}: put the file there" in message
    assert "2267afe7adc0a6c3e8ac90fb35f6d3a5bd5cd3c7edebf0622d0cbb7a67fddf19" in message
    assert f"{profile.inputs}/downloads/{ZIP}: put the file there (252,872,794 bytes, md5 0a379cfc" in message
    assert f"or put there what it holds: {profile.inputs}/annotations/instances_train2014.json" in message
    assert f"{mirror}/{ANNOTATIONS.removeprefix('https://')}  (no connection)" in message
    assert (
        f"or {profile.clip_weights.with_suffix('.safetensors')}: put the file there (605,157,884" in message
    )


def test_failing_images_do_not_stop_the_others(server: Mirror, profile: Profile):
    small = profile.inputs / "small.jpg"
    Image.new("RGB", (48, 64)).save(small)
    server.faults["0001.jpg"] = Fault(statuses=(404,) * 4)
    server.faults["500002.jpg"] = Fault(body=b"no image")
    server.faults["0003.jpg"] = Fault(body=small.read_bytes())
    with pytest.raises(DataError) as caught:
        get(profile, server)
    message = str(caught.value)
    host = server.url.removeprefix("http://")
    assert f"2 of 12 images could not be had ({host}: HTTP 404" in message
    assert "it does not decode" in message
    assert "it does not have COCO's width and height" in message
    assert "run again: it goes on" in message
    assert len(list(profile.inputs.rglob("images/*/*.jpg"))) == 7
    assert profile.pose_weights.exists(), "weights are fetched all the same"
    server.faults.clear()
    server.log.clear()
    get(profile, server)
    assert len(server.log) == 5


def test_interrupt_stops_promptly(server: Mirror, profile: Profile):
    server.faults[".jpg"] = Fault(delay=5)
    process = start(command(profile, server.folder, server.url))
    until(lambda: sum(request.sent > 0 for request in server.asked(".jpg")) > 5)
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=20)[0]  # the images would take minutes
    assert process.returncode == 130
    assert "Stopped; run again and it goes on." in output
    assert "Traceback" not in output


def test_interrupt_in_a_notebook_ends_the_threads(server: Mirror, profile: Profile):
    server.faults[".jpg"] = Fault(delay=1)

    def interrupt() -> None:
        until(lambda: sum(request.sent > 0 for request in server.asked(".jpg")) > 5)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        get(profile, server)
    until(lambda: not [one for one in threading.enumerate() if "ThreadPoolExecutor" in one.name])
    assert not list(profile.inputs.rglob("images/*/*.jpg"))
    server.faults.clear()
    get(profile, server)


def test_profile_that_is_not_downloaded(tiny_hosts: Path, profile: Profile):
    toml = profile.inputs / "profile.toml"
    toml.write_text(toml.read_text(encoding="utf-8").replace("downloadable = true", ""), encoding="utf-8")
    own = load_profile(profile.inputs)
    with zipfile.ZipFile(at(tiny_hosts, ANNOTATIONS)) as archive:
        archive.extractall(own.inputs)
    for split, files in own.splits.items():
        files.vcoco_json.parent.mkdir(exist_ok=True)
        shutil.copy(at(tiny_hosts, LABELS[split]), files.vcoco_json)
    assert download(own)["files"].to_dict() == {"labels": 3, "annotations": 4}
    own.splits["val"].vcoco_json.unlink()
    with pytest.raises(DataError, match=r"vcoco_val\.json: missing, though .*profile\.toml names it"):
        download(own)


def test_further_pose_models_where_asked_for_only(server: Mirror, profile: Profile):
    for name, file in read_catalogue(profile).pose_models.items():
        put(server.folder, file.urls[0], name.encode())
    get(profile, server)
    assert not any(path.exists() for path in profile.pose_models.values())
    run = [*command(profile, server.folder, server.url), "--pose-models", "rtmpose", "hrnet_w32"]
    output = start(run).communicate(timeout=60)[0]
    assert re.search(r"weights +4", output), output
    held = {name: path.read_bytes() for name, path in profile.pose_models.items() if path.exists()}
    assert held == {"rtmpose": b"rtmpose", "hrnet_w32": b"hrnet_w32"}
    with pytest.raises(DataError, match=r"name openpose; choose from hrnet_w32, simple_baseline, rtmpose"):
        download(profile, server.url, ["openpose"])


def test_ten_thousand_images_in_place_are_not_fetched(tmp_path: Path, profile: Profile):
    served = tmp_path / "many"
    tiny_vcoco.make_hosts(served, {"train": 2533, "val": 2867, "test": 4946}, one_image=True)
    for split in ("train2014", "val2014"):
        shutil.copytree(at(served, COCO + split), profile.inputs / "images" / split, copy_function=os.link)
    with serve(served) as server:
        get(profile, server)
        assert not server.asked(".jpg")
        server.log.clear()
        listed = (profile.inputs / "downloads" / "images.json").stat()
        report = get(profile, server)
        assert server.log == []
    assert report.loc["images", "files"] == 10_346
    again = (profile.inputs / "downloads" / "images.json").stat()
    assert again.st_mtime_ns == listed.st_mtime_ns, "COCO's files are not read again"
