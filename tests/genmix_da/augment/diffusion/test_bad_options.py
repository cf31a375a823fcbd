"""Options that cannot be, and editing on a CPU that nobody would wait for."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from genmix_da.augment import edits as edits_module
from genmix_da.augment.editors import instruct_pix2pix as pix2pix
from genmix_da.augment.editors.instruct_pix2pix import InstructPix2PixEditor

pytest.importorskip("diffusers")

BASE = ("--features", "off", "--edit-size", 48, "--lambda", 0)
CLI = (*BASE, "--steps", 2)
Refused = Callable[..., str]


@pytest.fixture
def arguments(photos: Callable, tiny_pix2pix: Path, tmp_path: Path) -> tuple[object, ...]:
    """One or two edits of each of two images."""
    return ("augment", photos(tmp_path / "in", 1), tmp_path / "out", "--editor", tiny_pix2pix)


@pytest.fixture
def refused(
    run: Callable, complaint: Callable, arguments: tuple[object, ...], tmp_path: Path
) -> Refused:
    """`augment` must end with exit code 2 and one line, nothing edited; returns that line."""

    def call(*options: object) -> str:
        said = str(complaint(run(*arguments, *BASE, *options)))
        assert not (tmp_path / "cache" / "edits").exists()
        return said

    return call


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param(("--steps", 0), "--steps is 0; it must be at least 1"),
        pytest.param(("--guidance", 0), "--guidance is 0.0; it must be 1 or more"),
        (("--scheduler", "euler_a"), "no --scheduler 'euler_a'; did you mean 'euler-a'?"),
        (("--scheduler", "heun"), "Choose from euler-a, euler, dpm++, unipc, ddim, lcm"),
        (
            ("--scheduler", "lcm", "--steps", 100),
            "--steps is 100; the scheduler lcm has 50 at most",
        ),
        (("--steps", 1001), "--steps is 1001; the scheduler euler-a has 1000 at most"),
        (("--size", 100), "--size is 100; it must be a multiple of 8"),
        (("--size", 56), "--size is 56; it must be at least 64"),
        (("--guidance", 0.5), "--guidance is 0.5; it must be 1 or more"),
        (("--guidance", "nan"), "--guidance is nan; it must be 1 or more"),
        (("--image-guidance", 0.9), "--image-guidance is 0.9; it must be 1 or more"),
        (("--image-guidance", "inf"), "--image-guidance is inf; it must be 1 or more"),
        (("--precision", "fp8"), "no --precision 'fp8'; Choose from fp32, fp16, bf16"),
        (("--attention", "flash"), "no --attention 'flash'"),
        (("--reuse", -1), "--reuse is -1; it must be at least 1"),
        (("--edit-batch", -1), "--edit-batch is -1; it must be at least 1"),
        (("--steps", -1), "--steps is -1; it must be at least 1"),
    ],
)
def test_values_out_of_range(refused: Refused, options: tuple[object, ...], said: str) -> None:
    assert said in refused("--steps", 2, "--dry-run", *options)


def test_a_misspelt_option_suggests(run: Callable, arguments: tuple[object, ...]) -> None:
    outcome = run(*arguments, *BASE, "--stepz", 3)
    assert outcome.code == 2
    assert "--stepz" in outcome.err
    assert "Did you mean" in outcome.err
    assert "--steps" in outcome.err
    outcome = run(*arguments, *BASE, "--steps", "many")
    assert outcome.code == 2
    assert "'many' is not a valid integer" in outcome.err


@pytest.mark.parametrize("option", [("--steps", 20), ("--fast",), ("--edit-batch", 4)])
def test_filters_take_no_options_of_networks(
    refused: Refused, tmp_path: Path, option: tuple[object, ...]
) -> None:
    said = refused("--editor", "filters", *option)
    assert "the filters editor takes no " in said
    assert "choose --editor instruct-pix2pix" in said
    assert "takes no model" in refused("--editor", "filters:some/model")
    assert not (tmp_path / "out").exists()


def test_permissions_are_no_options_of_filters(run: Callable, arguments: tuple) -> None:
    outcome = run(*arguments, *BASE, "--editor", "filters", "--yes")
    assert "4 edits made now" in outcome.out, outcome


@pytest.mark.parametrize("key", ["guidance", "image_guidance"])
def test_a_scale_of_a_style_below_one(refused: Refused, tmp_path: Path, key: str) -> None:
    file = tmp_path / "prompts.yaml"
    styles = [{"phrase": "chalk"}, {"phrase": "retro comic", key: 0.5}]
    file.write_text(json.dumps({"styles": styles}))
    said = refused("--prompts", file, "--steps", 2)
    assert "style 'retro-comic' has a guidance scale of 0.5; it must be 1 or more" in said


@pytest.mark.parametrize("more", [(), ("--yes",)])
def test_a_prompt_that_is_too_long(refused: Refused, more: tuple[str, ...]) -> None:
    said = refused("--prompts", "x" * 200, "--steps", 2, *more)
    assert "the prompt 'A transformed version of image into xxx" in said
    assert "the text encoder reads 77; shorten it" in said


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No editing on a CPU is short enough not to be asked about."""
    monkeypatch.setattr(edits_module, "PATIENCE", 0.0)


def test_long_work_on_a_cpu_is_asked_about(
    run: Callable, refused: Refused, arguments: tuple, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(pix2pix.InstructPix2PixEditor, "_seconds", 900.0)
        said = refused(*CLI, "--only-edit")
        assert "4 edits with instruct-pix2pix would take 1.0 hours on this CPU (900.0 s ea" in said
        assert "--editor filters, a machine with a GPU, or --yes" in said
        patch.setattr(pix2pix.InstructPix2PixEditor, "_seconds", 149.0)  # under ten minutes
        assert run(*arguments, *CLI, "--only-edit", "--json").json()["made"] == 4


def test_with_yes_nothing_is_asked(run: Callable, arguments: tuple, impatient: None) -> None:
    assert run(*arguments, *CLI, "--only-edit", "--yes", "--json").json()["made"] == 4


def test_only_what_is_missing_is_asked_about(
    run: Callable, complaint: Callable, arguments: tuple, impatient: None
) -> None:
    first = run(*arguments, *CLI, "--only-edit", "--per-image", 1, "--yes", "--json").json()
    assert first["made"] == 2
    said = complaint(run(*arguments, *CLI, "--only-edit", "--per-image", 3))
    assert "4 edits with instruct-pix2pix would take" in said  # two of the six are there
    outcome = run(*arguments, *CLI, "--per-image", 1)
    assert "0 edits made now, 2 images written" in outcome.out, outcome


def test_the_same_command_with_yes_goes_on(
    run: Callable, arguments: tuple, impatient: None
) -> None:
    assert run(*arguments, *CLI).code == 2
    outcome = run(*arguments, *CLI, "--yes")
    assert "4 edits made now" in outcome.out, outcome


def test_the_other_editor_that_is_proposed_can_be_used(
    run: Callable, arguments: tuple, impatient: None
) -> None:
    assert run(*arguments, *CLI).code == 2
    outcome = run(*arguments, *BASE, "--editor", "filters")
    assert "4 edits made now" in outcome.out, outcome


def test_a_part_is_asked_about_by_its_own_edits(
    complaint: Callable, run: Callable, arguments: tuple, impatient: None
) -> None:
    assert "2 edits with instruct" in complaint(run(*arguments, *CLI, "--shard", "1/2"))


def test_nothing_is_loaded_where_every_edit_is_there(
    run: Callable, arguments: tuple, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(*arguments, *CLI, "--only-edit", "--yes").code == 0

    def refuse(*arguments: object, **more: object) -> None:
        raise AssertionError("networks are loaded")

    monkeypatch.setattr(pix2pix, "load_networks", refuse)
    assert "0 edits made now" in run(*arguments, *CLI, "--yes").out
    outcome = run(*arguments, *CLI, "--resume")
    assert "0 edits made now" in outcome.out, outcome


def test_dry_run_prints_hours_and_those_of_fast(
    run: Callable, arguments: tuple, tmp_path: Path, impatient: None
) -> None:
    outcome = run(*arguments, *CLI, "--dry-run")  # a question of its own, so never refused
    assert outcome.code == 0, outcome
    lines = outcome.out.splitlines()
    assert "2 images, 4 edits with instruct-pix2pix, 0 of them in the cache" in lines[0]
    assert "hours on this device" in lines[1]
    assert lines[-1].startswith("--fast: ")
    assert " hours; what it changes in the pictures: genmix-da editors compare" in lines[-1]
    assert not (tmp_path / "out").exists()
    assert not list((tmp_path / "cache").rglob("*.jpg"))


def test_dry_run_as_json(
    run: Callable, arguments: tuple, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def counted(self: InstructPix2PixEditor, steps: int) -> float:
        """A second a whole step, a tenth a shallow one: a clock would tell how busy others are."""
        whole = math.ceil(steps / self._chosen["reuse"])
        return whole + 0.1 * (steps - whole)

    monkeypatch.setattr(InstructPix2PixEditor, "_timed", counted)
    options = (*CLI, "--steps", 100, "--dry-run", "--json")
    cost = run(*arguments, *options).json()
    assert (cost["images"], cost["edits"], cost["cached"]) == (2, 4, 0)
    assert cost["seconds_per_edit"] == pytest.approx(100)
    seconds = 4 * (cost["seconds_per_edit"] + cost["seconds_per_blend"])
    assert cost["hours"] * 3600 == pytest.approx(seconds)
    # A cycle of --fast is one whole step in three, and the 100 steps were given.
    assert 0 < cost["fast_hours"] < cost["hours"]
    fast = run(*arguments, *options, "--fast").json()
    assert fast["fast_hours"] is None
    assert fast["hours"] < cost["hours"]
    assert not any("--fast" in line for line in fast["summary"])
    assert not (tmp_path / "out").exists()
    assert not list((tmp_path / "cache").rglob("*.jpg"))


def test_dry_run_counts_the_cache_of_each(run: Callable, arguments: tuple) -> None:
    assert run(*arguments, *CLI, "--only-edit", "--fast", "--yes").code == 0
    cost = run(*arguments, *CLI, "--dry-run", "--json").json()
    assert cost["cached"] == 0
    assert cost["fast_hours"] * 3600 == pytest.approx(4 * cost["seconds_per_blend"])


def test_the_old_name_of_a_size_is_taken_with_a_note(
    run: Callable, arguments: tuple[object, ...]
) -> None:
    outcome = run(*arguments, *CLI, "--size", 128, "--dry-run")
    assert outcome.code == 0, outcome.err
    assert "note: --size is part of --edit-size now" in outcome.err
