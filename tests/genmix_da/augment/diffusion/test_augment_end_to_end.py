"""`augment --editor FOLDER`: keys, records, and parts of the work that come to the same bytes."""

from __future__ import annotations

import json
import random
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from genmix_da.augment.cache import encode_jpeg, is_jpeg
from genmix_da.augment.diffusion.random_model import save_random_model
from genmix_da.augment.editors import EditorOptions, make_editor
from genmix_da.augment.editors.base import fit_to, to_uint8
from genmix_da.augment.editors.instruct_pix2pix import InstructPix2PixEditor
from genmix_da.augment.edits import load_working_image
from genmix_da.augment.prompts import load_prompts
from genmix_da.cli import main
from genmix_da.sealed import unsealed
from killed import KILLED, ForkedRun, needs_fork

pytest.importorskip("diffusers")

# Without fractals: they are not what is tested, and the first one takes a second to draw.
CLI = ("--steps", 2, "--features", "off", "--edit-size", 48, "--lambda", 0)
EDITS = 12
# (edits, images) that are there when a child is killed, or a little more.
MOMENTS = ((0, 0), (1, 0), (4, 0), (8, 0), (EDITS, 1))


@dataclass(frozen=True)
class Whole:
    """A run in one go, with a cache of its own; to be read, not changed."""

    source: Path
    options: tuple[object, ...]
    cache: Path
    out: Path
    tree: dict[str, bytes]
    seconds: float


@pytest.fixture(scope="module")
def whole(
    photos: Callable,
    tiny_pix2pix: Path,
    tree_of: Callable,
    tmp_path_factory: pytest.TempPathFactory,
) -> Whole:
    """Two edits of each of six images."""
    home = tmp_path_factory.mktemp("whole")
    source, cache, out = photos(home / "in", 3), home / "cache", home / "out"
    options = ("--editor", tiny_pix2pix, *CLI, "--yes")
    started = time.monotonic()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENMIX_DA_CACHE", str(cache))
        assert main(["augment", *map(str, (source, out, *options))]) == 0
    seconds = time.monotonic() - started
    return Whole(source, options, cache, out, tree_of(out), seconds)


@pytest.fixture
def stored(tmp_path: Path) -> Callable[..., dict[str, bytes]]:
    """Edits in a cache, by key; that of the test where none is named."""

    def read(cache: Path = tmp_path / "cache") -> dict[str, bytes]:
        return {p.stem: p.read_bytes() for p in (cache / "edits").rglob("*.jpg")}

    return read


def refuse(*arguments: object) -> None:
    raise AssertionError("this process makes an edit")


@pytest.fixture
def no_edit_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Edits must come from the cache or from other processes."""
    monkeypatch.setattr(InstructPix2PixEditor, "edit", refuse)


def test_the_record_names_editor_model_and_settings(
    whole: Whole, rows_of: Callable, tiny_pix2pix: Path
) -> None:
    rows = rows_of(whole.out)
    assert len(rows) == EDITS
    for row in rows:
        assert (row["editor"], row["stand_in"], row["kept"]) == ("instruct-pix2pix", False, True)
        assert (whole.out / row["output"]).is_file()
    record = json.loads((whole.out / "augment.json").read_text())
    assert (record["editor"], record["stand_in"]) == ("instruct-pix2pix", False)
    settings = record["editor_settings"]
    expected = {"steps": 2, "size": 64, "scheduler": "euler-a", "guidance": 4.0, "reuse": 1}
    assert expected.items() <= settings.items()
    assert len(bytes.fromhex(settings["model"])) == 32
    assert "editor_options" not in record
    command = record.pop("provenance")  # may name places, as what was typed
    assert command
    assert str(tiny_pix2pix) not in json.dumps(record)


def test_an_edit_is_what_the_editor_makes_of_the_row(
    whole: Whole, rows_of: Callable, stored: Callable, tiny_pix2pix: Path
) -> None:
    row = rows_of(whole.out)[-1]
    style = next(s for s in load_prompts("domain").styles if s.name == row["style"])
    pixels = load_working_image(whole.source / row["source"], 48)
    options = EditorOptions(steps=2, size=64)
    editor = make_editor(f"instruct-pix2pix:{tiny_pix2pix}", options, device="cpu")
    edit = editor.edit([pixels], [style], [row["seed"]])[0]
    expected = encode_jpeg(to_uint8(fit_to(edit, pixels)))
    edits = stored(whole.cache)
    assert len(edits) == EDITS
    assert expected in [unsealed(edits[key], is_jpeg, f"{key}.jpg") for key in edits]


def test_a_moved_model_is_the_same_model(
    run: Callable,
    whole: Whole,
    tiny_pix2pix: Path,
    tmp_path: Path,
    tree_of: Callable,
    monkeypatch: pytest.MonkeyPatch,
    no_edit_here: None,
) -> None:
    monkeypatch.setenv("GENMIX_DA_CACHE", str(whole.cache))
    shutil.copytree(tiny_pix2pix, tmp_path / "elsewhere")
    shutil.copytree(whole.out, tmp_path / "out")
    (tmp_path / "out" / "manifest.jsonl").unlink()
    options = ("--editor", tmp_path / "elsewhere", *CLI, "--yes")
    outcome = run("augment", whole.source, tmp_path / "out", *options, "--resume")
    # Nothing vouches for the images any more; their edits are those of the model that was moved.
    assert f"0 edits made now, {EDITS} images written" in outcome.out
    assert tree_of(tmp_path / "out") == whole.tree
    outcome = run("augment", whole.source, tmp_path / "new", *options)
    assert f"0 edits made now, {EDITS} images written" in outcome.out
    assert tree_of(tmp_path / "new") == whole.tree


@pytest.mark.parametrize("other", ["steps", "weights"])
def test_other_settings_and_weights_are_other_edits(
    run: Callable, complaint: Callable, whole: Whole, stored: Callable, tmp_path: Path, other: str
) -> None:
    if other == "steps":
        changed: tuple[object, ...] = ("--steps", 3)
    else:
        changed = ("--editor", save_random_model(tmp_path / "model", seed=1))
    options = (*whole.options, *changed)
    said = complaint(run("augment", whole.source, whole.out, *options, "--resume"))
    assert "made with other settings (editor_settings" in said
    assert not stored()
    made = run("augment", whole.source, *options, "--per-image", 1, "--only-edit", "--json").json()
    assert (made["made"], made["failed"]) == (EDITS // 2, 0)
    edits = stored()
    assert len(edits) == EDITS // 2
    assert not edits.keys() & stored(whole.cache).keys()
    assert not set(edits.values()) & set(stored(whole.cache).values())


def test_shards_fill_the_cache_between_them(
    run: Callable, whole: Whole, stored: Callable, tmp_path: Path, tree_of: Callable
) -> None:
    options, seen, parts = whole.options, set(), []
    for part in ("1/3", "3/3", "2/3"):
        filled = run("augment", whole.source, *options, "--shard", part, "--json").json()
        new = stored().keys() - seen
        assert (filled["images"], filled["edits"], filled["made"]) == (2, 4, len(new)) == (2, 4, 4)
        seen |= new
        parts.append(filled["fingerprint"])
    assert len(set(parts)) == 3
    assert stored() == stored(whole.cache)
    assert run("augment", whole.source, *options, "--shard", "2/3", "--json").json()["made"] == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cache"]
    outcome = run("augment", whole.source, tmp_path / "out", *options)
    assert f"0 edits made now, {EDITS} images written" in outcome.out
    assert tree_of(tmp_path / "out") == whole.tree


def test_only_edit_fills_the_cache_and_stops(
    run: Callable, whole: Whole, stored: Callable, tmp_path: Path, tree_of: Callable
) -> None:
    outcome = run("augment", whole.source, *whole.options, "--only-edit")
    assert outcome.code == 0, outcome
    assert f"{EDITS} edits of 6 images are in the cache, {EDITS} made now" in outcome.out
    assert stored() == stored(whole.cache)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cache"]
    outcome = run("augment", whole.source, tmp_path / "out", *whole.options)
    assert f"0 edits made now, {EDITS} images written" in outcome.out
    assert tree_of(tmp_path / "out") == whole.tree


def test_no_bar_is_drawn_where_no_terminal_is(run: Callable, whole: Whole) -> None:
    outcome = run("augment", whole.source, *whole.options, "--shard", "1/6")
    assert outcome.code == 0
    assert outcome.err == ""


def test_no_output_folder(run: Callable, complaint: Callable, whole: Whole) -> None:
    said = complaint(run("augment", whole.source, *whole.options))
    assert "give OUT, or --only-edit" in said
    assert "--shard is '4/3'" in complaint(run("augment", whole.source, "--shard", "4/3"))
    both = ("--shard", "1/2", "--devices", "cpu,cpu")
    assert "exclude each other" in complaint(run("augment", whole.source, *whole.options, *both))
    assert "--devices is ','" in complaint(run("augment", whole.source, "--devices", ","))


def test_devices_share_the_edits_and_one_may_fail(
    run: Callable,
    complaint: Callable,
    whole: Whole,
    stored: Callable,
    tmp_path: Path,
    tree_of: Callable,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arguments = ("augment", whole.source, tmp_path / "out", *whole.options)
    with monkeypatch.context() as patch:
        patch.setattr(InstructPix2PixEditor, "edit", refuse)  # all are made in other processes
        said = complaint(run(*arguments, "--devices", "cpu,cpu,cuda:99"))
    assert "editing failed on 1 of 3 devices; finished edits are kept (cuda:99: " in said
    kept, all_edits = stored(), stored(whole.cache)
    assert len(kept) == EDITS * 2 // 3  # the shares of the first two devices
    assert kept.items() <= all_edits.items()
    outcome = run(*arguments, "--resume")
    assert outcome.code == 0, outcome
    assert stored() == all_edits
    assert tree_of(tmp_path / "out") == whole.tree


@needs_fork
def test_kills_and_a_resume_equal_an_uninterrupted_run(
    whole: Whole, stored: Callable, tmp_path: Path, tree_of: Callable
) -> None:
    draw, out, killed, seen = random.Random(3), tmp_path / "out", 0, []
    arguments = (tmp_path / "cache", "augment", whole.source, out, *whole.options, "--resume")
    for edits, images in MOMENTS:
        child = ForkedRun(*arguments)
        while len(stored()) < edits or len(list(out.rglob("*.jpg"))) < images:
            assert child.wait(0.002) in (None, 0)
        child.wait(draw.uniform(0, 0.01 * whole.seconds))
        killed += child.kill() == KILLED
        seen.append(len(stored()))
    assert killed >= len(MOMENTS) - 1  # the last may come too late
    assert len({count for count in seen if 0 < count < EDITS}) >= 2  # in the middle of the work
    assert ForkedRun(*arguments).wait() == 0
    assert tree_of(out) == whole.tree
    assert stored() == stored(whole.cache)
