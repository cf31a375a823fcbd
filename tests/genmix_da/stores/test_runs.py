"""Runs, tables and edits behind URLs, used from machines with caches of their own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genmix_da import caches
from genmix_da.augment.cache import edit_cache
from genmix_da.places import store_copies, user_path
from lead.checkpoint import read_tensors

OUT = "memory://bucket/runs/run"
SMALL = ("--epochs", "3", "--split", "3/1/2", "--no-graph")


@pytest.fixture
def finished(adapt: Callable, bucket: Any) -> Any:
    """A run behind a URL; its record."""
    outcome = adapt(*SMALL, "--out", OUT)
    assert outcome.code == 0, outcome.err
    assert f"Run folder: {OUT} (" in outcome.out
    return json.loads(bucket.cat("/bucket/runs/run/result.json"))


def test_a_run_is_where_its_url_says(finished: dict[str, Any], bucket: Any) -> None:
    names = {name.removeprefix("/bucket/runs/") for name in bucket.find("/bucket/runs")}
    of_run = {name.removeprefix("run/") for name in names if name.startswith("run/")}
    assert {"config.yaml", "result.json", "log.txt", "metrics.jsonl"} <= of_run
    assert {"checkpoint.safetensors", "checkpoint.json", "predictions.csv"} <= of_run
    assert not [name for name in names if "state" in name or name.endswith(".tmp")]
    source = finished["source_model"]["folder"]
    assert source.startswith("memory://bucket/runs/sources/Art-")
    assert bucket.exists(f"{source}/checkpoint.safetensors")
    assert b"adapting to" in bucket.cat("/bucket/runs/run/log.txt")


def test_a_run_is_used_elsewhere(
    finished: Any, bucket: Any, elsewhere: Callable, run: Callable, data: Path, tmp_path: Path
) -> None:
    elsewhere("other")
    outcome = run("predict", OUT, data / "Clipart", "--out", "memory://bucket/p.csv")
    assert outcome.code == 0, outcome.err
    assert outcome.out.strip().endswith(" unknown: memory://bucket/p.csv")
    assert bucket.cat("/bucket/p.csv").count(b"\n") > 6
    assert run("evaluate", OUT, "--data", data, "--tgt", "Product").code == 0
    outcome = run("report", OUT, "-o", "memory://bucket/r.html", "--figures", tmp_path / "figures")
    assert outcome.out.strip() == "memory://bucket/r.html", outcome.err
    page = bucket.cat("/bucket/r.html").decode()
    assert "Grad-CAM" in page and f"<code>{OUT}</code>" in page
    assert str(store_copies()) not in page and "GENMIX_DA_CACHE/remote" not in page
    assert run("card", OUT).out.strip() == f"{OUT}/README.md"
    assert bucket.exists("/bucket/runs/run/README.md")
    assert run("report", "memory://bucket/none").code == 2


def test_an_interrupted_run_goes_on_elsewhere(
    finished: dict[str, Any],
    adapt: Callable,
    bucket: Any,
    elsewhere: Callable,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from genmix_da.adaptation import run as module

    out, kept = "memory://bucket/runs/cut", module.keep_evidence

    def dies(path: Path, task: Any, epoch: Any, last: int) -> None:
        if epoch.epoch == 2:
            raise KeyboardInterrupt
        kept(path, task, epoch, last)

    with monkeypatch.context() as patch:
        patch.setattr(module, "keep_evidence", dies)
        assert adapt(*SMALL, "--out", out).code not in (0, 2)
    assert bucket.exists("/bucket/runs/cut/state.pt")
    elsewhere("other")
    assert f"{out} already holds an unfinished run" in adapt(*SMALL, "--out", out).err
    outcome = adapt(*SMALL, "--out", out, "--resume")
    assert outcome.code == 0, outcome.err
    assert "source model: reusing memory://bucket/runs/sources/Art-" in outcome.err
    record = json.loads(bucket.cat("/bucket/runs/cut/result.json"))
    assert record["scores"] == finished["scores"]
    first, second = (user_path(f"memory://bucket/runs/{name}") for name in ("run", "cut"))
    bucket.get("/bucket/runs/run/checkpoint.safetensors", str(first / "checkpoint.safetensors"))
    tensors = [read_tensors(path / "checkpoint.safetensors") for path in (first, second)]
    assert all(tensors[0][name].equal(tensors[1][name]) for name in tensors[0])
    assert not bucket.exists("/bucket/runs/cut/state.pt")


def test_settings_and_source_models_are_read_from_urls(
    finished: dict[str, Any], adapt: Callable, elsewhere: Callable, tmp_path: Path
) -> None:
    elsewhere("other")
    source = finished["source_model"]["folder"]
    outcome = adapt("--config", f"{OUT}/config.yaml", "--source-checkpoint", source, *SMALL)
    assert outcome.code == 0, outcome.err
    record = json.loads((tmp_path / "runs" / "run" / "result.json").read_text())
    assert record["scores"] == finished["scores"]


def test_a_table_is_gone_on_with_elsewhere(
    run: Callable, tiny_table: tuple, bucket: Any, elsewhere: Callable
) -> None:
    given = (*tiny_table, "--out", "memory://bucket/table")
    outcome = run(*given)
    assert outcome.code == 0, outcome.err
    assert "memory://bucket/table/table.md" in outcome.out
    elsewhere("other")
    missing = run(*given, "--seeds", "1,2", "--dry-run", "--json").json()
    left = {stage: len(jobs) for stage, jobs in missing.items() if jobs}
    assert left == {"source": 1, "adapt": 2}
    assert not list(store_copies().rglob("*.safetensors"))  # a table reads none
    assert run(*given, "--seeds", "1,2").code == 0
    table = json.loads(bucket.cat("/bucket/table/table.json"))
    assert [row["state"] for row in table["runs"]] == ["done"] * 4


def test_edits_are_made_once_for_all_machines(
    run: Callable, data: Path, bucket: Any, elsewhere: Callable, tmp_path: Path
) -> None:
    given = ("--editor", "filters", "--per-image", "1")
    elsewhere("one", "memory://bucket/cache")
    outcome = run("augment", data / "Art", "memory://bucket/more", *given)
    assert outcome.code == 0, outcome.err
    images = len(bucket.glob("/bucket/more/**/*.jpg"))
    assert f"{images} edits made now, {images} images written: memory://bucket/more" in outcome.out
    assert bucket.exists("/bucket/more/manifest.jsonl")
    assert len(bucket.glob("/bucket/cache/edits/*/*.jpg")) == images
    elsewhere("two", "memory://bucket/cache")
    assert f"{images} of them in the cache" in run("augment", data / "Art", "--dry-run", *given).out
    outcome = run("augment", data / "Art", tmp_path / "same", *given)
    assert f"0 edits made now, {images} images written" in outcome.out, outcome.err
    for path in (tmp_path / "same").rglob("*.jpg"):
        inner = path.relative_to(tmp_path / "same")
        assert path.read_bytes() == bucket.cat(f"/bucket/more/{inner}")
    again = run("augment", data / "Art", "memory://bucket/more", *given, "--resume")
    assert "0 edits made now, 0 images written" in again.out, again.err


def test_a_damaged_edit_of_a_store_is_made_again(
    run: Callable, data: Path, bucket: Any, elsewhere: Callable, tmp_path: Path
) -> None:
    given = ("augment", data / "Art", "--editor", "filters", "--per-image", "1")
    elsewhere("one", "memory://bucket/cache")
    assert run(*given, tmp_path / "a").code == 0
    edit = bucket.glob("/bucket/cache/edits/*/*.jpg")[0]
    whole = bucket.cat(edit)
    bucket.pipe(edit, whole[: len(whole) // 2])
    elsewhere("two", "memory://bucket/cache")
    outcome = run(*given, tmp_path / "b")
    assert outcome.code == 2 and "an edit vanished from the cache" in outcome.err
    outcome = run(*given, tmp_path / "b", "--resume")
    assert outcome.code == 0 and "1 edits made now" in outcome.out, outcome.err
    assert bucket.cat(edit) == whole


def test_what_an_interrupted_augmentation_left_is_sent(
    run: Callable, data: Path, bucket: Any, elsewhere: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    from genmix_da.augment import edits, pipeline

    given = ("augment", data / "Art", "memory://bucket/more", "--editor", "filters")
    given = (*given, "--per-image", "1")
    elsewhere("one", "memory://bucket/cache")
    written = pipeline.note_written

    def interrupted(*arguments: Any) -> None:
        written(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "note_written", interrupted)
        assert run(*given).code == 130
    lost = next(user_path("memory://bucket/cache/edits").rglob("*.jpg"))
    bucket.rm(f"/bucket/cache/edits/{lost.parent.name}/{lost.name}")
    (notes,) = store_copies().glob(f".notes/memory/bucket/cache/edits/{lost.parent.name}/*")
    notes.unlink()
    edits._send_rest.cache_clear()  # of another process
    assert run(*given, "--resume").code == 0
    assert bucket.exists(f"/bucket/cache/edits/{lost.parent.name}/{lost.name}")
    images = len(bucket.glob("/bucket/more/**/*.jpg"))
    assert images == bucket.cat("/bucket/more/manifest.jsonl").count(b'"status": "kept"')


def test_a_local_copy_of_an_edit_that_is_damaged_is_fetched_again(
    bucket: Any, elsewhere: Callable
) -> None:
    import numpy as np

    elsewhere("one", "memory://bucket/cache")
    edit_cache().put("ab12", np.zeros((8, 8, 3), np.uint8))
    path = edit_cache().path("ab12")
    path.write_bytes(b"cut off")
    assert isinstance(edit_cache().get("ab12"), np.ndarray)
    assert bucket.exists("/bucket/cache/edits/ab/ab12.jpg")


def test_features_of_edits_are_shared(bucket: Any, elsewhere: Callable) -> None:
    import numpy as np

    elsewhere("one", "memory://bucket/cache")
    edit_cache().put_feature("ab12", np.arange(3, dtype=np.float32))
    edit_cache().put_failure("cd34", "black")
    edit_cache().note_retry("ef56")
    elsewhere("two", "memory://bucket/cache")
    found = edit_cache().feature("ab12")
    assert found is not None and found.tolist() == [0, 1, 2]
    assert edit_cache().has("cd34") and edit_cache().failure("cd34").reason == "black"
    assert edit_cache().was_retried("ef56") and not edit_cache().has("ef56")


def test_a_name_with_a_dot_is_a_folder(
    finished: Any, bucket: Any, elsewhere: Callable, run: Callable, data: Path, tmp_path: Path
) -> None:
    bucket.copy("/bucket/runs/run", "/bucket/runs/lr0.01", recursive=True)
    elsewhere("other")
    given = ("predict", "memory://bucket/runs/lr0.01", data / "Clipart", "--out", tmp_path / "p")
    assert run(*given).code == 0
    assert [path.name for path in user_path("memory://bucket/runs").iterdir()] == ["lr0.01"]


def test_a_state_that_was_overtaken_is_dropped(finished: Any, adapt: Callable, bucket: Any) -> None:
    (user_path(OUT) / "state.pt").write_text("of a machine that was interrupted")
    assert adapt(*SMALL, "--out", OUT, "--resume").code == 0
    assert not bucket.exists("/bucket/runs/run/state.pt")


def test_pruning_leaves_what_was_not_sent(finished: Any, bucket: Any) -> None:
    copy = user_path(OUT)
    (copy / "metrics.jsonl").write_text("not sent\n")
    caches.prune(["remote"])
    assert [path.name for path in copy.rglob("*") if path.is_file()] == ["metrics.jsonl"]
    caches.prune(["remote"])
    assert bucket.exists("/bucket/runs/run/checkpoint.safetensors")


def test_pre_trainings_and_classifiers_are_used_from_urls(
    run: Callable, data: Path, bucket: Any, elsewhere: Callable
) -> None:
    tiny = ("--backbone", "timm:test_efficientnet", "--image-size", "32", "--device", "cpu")
    given = ("--data", data / "Art", *tiny, "--batch-size", "4", "--epochs", "1")
    outcome = run("ssl", "train", *given, "--weights", "none", "--out", "memory://bucket/ssl")
    assert outcome.code == 0, outcome.err
    elsewhere("other")
    outcome = run("ssl", "probe", "memory://bucket/ssl", "--data", data / "Art")
    assert outcome.code == 0, outcome.err
    weights = ("--weights", "memory://bucket/ssl/checkpoint.safetensors", "--augment", "none")
    outcome = run("classify", "train", *given, *weights, "--out", "memory://bucket/classifier")
    assert outcome.code == 0, outcome.err
    elsewhere("third")
    assert run("classify", "attack", "memory://bucket/classifier").code == 0
    assert bucket.exists("/bucket/classifier/attack.json")
