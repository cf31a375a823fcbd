"""`data get` with what users get wrong: one sentence, exit code 2, nothing written."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest


def mistakes(unzipped: Path, tmp_path: Path) -> Mapping[str, tuple[Iterable[object], str]]:
    used, file, empty = tmp_path / "used", tmp_path / "file", tmp_path / "empty"
    for folder in (used, empty):
        folder.mkdir()
    (used / "a").touch()
    file.write_text("nothing of sense")
    new = ("--out", tmp_path / "new")
    return {
        "no name": (new, "which data set?"),
        "near name": (("ofice-home",), "did you mean 'office-home'?"),
        "two sources": (("pacs", "--from", unzipped.parent, "--download", *new), "two sources"),
        "no out": (("pacs", "--from", unzipped), "--out is missing"),
        "nothing there": (("pacs", *new), "is not there; add --from or --download"),
        "used": (("office-home", "--from", unzipped.parent, "--out", used), "is not empty"),
        "a file": (("office-home", "--from", unzipped.parent, "--out", file), "is a file"),
        "the root": (("office-home", "--from", unzipped.parent, "--out", "/"), "is not empty"),
        "no such": (("pacs", "--from", tmp_path / "none", *new), "no file or folder"),
        "no archive": (("pacs", "--from", file, *new), "neither a .zip nor a .tar"),
        "empty": (("pacs", "--from", empty, *new), "has neither folders called art_painting"),
        "browser": (("office-31", "--download", *new), "can't be fetched without a browser"),
        "domain": (("pacs", "--domains", "phot", *new), "did you mean 'photo'?"),
        "other set": (
            ("visda-2017", "--from", unzipped, *new),
            "has neither folders called",
        ),
        "no domain": (
            ("office-home", "--domains", "Art", "--from", unzipped / "Product", *new),
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
    run: Callable, complaint: Callable, unzipped: Path, tmp_path: Path, what: str
) -> None:
    arguments, said = mistakes(unzipped, tmp_path)[what]
    outcome = run("data", "get", *arguments)
    assert said in complaint(outcome)
    assert not (tmp_path / "new").exists()


def test_one_image_twice_is_named(
    run: Callable, complaint: Callable, unzipped: Path, tmp_path: Path
) -> None:
    shutil.copytree(unzipped / "Art", unzipped / "copy" / "Art")
    outcome = run("data", "get", "office-home", "--from", unzipped, "--out", tmp_path / "got")
    assert "give one copy of the data set" in complaint(outcome)
