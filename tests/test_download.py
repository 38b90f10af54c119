"""Downloading against a real server on 127.0.0.1 that serves a tiny V-COCO as the real hosts would."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
import tiny_vcoco
from hosts import ANNOTATIONS, COCO, HUB, LABELS, OPENAI, at, put, write_sources
from mirror import Fault, Mirror, serve
from PIL import Image

from lib.download import download, fetch, read_catalogue
from lib.profiles import ROOT, DataError, Profile, load_profile
from lib.vcoco import load_profile_people

IMAGE = "COCO_train2014_000000000001.jpg"
ZIP = Path(ANNOTATIONS).name


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    served = tmp_path_factory.mktemp("served")
    tiny_vcoco.make_hosts(served)
    return served


@pytest.fixture
def served(tiny: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny, tmp_path / "served")


@pytest.fixture
def server(served: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("DOWNLOAD_MIRROR", raising=False)
    with serve(served) as running:
        yield running


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    return tiny_vcoco.make_profile(tmp_path / "vcoco")


def get(profile: Profile, server: Mirror) -> pd.DataFrame:
    """Download from the server with a catalogue that fits what it serves."""
    write_sources(profile.inputs, server.folder)
    return download(profile, server.url)


def command(profile: Profile, served: Path, url: str) -> list[str]:
    write_sources(profile.inputs, served)
    return [sys.executable, "-m", "lib.download", str(profile.inputs), "--mirror", url]


def start(arguments: list[str]) -> subprocess.Popen:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(arguments, env=os.environ | {"PYTHONPATH": str(ROOT)}, **pipes)


def until(condition, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def files_of(profile: Profile) -> dict[str, bytes]:
    """Read all files of a profile but the downloader's own."""
    paths = [path for path in profile.inputs.rglob("*") if path.is_file()]
    return {str(path.relative_to(profile.inputs)): path.read_bytes() for path in paths}


def parts_of(profile: Profile) -> list[Path]:
    return list(profile.inputs.rglob("*.part"))


def test_whole_download(server: Mirror, profile: Profile):
    report = get(profile, server)
    assert report["files"].to_dict() == {"labels": 3, "annotations": 4, "images": 12, "weights": 2}
    assert len(load_profile_people(profile)) == 12
    found = files_of(profile)
    sources = {
        "vcoco/vcoco_val.json": LABELS["val"],
        f"images/train2014/{IMAGE}": f"{COCO}train2014/{IMAGE}",
        "weights/ViT-B-32.pt": OPENAI[0],
        f"downloads/{ZIP}": ANNOTATIONS,
    }
    for name, url in sources.items():
        assert found[name] == at(server.folder, url).read_bytes()
    assert not parts_of(profile)
    assert not [name for name in found if "captions" in name], "only what the profile names is unpacked"
    assert set(Counter(request.path for request in server.log).values()) == {1}
    assert {(request.status, request.encoding) for request in server.log} == {(200, "identity")}


def test_second_run_contacts_nobody(server: Mirror, profile: Profile):
    get(profile, server)
    before = files_of(profile)
    listed = (profile.inputs / "downloads" / "images.json").stat()
    server.log.clear()
    get(profile, server)
    assert server.log == []
    again = (profile.inputs / "downloads" / "images.json").stat()
    assert again.st_mtime_ns == listed.st_mtime_ns, "COCO's files are not read again"
    assert files_of(profile) == before, "not even the journal grows"


def test_killed_and_resumed(server: Mirror, profile: Profile):
    server.faults[ZIP] = Fault(delay=0.02)
    process = start(command(profile, server.folder, server.url))
    until(lambda: server.asked(ZIP) and server.asked(ZIP)[0].sent > 100_000)
    process.send_signal(signal.SIGKILL)
    process.wait()
    archive = profile.inputs / "downloads" / ZIP
    part = archive.with_name(ZIP + ".part")
    kept = part.stat().st_size
    assert kept >= 65_536
    assert not archive.exists()
    server.faults.clear()
    until(lambda: server.asked(ZIP)[0].sent)
    server.log.clear()
    get(profile, server)
    (request,) = server.asked(ZIP)
    assert request.range == f"bytes={kept}-"
    assert request.sent == archive.stat().st_size - kept
    assert not server.asked("vcoco_train.json"), "what was whole is not asked for again"


def test_killed_among_images(server: Mirror, profile: Profile):
    server.faults["train2014_000000000003.jpg"] = Fault(delay=3)
    process = start(command(profile, server.folder, server.url))
    until(lambda: len(list(profile.inputs.rglob("images/*/*.jpg"))) == 11)
    process.send_signal(signal.SIGKILL)
    process.wait()
    server.faults.clear()
    server.log.clear()
    get(profile, server)
    assert {Path(request.path).suffix for request in server.log} == {".jpg", ".pt", ".pth"}
    assert len(server.asked(".jpg")) == 1
    assert not parts_of(profile)


def test_wrong_hash_then_next_source(server: Mirror, profile: Profile):
    second = at(server.folder, OPENAI[1])
    second.parent.mkdir(parents=True)
    shutil.copy(at(server.folder, OPENAI[0]), second)
    server.faults["58eba950af/ViT-B-32.pt"] = Fault(body=bytes(tiny_vcoco.WEIGHTS_SIZE))
    get(profile, server)
    assert len(server.asked("58eba950af/ViT-B-32.pt")) == 2, "once more whole, then the next"
    assert [request.status for request in server.asked("torch/ViT-B-32.pt")] == [200]
    assert profile.clip_weights.read_bytes() == second.read_bytes()


def test_stale_part_is_fetched_once_more_whole(server: Mirror, profile: Profile):
    part = profile.clip_weights.with_name("ViT-B-32.pt.part")
    part.parent.mkdir()
    part.write_bytes(bytes(1000))
    get(profile, server)
    assert [request.range for request in server.asked("ViT-B-32.pt")] == ["bytes=1000-", ""]


@pytest.mark.parametrize("status", [403, 404, 410])
def test_gone_then_alternative(server: Mirror, profile: Profile, status: int):
    server.faults["ViT-B-32.pt"] = Fault(statuses=(status, status))
    get(profile, server)
    assert [request.status for request in server.asked("ViT-B-32.pt")] == [status, status]
    hub = profile.clip_weights.with_suffix(".safetensors")
    assert hub.read_bytes() == at(server.folder, HUB[0]).read_bytes()
    assert not profile.clip_weights.exists()
    server.log.clear()
    get(profile, server)
    assert server.log == [], "the alternative is as good"


def test_busy_then_fine(server: Mirror, profile: Profile):
    server.faults["vcoco_train.json"] = Fault(statuses=(503, 503))
    server.faults[IMAGE] = Fault(statuses=(429, 500))
    get(profile, server)
    assert [request.status for request in server.asked("vcoco_train.json")] == [503, 503, 200]
    assert [request.status for request in server.asked(IMAGE)] == [429, 500, 200]


def test_server_without_ranges(server: Mirror, profile: Profile):
    content = at(server.folder, OPENAI[0]).read_bytes()
    part = profile.clip_weights.with_name("ViT-B-32.pt.part")
    part.parent.mkdir()
    part.write_bytes(content[:5000])
    server.faults["ViT-B-32.pt"] = Fault(ranges=False)
    get(profile, server)
    (request,) = server.asked("ViT-B-32.pt")
    assert (request.range, request.status, request.sent) == ("bytes=5000-", 200, len(content))
    assert profile.clip_weights.read_bytes() == content


def test_broken_bodies_are_resumed(server: Mirror, profile: Profile):
    server.faults["ViT-B-32.pt"] = Fault(cut=80_000)
    get(profile, server)
    assert [request.range for request in server.asked("ViT-B-32.pt")] == ["", "bytes=80000-", "bytes=160000-"]
    assert sum(request.sent for request in server.asked("ViT-B-32.pt")) == tiny_vcoco.WEIGHTS_SIZE


def test_resumptions_are_bounded(server: Mirror, profile: Profile, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fetch, "RESUMPTIONS", 2)
    server.faults["58eba950af/ViT-B-32.pt"] = Fault(cut=0)
    get(profile, server)
    assert len(server.asked("58eba950af/ViT-B-32.pt")) == 3
    assert profile.clip_weights.with_suffix(".safetensors").exists()


@pytest.mark.parametrize(("excess", "asked"), [(0, ["bytes=200000-"]), (7, ["bytes=200007-", ""])])
def test_part_that_is_whole_or_too_long(server: Mirror, profile: Profile, excess: int, asked: list[str]):
    part = profile.clip_weights.with_name("ViT-B-32.pt.part")
    part.parent.mkdir()
    part.write_bytes(at(server.folder, OPENAI[0]).read_bytes() + bytes(excess))
    get(profile, server)
    assert [request.range for request in server.asked("ViT-B-32.pt")] == asked
    assert profile.clip_weights.stat().st_size == tiny_vcoco.WEIGHTS_SIZE


def test_disk_full(server: Mirror, profile: Profile):
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no right to mount a small disk here")
    run, disk = " ".join(command(profile, server.folder, server.url)), profile.inputs
    tomls = shutil.copytree(disk, disk.with_name("tomls"))
    script = f"""
        mount -t tmpfs -o size=256k tmpfs {disk} && cp {tomls}/* {disk} && {run}; echo status $?
        find {disk} -name '*.zip*' -printf 'left %f %s\\n'
        mount -o remount,size=64m {disk} && {run}; echo status $?"""
    result = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    first, second = server.asked(ZIP)
    size = at(server.folder, ANNOTATIONS).stat().st_size
    kept = int(second.range.removeprefix("bytes=").rstrip("-"))
    assert f"left {ZIP}.part {kept}" in result.stdout
    assert f"left {ZIP} " not in result.stdout
    assert result.stdout.count("status 1") == result.stdout.count("status 0") == 1
    assert f"the disk is full; this file needs {(size - kept) / 1e6:,.3f} MB more" in result.stderr
    assert "Traceback" not in result.stderr
    assert first.range == ""
    assert second.sent == size - kept > 0


def test_two_processes_at_once(server: Mirror, profile: Profile):
    server.faults["vcoco_train.json"] = Fault(delay=0.5)
    processes = [start(command(profile, server.folder, server.url)) for _ in range(2)]
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert sum("another process downloads" in output for output in outputs) == 1
    assert set(Counter(request.path for request in server.log).values()) == {1}


@pytest.mark.parametrize("name", ["../evil.json", "/tmp/evil.json", "a/../../evil.json", r"..\evil.json"])
def test_escaping_member_is_refused(server: Mirror, profile: Profile, name: str):
    with zipfile.ZipFile(at(server.folder, ANNOTATIONS), "a") as archive:
        archive.writestr(name, "{}")
    with pytest.raises(DataError, match="would land outside"):
        get(profile, server)
    assert not list(profile.inputs.parent.rglob("evil.json"))
    assert not list(profile.inputs.rglob("annotations/*"))


def test_archive_without_a_needed_member(server: Mirror, profile: Profile):
    with zipfile.ZipFile(at(server.folder, ANNOTATIONS), "w") as archive:
        archive.writestr("annotations/instances_train2014.json", "{}")
    with pytest.raises(DataError, match=f"{ZIP}: it has no instances_val2014.json; delete it and run again"):
        get(profile, server)


def test_damaged_archive(server: Mirror, profile: Profile):
    path = at(server.folder, ANNOTATIONS)
    path.write_bytes(path.read_bytes().replace(b"160", b"190", 1))  # stored, so it is a width
    with pytest.raises(DataError, match=f"{ZIP}: it is damaged .*; delete it and run again"):
        get(profile, server)
    assert not (profile.inputs / "annotations" / "instances_train2014.json").exists()


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


def test_offline_says_what_to_put_where(tiny: Path, profile: Profile, monkeypatch: pytest.MonkeyPatch):
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


def test_profile_that_is_not_downloaded(tiny: Path, profile: Profile):
    toml = profile.inputs / "profile.toml"
    toml.write_text(toml.read_text(encoding="utf-8").replace("downloadable = true", ""), encoding="utf-8")
    own = load_profile(profile.inputs)
    with zipfile.ZipFile(at(tiny, ANNOTATIONS)) as archive:
        archive.extractall(own.inputs)
    for split, files in own.splits.items():
        files.vcoco_json.parent.mkdir(exist_ok=True)
        shutil.copy(at(tiny, LABELS[split]), files.vcoco_json)
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
