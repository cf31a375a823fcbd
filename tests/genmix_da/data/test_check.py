"""`data check`: what it finds, prints and returns; and `data mini`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from office_home import OFFICE_HOME_CLASSES


@pytest.fixture
def troubled(make_data: Callable, tmp_path: Path) -> Path:
    """Two domains; the second has one of every kind of trouble."""
    root = make_data(tmp_path / "troubled", ("Fine", "Bad"), ("a", "b"), 4)
    bad = root / "Bad" / "a"
    (bad / "zero.png").touch()
    (bad / "junk.jpg").write_bytes(b"junk")
    (bad / "cut.jpg").write_bytes((bad / "00.jpg").read_bytes()[:300])
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(bad / "moves.gif", save_all=True, append_images=frames[1:])
    shutil.copy(bad / "01.png", root / "Bad" / "b" / "twin.png")
    (bad / "notes.txt").write_text("notes")
    return root


@pytest.fixture
def home(make_data: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One image of each class of Office-Home, where one is the official number."""
    root = make_data(tmp_path / "home", ("Art", "Real_World"), OFFICE_HOME_CLASSES, 1)
    ones = pd.DataFrame(1, index=OFFICE_HOME_CLASSES, columns=["Art", "Real World"])
    monkeypatch.setattr(
        "genmix_da.data.check.class_counts", lambda name: {"office-home": ones}[name]
    )
    return root


def test_clean_folder_is_exit_code_zero(run: Callable, data: Path) -> None:
    outcome = run("data", "check", data)
    assert outcome.code == 0
    for name in ("Art", "Clipart", "Product"):
        row = next(line for line in outcome.out.splitlines() if f" {name} " in line)
        assert row.replace("│", " ").split() == [name, "6", "72", "n/a", "0", "0", "0", "0"]


def test_troubles_are_exit_code_one_and_listed(run: Callable, troubled: Path) -> None:
    outcome = run("data", "check", troubled)
    assert outcome.code == 1
    assert outcome.err == ""
    bad = troubled / "Bad"
    lines = outcome.out.splitlines()
    assert f"{bad / 'a' / 'zero.png'}: zero bytes" in lines
    assert f"{bad / 'a' / 'junk.jpg'}: not an image" in lines
    assert any(line.startswith(f"{bad / 'a' / 'cut.jpg'}: ") for line in lines)
    assert f"{bad / 'a' / 'moves.gif'}: animated, its first frame is used" in lines
    assert f"same bytes: {bad / 'a' / '01.png'}, {bad / 'b' / 'twin.png'}" in lines
    assert not any("Fine/" in line for line in lines)


def test_json_lists_everything(run: Callable, troubled: Path) -> None:
    outcome = run("data", "check", troubled, "--json")
    assert outcome.code == 1
    report = json.loads(outcome.out)
    assert report["clean"] is False
    assert report["dataset"] is None
    bad, fine = report["domains"]
    assert (fine["name"], fine["images"], fine["classes"]) == ("Fine", 8, 2)
    assert fine["unreadable"] == fine["animated"] == fine["duplicates"] == []
    assert (bad["name"], bad["images"]) == ("Bad", 13)
    assert {Path(path).name for path, _ in bad["unreadable"]} == {"zero.png", "junk.jpg", "cut.jpg"}
    assert [Path(path).name for path in bad["animated"]] == ["moves.gif"]
    assert [[Path(p).name for p in group] for group in bad["duplicates"]] == [
        ["01.png", "twin.png"]
    ]
    assert [Path(path).name for path in bad["other_files"]] == ["notes.txt"]


def test_clean_json_is_exit_code_zero(run: Callable, data: Path) -> None:
    outcome = run("data", "check", data, "--json")
    assert outcome.code == 0
    assert json.loads(outcome.out)["clean"] is True


def test_decompression_bomb_is_listed(
    run: Callable, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENMIX_DA_MAX_PIXELS", "300")  # the images have 400
    outcome = run("data", "check", data, "--json")
    assert outcome.code == 1
    reasons = {reason for d in json.loads(outcome.out)["domains"] for _, reason in d["unreadable"]}
    assert reasons == {"too many pixels, more than 300; $GENMIX_DA_MAX_PIXELS raises that"}
    assert outcome.err == ""


def test_long_lists_are_cut_and_say_so(run: Callable, make_data: Callable, tmp_path: Path) -> None:
    root = make_data(tmp_path / "many", ("Art",), ("a",), 30)
    for image in (root / "Art" / "a").iterdir():
        image.write_bytes(b"")
    outcome = run("data", "check", root)
    assert outcome.out.count("zero bytes") == 20
    assert "... and 10 more in Art; --json lists all" in outcome.out


def test_official_counts_are_compared(run: Callable, home: Path) -> None:
    outcome = run("data", "check", home)
    assert outcome.code == 0
    assert "office-home" in outcome.out
    row = next(line for line in outcome.out.splitlines() if " Real_World " in line)
    assert row.replace("│", " ").split()[1:4] == ["65", "65", "65"]


def test_counts_that_differ_are_exit_code_one(run: Callable, home: Path) -> None:
    shutil.copy(home / "Art" / "Bed" / "00.jpg", home / "Art" / "Bed" / "01.jpg")
    (home / "Real_World" / "Bike" / "00.jpg").unlink()
    outcome = run("data", "check", home)
    assert outcome.code == 1
    assert "Art/Bed: 2 images, officially 1" in outcome.out
    assert "0 images, officially 1" in outcome.out
    report = json.loads(run("data", "check", home, "--json").out)
    differences = {d["name"]: d["class_differences"] for d in report["domains"]}
    assert differences["Art"] == [["Bed", 2, 1]]
    assert [row[1:] for row in differences["Real_World"]] == [[0, 1]]


def test_real_office_home_counts_are_the_default(
    run: Callable, make_data: Callable, tmp_path: Path
) -> None:
    root = make_data(tmp_path / "home", ("Art",), OFFICE_HOME_CLASSES, 1)
    report = json.loads(run("data", "check", root, "--json").out)
    assert report["dataset"] == "office-home"
    assert report["domains"][0]["official"] == 2427
    assert ["Alarm_Clock", 1, 74] in report["domains"][0]["class_differences"]


def test_other_domain_of_a_known_data_set_has_no_counts(run: Callable, home: Path) -> None:
    (home / "Art").rename(home / "Sketch")
    report = json.loads(run("data", "check", home, "--json").out)
    official = {d["name"]: d["official"] for d in report["domains"]}
    assert official == {"Real_World": 65, "Sketch": None}


def test_hollow_folders_are_no_domains(run: Callable, data: Path, tmp_path: Path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(data / "Art", root / "Art")
    (root / "docs").mkdir()
    report = run("data", "check", root, "--json").json()
    assert [d["name"] for d in report["domains"]] == ["Art"]


def test_malformed_list_is_not_passed_over(
    run: Callable, complaint: Callable, data: Path, tmp_path: Path
) -> None:
    root = tmp_path / "copy"
    shutil.copytree(data / "Art", root / "Art")
    (root / "Listed.txt").write_text("Art/fig/00.jpg 5\nno label here\n")
    assert "line 2 of" in complaint(run("data", "check", root))


def test_mini_does_not_overwrite_a_strange_folder(
    run: Callable, complaint: Callable, data: Path
) -> None:
    said = complaint(run("data", "mini", "--out", data))
    assert str(data) in said
    assert "--out" in said


@pytest.mark.parametrize("made", [True, False])
def test_nothing_to_check(run: Callable, complaint: Callable, tmp_path: Path, made: bool) -> None:
    folder = tmp_path / "nothing"
    if made:
        (folder / "sub" / "class").mkdir(parents=True)
    assert str(folder) in complaint(run("data", "check", folder))


def test_image_list_is_checked(run: Callable, data: Path, tmp_path: Path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(data / "Art", root / "photos")
    (root / "Listed.txt").write_text("photos/fig/00.jpg 5\nphotos/fig/gone.jpg 5\n")
    report = json.loads(run("data", "check", root, "--json").out)
    listed = next(d for d in report["domains"] if d["name"] == "Listed")
    assert listed["images"] == 2
    reasons = [reason for _, reason in listed["unreadable"]]
    assert reasons == ["No such file or directory"]
    assert listed["other_files"] == []


def test_mini_commands_print_where_things_are(
    run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []

    def stand_in(folder: Path, **options: Any) -> Path:
        made.append(folder)
        if "progress" in options:
            options["progress"](1, 2)
            options["progress"](2, 2)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "mini_office_home.json").touch()
        return folder

    monkeypatch.setattr("office_home.mini.make", stand_in)
    monkeypatch.setattr("genmix_da.data.root.make", stand_in)
    monkeypatch.setattr("office_home.mini.contact_sheet", lambda file: file)
    sheet, out = tmp_path / "sheets" / "sheet.png", tmp_path / "own"
    assert run("data", "mini", "--sheet", sheet).out.strip() == str(sheet)
    assert sheet.parent.is_dir()
    assert made == []
    assert run("data", "mini", "--out", out).out.strip() == str(out)
    cached = str(tmp_path / "cache" / "mini_office_home")
    first, second = run("data", "mini"), run("data", "mini")
    assert first.out.strip() == second.out.strip() == cached
    assert "drawing" in first.err
    assert second.err == ""


def test_what_is_left_out_is_exit_code_one(
    run: Callable, make_data: Callable, tmp_path: Path
) -> None:
    root = make_data(tmp_path / "own", ("Art",), ("a", "b"), 2)
    (root / "Art" / "empty").mkdir()
    shutil.copy(root / "Art" / "a" / "00.jpg", root / "Art" / "loose.jpg")
    outcome = run("data", "check", root)
    assert outcome.code == 1
    assert f"{root / 'Art' / 'empty'}: a folder without images: no class" in outcome.out
    assert f"{root / 'Art' / 'loose.jpg'}: beside the class folders" in outcome.out


def test_images_of_several_domains_are_listed(
    run: Callable, make_data: Callable, tmp_path: Path
) -> None:
    root = make_data(tmp_path / "own", ("Art", "Photo"), ("a", "b"), 2)
    copy = root / "Photo" / "b" / "copy.jpg"
    shutil.copy(root / "Art" / "a" / "00.jpg", copy)
    outcome = run("data", "check", root)
    line = f"same bytes in several domains: {root / 'Art' / 'a' / '00.jpg'}, {copy}"
    assert line in outcome.out.splitlines()
    shared = json.loads(run("data", "check", root, "--json").out)["shared"]
    assert shared == [[str(root / "Art" / "a" / "00.jpg"), str(copy)]]
