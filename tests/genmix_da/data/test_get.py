"""`data get`: from archives, folders, the hub and a server to ROOT/<Domain>/<class>/<image>."""

from __future__ import annotations

import functools
import hashlib
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from genmix_da.data import obtain as module
from genmix_da.data.published_sets import SETS, Archive
from office_home import OFFICE_HOME_DOMAINS, class_counts


def zipped(folder: Path, archive: Path) -> Path:
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(folder.rglob("*")):
            file.write(path, path.relative_to(folder))
    return archive


def tree(root: Path) -> dict[str, bytes]:
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def images(root: Path) -> dict[str, bytes]:
    return {name: content for name, content in tree(root).items() if name.endswith("jpg")}


def nothing_beside(out: Path) -> bool:
    return not [path for path in out.parent.iterdir() if path != out and out.name in path.name]


def test_an_archive_becomes_root_and_is_proved(
    run: Callable, unzipped: Path, tmp_path: Path
) -> None:
    archive, out = zipped(unzipped.parent, tmp_path / "set.zip"), tmp_path / "got"
    outcome = run("data", "get", "office-home", "--from", archive, "--out", out)
    assert outcome.code == 0, outcome
    assert outcome.out.splitlines()[-1] == (
        "The images of every class in every domain are as many as published: the counts are the "
        "proof."
    )
    assert tree(out) == images(unzipped)
    assert nothing_beside(out)
    again = run("data", "get", "Office Home", "--out", out, "--json").json()
    assert (again["proof"], again["level"], again["differences"]) == (True, "class", [])
    assert again["report"]["dataset"] == "office-home"


@pytest.mark.parametrize("spelling", ["Real World", "Real_World", "RealWorld", "real world", "Rw"])
def test_folders_by_any_spelling_are_copied(
    run: Callable, unzipped: Path, tmp_path: Path, spelling: str
) -> None:
    (unzipped / "Real World").rename(unzipped / spelling)
    (unzipped / "Clipart").rename(unzipped / "clip_art")
    before = tree(unzipped)
    assert (
        run("data", "get", "office-home", "--from", unzipped, "--out", tmp_path / "got").code == 0
    )
    assert sorted(path.name for path in (tmp_path / "got").iterdir()) == [*OFFICE_HOME_DOMAINS]
    assert tree(unzipped) == before


def test_differences_are_named(run: Callable, unzipped: Path, tmp_path: Path) -> None:
    bed = unzipped / "Art" / "Bed"
    shutil.copy(bed / "00.jpg", bed / "01.jpg")
    (unzipped / "Product" / "Bike" / "00.jpg").write_bytes(b"broken")
    shutil.rmtree(unzipped / "Clipart")
    outcome = run("data", "get", "office-home", "--from", unzipped, "--out", tmp_path / "got")
    assert outcome.code == 1
    lines = outcome.out.splitlines()
    assert {
        "Art: 66 images, published 65",
        "Art/Bed: 2 images, published 1",
        "Clipart: missing",
        "Product: 64 classes, published 65",
        "Product/Bike: 0 images, published 1",
        "This is not Office-Home as published: see above.",
    } <= set(lines)
    found = run("data", "get", "office-home", "--out", tmp_path / "got", "--json")
    assert found.code == 1
    assert json.loads(found.out)["proof"] is False


def test_the_checksum_is_held_against_the_name(
    run: Callable, unzipped: Path, tmp_path: Path, put: Callable
) -> None:
    archive = zipped(unzipped.parent, tmp_path / f"{unzipped.name}.zip")
    outcome = run("data", "get", "office-home", "--from", archive, "--out", tmp_path / "got")
    assert outcome.code == 2
    assert "is not the published file: its MD5 is" in outcome.complaints[0]
    assert not (tmp_path / "got").exists()
    md5 = hashlib.md5(archive.read_bytes()).hexdigest()
    put("office-home", archives=(Archive(archive.name, md5=md5),))
    # In a folder, too.
    (tmp_path / "saved").mkdir()
    archive.rename(tmp_path / "saved" / archive.name)
    good = run("data", "get", "office-home", "--from", tmp_path / "saved", "--out", tmp_path / "b")
    assert good.code == 0, good


def test_office_31_as_unzipped(run: Callable, make_data: Callable, tmp_path: Path) -> None:
    classes = [str(name) for name in class_counts("office-31").index]
    for domain in ("amazon", "dslr", "webcam"):
        make_data(tmp_path / "in" / domain, ("images",), classes, 1)
    with tarfile.open(tmp_path / "office.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "in", arcname=".")
    outcome = run(
        *("data", "get", "office-31", "--from", tmp_path / "office.tar.gz"),
        *("--out", tmp_path / "got", "--json"),
    )
    assert outcome.code == 1  # one image of each class is not all
    report = json.loads(outcome.out)
    assert "Amazon: 31 images, published 2817" in report["differences"]
    assert sorted(path.name for path in (tmp_path / "got" / "Dslr").iterdir()) == sorted(classes)


def test_several_archives_are_one_data_set(
    run: Callable, make_data: Callable, tmp_path: Path, put: Callable
) -> None:
    classes = ("aeroplane", "train", "truck")
    put("visda-2017", classes=3, images={"train": 3, "validation": 3})
    given: list[object] = []
    for part in ("train", "validation"):
        make_data(tmp_path / "in", (part,), classes, 1)
        with tarfile.open(tmp_path / f"{part}.tar", "w") as archive:
            archive.add(tmp_path / "in" / part, arcname=part)
        given += ["--from", tmp_path / f"{part}.tar"]
    outcome = run("data", "get", "visda-c", *given, "--out", tmp_path / "got", "--json")
    found = json.loads(outcome.out)
    assert sorted(tree(tmp_path / "got")) == sorted(images(tmp_path / "in"))
    assert found["level"] == "domain"
    one = run(
        *("data", "get", "visda-2017", *given[:2], "--domains", "train"),
        *("--out", tmp_path / "one", "--json"),
    )
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == ["train"]
    assert "validation: missing" not in json.loads(one.out)["differences"]


def test_without_published_counts_that_is_said(
    run: Callable, make_data: Callable, tmp_path: Path, put: Callable
) -> None:
    put("domainnet", classes=6)
    make_data(tmp_path / "in", ("real", "sketch"), count=1)
    outcome = run(
        *("data", "get", "domainnet", "--from", tmp_path / "in", "--out", tmp_path / "got"),
        *("--domains", "sketch,real"),
    )
    assert outcome.code == 0, outcome
    assert "no counts are published to compare" in outcome.out.splitlines()[-1]


def test_the_hub_s_copy(
    run: Callable, unzipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def local(source: str) -> Path:
        asked.append(source)
        return unzipped

    monkeypatch.setattr(module, "local", local)
    arguments = ("data", "get", "office-home", "--download", "--out", tmp_path / "got")
    refused = run(*arguments)
    assert refused.code == 2
    assert "fair-use notice" in refused.complaints[0]
    assert "--accept-terms" in refused.complaints[0]
    assert asked == []
    assert run(*arguments, "--accept-terms").code == 0
    assert asked == [f"datasets:{SETS['office-home'].mirror}"]
    assert "revision=d430d44" in asked[0]


def test_a_file_of_the_datasets_library(run: Callable, unzipped: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    rows = sorted((unzipped).rglob("*.jpg"))
    data = datasets.Dataset.from_dict(
        {
            "image": [{"bytes": path.read_bytes(), "path": path.name} for path in rows],
            "domain": [path.parts[-3].replace(" ", "") for path in rows],
            "label": [path.parts[-2] for path in rows],
        }
    ).cast_column("image", datasets.Image())
    data.to_parquet(tmp_path / "set.parquet")
    outcome = run(
        *("data", "get", "office-home", "--from", f"datasets:{tmp_path / 'set.parquet'}"),
        *("--out", tmp_path / "got", "--json"),
    )
    assert outcome.code == 0, outcome
    assert outcome.json()["proof"]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, str]]:
    """A folder and its URL."""
    monkeypatch.setenv("no_proxy", "*")
    (tmp_path / "served").mkdir()
    handler = functools.partial(Quiet, directory=str(tmp_path / "served"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield tmp_path / "served", f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_a_url_is_fetched_and_unpacked(
    run: Callable, unzipped: Path, tmp_path: Path, served: tuple[Path, str]
) -> None:
    zipped(unzipped.parent, served[0] / "set.zip")
    arguments = ("data", "get", "office-home", "--from", f"{served[1]}/set.zip")
    out = ("--out", tmp_path / "got")
    assert "--accept-terms" in run(*arguments, *out).complaints[0]
    assert run(*arguments, *out, "--accept-terms").code == 0
    assert nothing_beside(tmp_path / "got")


def test_published_archives_are_downloaded(
    run: Callable,
    make_data: Callable,
    tmp_path: Path,
    served: tuple[Path, str],
    put: Callable,
) -> None:
    names = ("clipart", "real", "sketch")
    put(
        "domainnet",
        classes=6,
        archives=tuple(Archive(f"{n}.zip", f"{served[1]}/{n}.zip", domain=n) for n in names),
    )
    for name in names[1:]:  # clipart is not wanted, so that it is missing does not matter
        zipped(make_data(tmp_path / name, (name,), count=1), served[0] / f"{name}.zip")
    outcome = run(
        *("data", "get", "domainnet", "--download", "--accept-terms", "--domains", "real,sketch"),
        *("--out", tmp_path / "got"),
    )
    assert outcome.code == 0, outcome
    assert sorted(path.name for path in (tmp_path / "got").iterdir()) == ["real", "sketch"]


def test_what_was_downloaded_outlives_an_error(
    run: Callable, unzipped: Path, tmp_path: Path, served: tuple[Path, str]
) -> None:
    whole = zipped(unzipped.parent, tmp_path / "whole.zip").read_bytes()
    (served[0] / "set.zip").write_bytes(whole[:-100])
    arguments = ("data", "get", "office-home", "--accept-terms", "--out", tmp_path / "got")
    outcome = run(*arguments, "--from", f"{served[1]}/set.zip")
    assert outcome.code == 2
    kept = tmp_path / "got.download" / "set.zip"
    assert str(kept) in outcome.complaints[0]
    assert kept.is_file() and not (tmp_path / "got").exists()


def test_a_kill_while_unpacking_leaves_nothing_that_looks_finished(
    run: Callable, unzipped: Path, tmp_path: Path
) -> None:
    archive, out = zipped(unzipped.parent, tmp_path / "set.zip"), tmp_path / "got"
    code = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from genmix_da.data import domain_folders, obtain\n"
        "from genmix_da.data.published_sets import SETS\n"
        "real, calls = Path.rename, []\n"
        "def rename(path, target):\n"
        "    calls.append(path)\n"
        "    if len(calls) == 100: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return real(path, target)\n"
        "Path.rename = rename\n"
        "chosen = SETS['office-home']\n"
        "obtain.obtain(chosen, [sys.argv[1]], Path(sys.argv[2]), tuple(chosen.domains))\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(archive), str(out)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not out.exists()
    (left,) = tmp_path.glob(".got.*.unfinished")
    assert left.is_dir()
    assert run("data", "get", "office-home", "--from", archive, "--out", out).code == 0
    assert nothing_beside(out)
    assert tree(out) == images(unzipped)


def test_folders_of_others_at_work_are_left_alone(
    run: Callable, unzipped: Path, tmp_path: Path
) -> None:
    host = module.socket.gethostname()
    others = [
        tmp_path / f".got.{host}-{os.getppid()}.unfinished",
        tmp_path / ".got.elsewhere-1.unfinished",
    ]
    for other in others:
        other.mkdir()
    assert (
        run("data", "get", "office-home", "--from", unzipped, "--out", tmp_path / "got").code == 0
    )
    assert all(other.is_dir() for other in others)
