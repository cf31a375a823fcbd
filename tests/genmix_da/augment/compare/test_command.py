"""`genmix-da editors compare`: its table, its refusals, and real networks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genmix_da.augment import editors


def test_command_prints_a_table(world: Any, command: Callable, tmp_path: Path) -> None:
    outcome = command("--variants", "3, 5", "--size", 64)
    assert outcome.code == 0, outcome.err
    lines = outcome.out.splitlines()
    assert lines[-1] == str(tmp_path / "out")
    assert any("exact" in line and "same" in line and "1.00x" in line for line in lines)
    assert any(" 3 " in line and "3.00" in line and "38.6" in line for line in lines)
    assert "size 64" in outcome.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--variants", "dpm20"), "did you mean 'dpm++20'?"),
        (("--variants", "3,3"), "'3' is named twice"),
        (("--variants", "3,3steps"), "'3' and '3steps' are the same;"),
        (("--variants", "exact,3"), "'exact' is the reference already"),
        (("--variants", "3", "--steps", 3), "the same with the options given for all"),
        (("--variants", " , "), "no variant to compare"),
        (("--variants", "3", "--against", "exactly"), "did you mean 'exact'?"),
        (("--variants", "3", "--images", 0), "--images is 0"),
        (("--variants", "3", "--size", 60), "--size is 60"),
        (("--variants", "3", "--editor", "filters"), "the filters editor has no options"),
        (("--variants", "3", "--editor", "nothing"), "no editor 'nothing'"),
        (("--variants", "3", "--features", "backbone"), "needs trained weights"),
        (("--variants", "3", "--prompts", "domian"), "did you mean 'domain'?"),
        (("--variants", "3", "--edit-size", 3), "--edit-size is 3"),
    ],
)
def test_bad_input_is_refused_before_any_edit(
    world: Any,
    command: Callable,
    complaint: Callable,
    tmp_path: Path,
    options: tuple[object, ...],
    said: str,
) -> None:
    assert said in complaint(command(*options))
    assert world.now == 0
    assert not (tmp_path / "out").exists()


def test_bad_folders_are_refused(
    world: Any, command: Callable, complaint: Callable, source: Path, tmp_path: Path
) -> None:
    assert "no folder" in complaint(command("--variants", "3", src=tmp_path / "no"))
    flat = complaint(command("--variants", "3", src=source / "cup"))
    assert "has images but no class folders" in flat
    inside = complaint(command("--variants", "3", "--out", source / "cup"))
    assert "lie in each other" in inside
    other = tmp_path / "other"
    other.mkdir()
    for name, content in (
        ("mine.txt", "x"),
        *(("compare.json", text) for text in ("[]", "{}", "[" * 100_000)),
    ):
        (other / name).write_text(content)
        said = complaint(command("--variants", "3", "--out", other))
        assert "is not empty and not a comparison" in said
    assert "not empty" in complaint(command("--variants", "3", "--out", other / "mine.txt"))
    assert world.now == 0
    for file in source.rglob("*.png"):
        file.write_bytes(b"")
    assert "none of the 4 images" in complaint(command("--variants", "3"))


def test_long_work_on_a_cpu_is_asked_about(
    world: Any, command: Callable, complaint: Callable
) -> None:
    world.seconds_per_edit = 1200.0
    said = complaint(command("--variants", "3"))
    assert "3 edits of the variant 'exact' alone would take 1.0 hours" in said
    assert world.now == 0
    assert command("--variants", "3", "--yes").code == 0


def test_editors_are_listed(run: Callable) -> None:
    listed = run("editors", "list", "--json").json()
    assert [row["name"] for row in listed] == list(editors.EDITORS)
    assert all(row["needs"] and row["what"] for row in listed)
    assert [row["name"] for row in listed if row["stand_in"]] == ["filters"]
    text = run("editors", "list").out
    assert all(row["name"] in text for row in listed)


def test_real_networks(command: Callable, tiny_pix2pix: Path, tmp_path: Path) -> None:
    found = command(
        *("--editor", f"instruct-pix2pix:{tiny_pix2pix}", "--steps", 3, "--edit-size", 64),
        *(
            "--variants",
            "dpm++2,fast,plain",
            "--images",
            1,
            "--yes",
            "--json",
            "--prompts",
            "retro comic; graffiti",
        ),
    ).json()
    assert found == json.loads((tmp_path / "out" / "compare.json").read_text())
    reference, fewer, fast, plain = found["variants"]
    assert (reference["settings"]["scheduler"], reference["settings"]["steps"]) == ("euler-a", 3)
    assert (fewer["settings"]["scheduler"], fewer["settings"]["steps"]) == ("dpm++", 2)
    assert (fast["settings"]["reuse"], fast["settings"]["size"]) == (3, 64)
    assert all(v["failed"] == 0 and v["images_per_second"] > 0 for v in found["variants"])
    assert fewer["pixel_difference"] > 1
    assert fast["pixel_difference"] > 1
    assert plain["pixel_difference"] < 1  # the same sums in another order
