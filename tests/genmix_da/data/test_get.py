"""`data get`: from archives, folders, the hub and a server to ROOT/<Domain>/<class>/<image>."""

from __future__ import annotations

import dataclasses
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
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from genmix_da.data import obtain as module
from genmix_da.data.published_sets import SETS, Archive, PublishedSet, published_set
from genmix_da.errors import UserError
from office_home import OFFICE_HOME_CLASSES, OFFICE_HOME_DOMAINS, class_counts

ARCHIVE = "OfficeHomeDataset_10072016"


def put(monkeypatch: pytest.MonkeyPatch, name: str, **changes: Any) -> None:
    monkeypatch.setitem(SETS, name, dataclasses.replace(SETS[name], **changes))


@pytest.fixture
def ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Office-Home with one image of each class in each domain as the published number."""
    table = pd.DataFrame(1, index=OFFICE_HOME_CLASSES, columns=list(OFFICE_HOME_DOMAINS))
    for place in ("check", "published_sets"):
        monkeypatch.setattr(
            f"genmix_da.data.{place}.class_counts", lambda name: {"office-home": table}[name]
        )
    put(monkeypatch, "office-home", images=dict.fromkeys(OFFICE_HOME_DOMAINS, 65))


@pytest.fixture
def home(make_data: Callable, tmp_path: Path, ones: None) -> Path:
    """Office-Home as it lies in its archive: one image a class, and other files beside."""
    domains = ("Art", "Clipart", "Product", "Real World")
    root = make_data(tmp_path / "home" / ARCHIVE, domains, OFFICE_HOME_CLASSES, 1)
    (root / "ImageInfo.csv").write_text("a,b\n")
    return root.parent


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


def test_an_archive_becomes_root_and_is_proved(run: Callable, home: Path, tmp_path: Path) -> None:
    archive, out = zipped(home, tmp_path / "set.zip"), tmp_path / "got"
    outcome = run("data", "get", "office-home", "--from", archive, "--out", out)
    assert outcome.code == 0, outcome
    assert outcome.out.splitlines()[-1] == (
        "The images of every class in every domain are as many as published: the counts are the "
        "proof."
    )
    assert tree(out) == images(home / ARCHIVE)
    assert nothing_beside(out)
    again = run("data", "get", "Office Home", "--out", out, "--json").json()
    assert (again["proof"], again["level"], again["differences"]) == (True, "class", [])
    assert again["report"]["dataset"] == "office-home"


@pytest.mark.parametrize("spelling", ["Real World", "Real_World", "RealWorld", "real world", "Rw"])
def test_folders_by_any_spelling_are_copied(
    run: Callable, home: Path, tmp_path: Path, spelling: str
) -> None:
    (home / ARCHIVE / "Real World").rename(home / ARCHIVE / spelling)
    (home / ARCHIVE / "Clipart").rename(home / ARCHIVE / "clip_art")
    before = tree(home)
    assert run("data", "get", "office-home", "--from", home, "--out", tmp_path / "got").code == 0
    assert sorted(path.name for path in (tmp_path / "got").iterdir()) == [*OFFICE_HOME_DOMAINS]
    assert tree(home) == before


def test_differences_are_named(run: Callable, home: Path, tmp_path: Path) -> None:
    bed = home / ARCHIVE / "Art" / "Bed"
    shutil.copy(bed / "00.jpg", bed / "01.jpg")
    (home / ARCHIVE / "Product" / "Bike" / "00.jpg").write_bytes(b"broken")
    shutil.rmtree(home / ARCHIVE / "Clipart")
    outcome = run("data", "get", "office-home", "--from", home, "--out", tmp_path / "got")
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
    run: Callable, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = zipped(home, tmp_path / f"{ARCHIVE}.zip")
    outcome = run("data", "get", "office-home", "--from", archive, "--out", tmp_path / "got")
    assert outcome.code == 2
    assert "is not the published file: its MD5 is" in outcome.complaints[0]
    assert not (tmp_path / "got").exists()
    md5 = hashlib.md5(archive.read_bytes()).hexdigest()
    put(monkeypatch, "office-home", archives=(Archive(archive.name, md5=md5),))
    # In a folder, too.
    (tmp_path / "saved").mkdir()
    archive.rename(tmp_path / "saved" / archive.name)
    good = run("data", "get", "office-home", "--from", tmp_path / "saved", "--out", tmp_path / "b")
    assert good.code == 0, good


def test_office_31_as_unzipped(
    run: Callable, make_data: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    run: Callable, make_data: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    classes = ("aeroplane", "train", "truck")
    put(monkeypatch, "visda-2017", classes=3, images={"train": 3, "validation": 3})
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
    run: Callable, make_data: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(monkeypatch, "domainnet", classes=6)
    make_data(tmp_path / "in", ("real", "sketch"), count=1)
    outcome = run(
        *("data", "get", "domainnet", "--from", tmp_path / "in", "--out", tmp_path / "got"),
        *("--domains", "sketch,real"),
    )
    assert outcome.code == 0, outcome
    assert "no counts are published to compare" in outcome.out.splitlines()[-1]


def test_the_hub_s_copy(
    run: Callable, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def local(source: str) -> Path:
        asked.append(source)
        return home

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


def test_a_file_of_the_datasets_library(run: Callable, home: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    rows = sorted((home / ARCHIVE).rglob("*.jpg"))
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
    run: Callable, home: Path, tmp_path: Path, served: tuple[Path, str]
) -> None:
    zipped(home, served[0] / "set.zip")
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
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = ("clipart", "real", "sketch")
    put(
        monkeypatch,
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
    run: Callable, home: Path, tmp_path: Path, served: tuple[Path, str]
) -> None:
    whole = zipped(home, tmp_path / "whole.zip").read_bytes()
    (served[0] / "set.zip").write_bytes(whole[:-100])
    arguments = ("data", "get", "office-home", "--accept-terms", "--out", tmp_path / "got")
    outcome = run(*arguments, "--from", f"{served[1]}/set.zip")
    assert outcome.code == 2
    kept = tmp_path / "got.download" / "set.zip"
    assert str(kept) in outcome.complaints[0]
    assert kept.is_file() and not (tmp_path / "got").exists()


def test_a_kill_while_unpacking_leaves_nothing_that_looks_finished(
    run: Callable, home: Path, tmp_path: Path
) -> None:
    archive, out = zipped(home, tmp_path / "set.zip"), tmp_path / "got"
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
    assert tree(out) == images(home / ARCHIVE)


def test_folders_of_others_at_work_are_left_alone(
    run: Callable, home: Path, tmp_path: Path
) -> None:
    host = module.socket.gethostname()
    others = [
        tmp_path / f".got.{host}-{os.getppid()}.unfinished",
        tmp_path / ".got.elsewhere-1.unfinished",
    ]
    for other in others:
        other.mkdir()
    assert run("data", "get", "office-home", "--from", home, "--out", tmp_path / "got").code == 0
    assert all(other.is_dir() for other in others)


def mistakes(home: Path, tmp_path: Path) -> Mapping[str, tuple[Iterable[object], str]]:
    used, file, empty = tmp_path / "used", tmp_path / "file", tmp_path / "empty"
    for folder in (used, empty):
        folder.mkdir()
    (used / "a").touch()
    file.write_text("nothing of sense")
    new = ("--out", tmp_path / "new")
    return {
        "no name": (new, "which data set?"),
        "near name": (("ofice-home",), "did you mean 'office-home'?"),
        "two sources": (("pacs", "--from", home, "--download", *new), "two sources"),
        "no out": (("pacs", "--from", home), "--out is missing"),
        "nothing there": (("pacs", *new), "is not there; add --from or --download"),
        "used": (("office-home", "--from", home, "--out", used), "is not empty"),
        "a file": (("office-home", "--from", home, "--out", file), "is a file"),
        "the root": (("office-home", "--from", home, "--out", "/"), "is not empty"),
        "no such": (("pacs", "--from", tmp_path / "none", *new), "no file or folder"),
        "no archive": (("pacs", "--from", file, *new), "neither a .zip nor a .tar"),
        "empty": (("pacs", "--from", empty, *new), "has neither folders called art_painting"),
        "browser": (("office-31", "--download", *new), "can't be fetched without a browser"),
        "domain": (("pacs", "--domains", "phot", *new), "did you mean 'photo'?"),
        "other set": (("visda-2017", "--from", home, *new), "has neither folders called"),
        "no domain": (
            ("office-home", "--domains", "Art", "--from", home / ARCHIVE / "Product", *new),
            "has neither folders called",
        ),
    }


@pytest.mark.parametrize(
    "what",
    [
        *("no name", "near name", "two sources", "no out", "nothing there", "used", "a file"),
        *("the root", "no such", "no archive", "empty", "browser", "domain", "other set"),
        "no domain",
    ],
)
def test_mistakes_are_one_sentence(
    run: Callable, complaint: Callable, home: Path, tmp_path: Path, what: str
) -> None:
    arguments, said = mistakes(home, tmp_path)[what]
    outcome = run("data", "get", *arguments)
    assert said in complaint(outcome)
    assert not (tmp_path / "new").exists()


def test_one_image_twice_is_named(
    run: Callable, complaint: Callable, home: Path, tmp_path: Path
) -> None:
    shutil.copytree(home / ARCHIVE, home / "copy")
    outcome = run("data", "get", "office-home", "--from", home, "--out", tmp_path / "got")
    assert "give one copy of the data set" in complaint(outcome)


def test_every_set_is_listed_and_described(run: Callable) -> None:
    listed = run("data", "get")
    assert listed.code == 0
    assert {row["name"] for row in run("data", "get", "--json").json()} == set(SETS)
    for name, published in SETS.items():
        assert f"{name} " in listed.out
        outcome = run("data", "get", name)
        assert outcome.code == 0
        assert published.home in outcome.out and published.terms in outcome.out
        facts = run("data", "get", name, "--json").json()
        assert (facts["title"], facts["home"]) == (published.title, published.home)
        for archive in published.archives:
            assert (archive.md5 or "no checksum is published") in outcome.out


@pytest.mark.parametrize("published", SETS.values(), ids=list(SETS))
def test_the_facts_agree_with_one_another(published: PublishedSet) -> None:
    assert set(published.images) in (set(), set(published.domains))
    for domain, others in published.domains.items():
        for name in (domain, domain.upper(), *others):
            assert published.domain_named(name) == domain
    for archive in published.archives:
        assert archive.domain in (None, *published.domains)
        assert archive.url is None or archive.url.endswith(f"/{archive.name}")
        assert archive.md5 is None or len(archive.md5) == 32
    for domain, counts in published.per_class().items():
        assert sum(counts.values()) == published.images[domain]
        assert len(counts) == published.classes


def test_names_are_read_in_any_way() -> None:
    assert published_set("OFFICE_31") is SETS["office-31"]
    assert published_set("VisDA-C") is SETS["visda-2017"]
    with pytest.raises(UserError, match="classify train"):
        published_set("flowers102")
