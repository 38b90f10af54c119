"""Downloading against a real server on 127.0.0.1 that serves a tiny V-COCO, well or not."""

import os
import shutil
import signal
import subprocess
import zipfile
from collections import Counter
from pathlib import Path

import pytest
import tiny_vcoco
from downloading import IMAGE, ZIP, command, files_of, get, parts_of, start, until
from hosts import ANNOTATIONS, COCO, HUB, LABELS, OPENAI, at
from mirror import Fault, Mirror

from lib.download import fetch
from lib.profiles import ROOT, DataError, Profile
from lib.vcoco import load_profile_people

pytest_plugins = ["downloading"]  # its fixtures


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
    archive = profile.inputs / "downloads" / ZIP
    part = archive.with_name(ZIP + ".part")
    until(lambda: part.exists() and part.stat().st_size >= 65_536)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = part.stat().st_size
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
