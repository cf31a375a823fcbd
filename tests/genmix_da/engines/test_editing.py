"""Edits made on an engine: the same as here, whatever happens to a worker."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import edit_workers
from engine_cases import RAY
from genmix_da.augment import AugmentSettings, augment_domain, augment_folder
from genmix_da.augment.editors import make_editor
from genmix_da.augment.shards import Done, EditShard, Filled, Order, edit_shard
from genmix_da.augment.spread import edit_on_engine, fill_on_engine
from genmix_da.data.domain import Domain
from genmix_da.data.grey import GreyRange
from genmix_da.data.sources import training_images
from genmix_da.engines.base import Engine, Outcome
from genmix_da.engines.choose import parse_engine
from genmix_da.engines.local import LocalEngine
from genmix_da.errors import UserError

S = AugmentSettings(editor="filters", features="off", size=32, per_image=1, masks=())
OPTIONS = (
    *("--editor", "filters", "--features", "off", "--edit-size", "32", "--per-image", "1"),
    *("--masks", "none"),
)
IMAGES = 72


class Here:
    """An engine that is another by name, works here, and may have its own idea of the work."""

    def __init__(self, work: Callable | None = None) -> None:
        self.name, self.work = "workers:1", work
        self.items: list[EditShard] = []

    def run(self, work: Callable, items: Iterable, *, progress: str = "") -> Iterator[Outcome]:
        def noted() -> Iterator[EditShard]:
            for item in items:
                self.items.append(item)
                yield item

        yield from LocalEngine().run(self.work or work, noted(), progress=progress)


class With:
    """An engine that does something else with the shards."""

    def __init__(self, engine: Engine, work: Callable) -> None:
        self.engine, self.work = engine, work
        self.name = engine.name

    def run(self, work: Callable, items: Iterable, *, progress: str = "") -> Iterator[Outcome]:
        yield from self.engine.run(self.work, items, progress=progress)


@pytest.fixture(scope="module")
def source(data: Path) -> Path:
    return data / "Art"


@pytest.fixture
def tree() -> Callable[[Path], dict[str, bytes]]:
    """Every file of a folder but its record, which holds when it was made."""

    def read(folder: Path) -> dict[str, bytes]:
        files = [path for path in folder.rglob("*") if path.is_file()]
        found = {str(path.relative_to(folder)): path.read_bytes() for path in files}
        del found["augment.json"]
        return found

    return read


@pytest.mark.parametrize("engine", ["workers:2", RAY], indirect=True)
def test_the_result_is_that_of_this_process(
    engine: Engine,
    source: Path,
    tmp_path: Path,
    tree: Callable,
    run: Callable,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there = run("augment", source, tmp_path / "there", *OPTIONS, "--engine", engine.name)
    assert there.code == 0, there.err
    assert f"{IMAGES} edits made now, {IMAGES} images written" in there.out
    monkeypatch.setenv("GENMIX_DA_CACHE", str(tmp_path / "other"))
    assert run("augment", source, tmp_path / "here", *OPTIONS).code == 0
    assert tree(tmp_path / "there") == tree(tmp_path / "here")
    assert len(tree(tmp_path / "there")) > IMAGES


def test_a_worker_that_is_killed_costs_nothing(
    source: Path, tmp_path: Path, tree: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    engine = With(parse_engine("workers:2"), edit_workers.killed_once)
    done = augment_folder(source, tmp_path / "killed", S, engine=engine)
    assert "images 5 to 8: its worker process was killed" in caplog.text
    assert "attempt 2 of 3" in caplog.text
    assert done.written == IMAGES
    augment_folder(source, tmp_path / "whole", S)
    assert tree(tmp_path / "killed") == tree(tmp_path / "whole")


def test_a_shard_that_kills_leaves_the_others_and_resume_goes_on(
    source: Path, tmp_path: Path, tree: Callable
) -> None:
    domain, out = training_images(source), tmp_path / "out"
    with pytest.raises(UserError) as caught:
        augment_domain(
            domain, out, S, engine=With(parse_engine("workers:2"), edit_workers.killed_always)
        )
    said = str(caught.value)
    assert f"68 of {IMAGES} images are edited and kept; the same command with --resume" in said
    assert "images 5 to 8: its worker process was killed by SIGKILL" in said
    assert "(3 attempts)" in said
    made = augment_domain(domain, out, S, resume=True, engine="workers:2")
    assert made.selection.made == 4
    assert made.written == IMAGES


def test_the_same_trouble_everywhere_ends_the_work(source: Path) -> None:
    def refuse(shard: EditShard) -> Done:
        raise UserError("the editor has no weights.")

    engine = Here(refuse)
    with pytest.raises(UserError) as caught:
        fill_on_engine(training_images(source), S, engine)
    assert f"0 of {IMAGES} images are edited" in str(caught.value)
    assert str(caught.value).endswith("(images 1 to 4: the editor has no weights).")
    assert len(engine.items) == 5


def test_a_cache_that_is_not_shared_is_told(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genmix_da.augment.spread._WAIT", 0.0)
    engine = With(parse_engine("workers:1"), edit_workers.elsewhere)
    with pytest.raises(UserError, match="set GENMIX_DA_CACHE to a folder that all nodes share"):
        fill_on_engine(training_images(source), S, engine)


def test_a_shard_holds_its_own_paths_and_nothing_else(tmp_path: Path) -> None:
    images = tuple(tmp_path / "class" / f"{number:06}.jpg" for number in range(50_000))
    domain = Domain("large", tmp_path, images, ("class",) * len(images), ("class",))

    def nothing(shard: EditShard) -> Done:
        return Done(Filled(len(shard.images), 0, len(shard.images), 0, 0, ""), "")

    engine = Here(nothing)
    edit_on_engine(domain, make_editor("filters"), S, engine)
    assert [name for shard in engine.items for name in shard.images] == list(map(str, images))
    sizes = [len(pickle.dumps(shard)) for shard in engine.items]
    assert max(sizes) < 100_000  # what is larger goes into Ray's object store
    assert max(len(shard.images) for shard in engine.items) > 400


def test_an_image_that_cannot_be_read_is_named_once(
    photos_with_one_broken: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    run: Callable,
) -> None:
    done = augment_folder(photos_with_one_broken, tmp_path / "out", S, engine="workers:1")
    assert len(done.selection.skipped) == 1 and done.written == 2
    assert caplog.text.count("skipped") == 1
    caplog.clear()
    found = run("augment", photos_with_one_broken, *OPTIONS, "--only-edit", "--engine", "workers:1")
    assert "2 edits of 2 images are in the cache, 0 made now, 0 failed" in found.out
    assert found.err.count("skipped") == 1


@pytest.fixture
def photos_with_one_broken(source: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "in" / "class"
    folder.mkdir(parents=True)
    for number, image in enumerate(sorted(source.rglob("*.png"))[:2]):
        (folder / f"{number}.png").write_bytes(image.read_bytes())
    (folder / "9.png").write_bytes(b"broken")
    return folder.parent


def test_deep_grey_is_that_of_the_whole_data_set(source: Path, tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    folder = tmp_path / "in" / "class"
    folder.mkdir(parents=True)
    draw = np.random.default_rng(0)
    for number in range(9):  # the last alone has more than 10 bits
        top = 4000 if number == 8 else 1000
        pixels = draw.integers(0, top, (40, 40)).astype(np.uint16)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    engine = Here()
    domain = training_images(folder.parent)
    filled = fill_on_engine(domain, S, engine)
    assert filled.made == 9
    assert {shard.order.grey for shard in engine.items} == {"0.0,4095.0"}
    assert augment_domain(domain, tmp_path / "out", S).selection.made == 0


def order(grey: str = "auto", **changes: object) -> Order:
    made = Order(S, "cpu", dict(make_editor("filters").settings), "name", ".", grey, quiet=True)
    return replace(made, **changes)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"editor_settings": {"version": 0}}, "filters has another version on .* than where"),
        ({}, "has none of images 1 to 1, the first .*missing.png; the data must lie on"),
    ],
)
def test_what_a_worker_refuses(changes: dict, expected: str) -> None:
    with pytest.raises(UserError, match=expected):
        edit_shard(EditShard(order(**changes), 0, ("missing.png",), None))


def test_auto_is_one_editor_everywhere(source: Path) -> None:
    engine = Here()
    fill_on_engine(training_images(source), replace(S, editor="auto"), engine)
    assert {shard.order.settings.editor for shard in engine.items} == {"filters"}


def test_ranges_that_are_named_are_passed_on() -> None:
    from genmix_da.augment.spread import _found_grey

    assert [_found_grey(GreyRange((), choice)) for choice in ("auto", "full", "1,9")] == [
        *("auto", "full", "1,9")
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--engine", "workers:2", "--devices", "cpu,cpu"), "--devices and --engine workers:2 ex"),
        (("--engine", "ray", "--devices", "cuda:0,cuda:1"), "--devices and --engine ray exclude"),
        (("--engine", "workers:2", "--shard", "1/2"), "--shard and --engine exclude each other"),
        (("--engine", "workers"), "did you mean workers:2?"),
        (("--ray-address", "head:1"), "--ray-address is for --engine ray"),
        (("--gpus-per-job", "1"), "--gpus-per-job is for --engine workers:N and ray"),
    ],
)
def test_what_is_refused(
    run: Callable,
    complaint: Callable,
    source: Path,
    tmp_path: Path,
    options: tuple[str, ...],
    expected: str,
) -> None:
    assert expected in complaint(run("augment", source, tmp_path / "out", *OPTIONS, *options))
    assert not (tmp_path / "out").exists()


def test_a_slow_editor_is_asked_about_first(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from genmix_da.augment.editors.filters import FilterEditor

    monkeypatch.setattr(FilterEditor, "slow", True)
    monkeypatch.setattr(FilterEditor, "seconds_per_edit", lambda self: 60.0)
    engine = Here()
    with pytest.raises(UserError, match=f"{IMAGES} edits with filters would take 1.2 hours"):
        augment_folder(source, tmp_path / "out", S, engine=engine)
    with pytest.raises(UserError, match="would take"):
        fill_on_engine(training_images(source), S, engine)
    assert not engine.items and not (tmp_path / "out").exists()


def test_one_line_of_progress_over_all_shards(
    source: Path, monkeypatch: pytest.MonkeyPatch, run: Callable
) -> None:
    from contextlib import contextmanager

    told: list[tuple[str, int, int]] = []

    @contextmanager
    def bar(description: str) -> Iterator[Callable[[int, int], None]]:
        yield lambda done, total: told.append((description, done, total))

    for place in ("augment.spread", "engines.supply"):
        monkeypatch.setattr(f"genmix_da.{place}.bar", bar)
    found = run(
        "augment", source, *OPTIONS, "--only-edit", "--engine", "workers:2", "--json"
    ).json()
    assert found["made"] == IMAGES
    assert {(description, total) for description, _, total in told} == {("editing", IMAGES)}
    counted = [done for _, done, _ in told]
    assert counted == sorted(counted) and counted[0] == 0 and counted[-1] == IMAGES
