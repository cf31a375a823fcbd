"""What images cost to make: their own time where they were made now, else a sample's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genmix_da.augment.cache import edit_cache, encode_jpeg
from genmix_da.augment.editors import filters
from genmix_da.classify.config import build_classify_config
from genmix_da.classify.generation import SAMPLE, generation_cost
from genmix_da.classify.method import resolve_method, training_images
from genmix_da.classify.task import ClassifyTask, prepare

EDITS = 60


@pytest.fixture
def task(data: Path, tiny: dict[str, Any]) -> ClassifyTask:
    options = {"augment": "genmix", "genmix": {"editor": "filters", "size": 32, "per_image": 1}}
    return prepare(build_classify_config({"data": data / "Art", **tiny, **options}))


def cost(task: ClassifyTask, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    method = resolve_method(task)
    record = training_images(task, method, folder).record
    assert record is not None
    assert method.source is not None
    return generation_cost(method.source, task.train.decoded.domain, record), record


@pytest.mark.parametrize("mode", ["offline", "online"])
def test_made_now(task: ClassifyTask, tmp_path: Path, mode: str) -> None:
    found, record = cost(task.with_config(augment_mode=mode), tmp_path)
    assert (found["edits"], found["made"], found["measured_on"]) == (EDITS, EDITS, EDITS)
    assert found["seconds"] == sum(record["seconds"].values()) > 0
    assert found["seconds_per_edit"] == found["seconds"] / EDITS


@pytest.mark.parametrize("mode", ["offline", "online"])
def test_taken_from_the_cache(
    task: ClassifyTask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    task = task.with_config(augment_mode=mode)
    cost(task, tmp_path)
    edited: list[int] = []
    edit = filters.FilterEditor.edit

    def counted(self: Any, images: Any, prompts: Any, seeds: Any) -> Any:
        edited.append(len(images))
        return edit(self, images, prompts, seeds)

    monkeypatch.setattr(filters.FilterEditor, "edit", counted)
    found, _ = cost(task, tmp_path)
    assert (found["edits"], found["made"], found["measured_on"]) == (EDITS, 0, SAMPLE)
    assert found["seconds"] == pytest.approx(EDITS * found["seconds_per_edit"])
    assert found["seconds"] > 0
    assert sum(edited) == SAMPLE + 1  # one to warm up


def test_the_sample_is_multiplied(
    task: ClassifyTask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An editor that takes half a second, by a clock that only it moves."""
    cost(task, tmp_path)
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])

    def slow(self: Any, images: Any, prompts: Any, seeds: Any) -> Any:
        now[0] += 0.5 * len(images)
        return [np.asarray(image) for image in images]

    monkeypatch.setattr(filters.FilterEditor, "edit", slow)
    found, _ = cost(task, tmp_path)
    assert found["seconds"] == pytest.approx(0.5 * EDITS)


def test_composing_and_writing_are_counted(
    task: ClassifyTask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tenth of a second for every file, by a clock that only writing moves: edit and image."""
    cost(task, tmp_path)
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])

    def slow(pixels: Any, quality: int = 95) -> bytes:
        now[0] += 0.1
        return encode_jpeg(pixels, quality)

    monkeypatch.setattr("genmix_da.augment.cache.encode_jpeg", slow)
    monkeypatch.setattr("genmix_da.augment.pipeline.encode_jpeg", slow)
    found, _ = cost(task, tmp_path)
    assert found["seconds"] == pytest.approx(0.2 * EDITS)
    online, _ = cost(task.with_config(augment_mode="online"), tmp_path)
    assert online["seconds"] == pytest.approx(0.1 * EDITS)


def test_the_users_cache_is_left_alone(task: ClassifyTask, tmp_path: Path) -> None:
    cost(task, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in edit_cache().folder.rglob("*")}
    cost(task, tmp_path)
    assert before == {path: path.stat().st_mtime_ns for path in edit_cache().folder.rglob("*")}


def test_comparing_is_counted(
    task: ClassifyTask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two pictures encoded an edit, one of them the original: 0.25 s each."""
    method = resolve_method(task)
    assert method.source is not None
    now = [0.0]

    class SlowEncoder:
        name = identity = "slow"

        def encode(self, images: Any) -> Any:
            now[0] += 0.25 * len(images)
            return np.ones((len(images), 4), dtype=np.float32)

    import dataclasses

    source = dataclasses.replace(method.source, encoder=SlowEncoder())
    record = {"kept": 30, "dropped": 30, "failed": 0, "made": 0, "seconds": {}}
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    found = generation_cost(source, task.train.decoded.domain, record)
    assert found["seconds"] == pytest.approx(0.5 * EDITS)
