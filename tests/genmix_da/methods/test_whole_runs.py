"""Every method as a run: what it opens, and that its checkpoint says the same afterwards."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genmix_da.adaptation import run as adaptation
from genmix_da.adaptation.config import AdaptConfig, build_config
from genmix_da.methods import METHODS
from genmix_da.use.evaluate import evaluate

OPTIONS: dict[str, Any] = {
    **{"src": "Art", "tgt": "Clipart", "epochs": 2, "source_epochs": 1, "batch_size": 8},
    **{"backbone": "timm:test_efficientnet", "weights": "none", "image_size": 32},
    **{"device": "cpu", "augment": "none"},
}
# Those on CLIP need its text tower: tests/genmix_da/frozen/test_clip_methods.py.
ANY_BACKBONE = {n: m for n, m in METHODS.items() if not (m.joint and m.joint.texts)}
SPLITS = {"opda": "3/1/2", "osda": "3/0/3", "pda": "3/3/0"}


@pytest.fixture
def pair(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The two domains alone, with a cache of their own: what is taken away is gone."""
    monkeypatch.setenv("GENMIX_DA_CACHE", str(tmp_path / "cache"))
    for domain in ("Art", "Clipart"):
        shutil.copytree(data / domain, tmp_path / "pair" / domain)
    return tmp_path / "pair"


@pytest.mark.parametrize(
    "name", [name for name, method in ANY_BACKBONE.items() if method.source_free]
)
def test_a_source_free_method_opens_no_source_image(
    name: str, pair: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    obtain = adaptation.obtain_source

    def and_take_the_source_away(task: Any, *arguments: Any) -> Any:
        found = obtain(task, *arguments)
        shutil.rmtree(pair / "Art")
        shutil.rmtree(tmp_path / "cache")
        object.__setattr__(task.source.decoded, "pixels", None)  # frozen
        return found

    monkeypatch.setattr(adaptation, "obtain_source", and_take_the_source_away)
    setting = METHODS[name].settings[0]
    options = OPTIONS | {"data": str(pair), "setting": setting, "split": SPLITS[setting]}
    result = adaptation.adapt(out=tmp_path / "run", method=name, **options)
    assert result["status"] == "done"


@pytest.mark.parametrize(
    ("name", "setting"),
    [(name, setting) for name, method in ANY_BACKBONE.items() for setting in method.settings],
)
def test_the_checkpoint_says_what_the_run_said(
    name: str, setting: str, data: Path, tmp_path: Path
) -> None:
    options = OPTIONS | {"data": str(data), "setting": setting, "split": SPLITS[setting]}
    result = adaptation.adapt(out=tmp_path / "run", method=name, **options)
    again = evaluate(tmp_path / "run", data=str(data), tgt="Clipart")
    for found, kept in (
        (again["scores"], result["scores"]["last"]),
        (again["graph"]["scores"], result["graph"]["last"]),
    ):
        for score in ("accuracy", "known_accuracy", "unknown_accuracy", "auroc"):
            assert found[score] == pytest.approx(kept[score], abs=1e-6), score
    if setting == "pda":
        assert result["scores"]["last"]["unknown_accuracy"] is None


@pytest.mark.parametrize("name", [name for name, m in ANY_BACKBONE.items() if not m.source_free])
def test_interrupted_between_epochs_and_gone_on_with(
    name: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A method with source data; the tests of resumed runs are of LEAD."""
    options = OPTIONS | {"data": str(data), "split": SPLITS["opda"], "method": name}
    whole = adaptation.adapt(out=tmp_path / "whole", **options)
    keep = adaptation.keep_evidence

    def stop(run: Path, task: Any, epoch: Any, last: int) -> None:
        if epoch.epoch == 2:
            raise KeyboardInterrupt
        keep(run, task, epoch, last)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(adaptation, "keep_evidence", stop)
        adaptation.adapt(out=tmp_path / "run", **options)
    resumed = adaptation.adapt(out=tmp_path / "run", resume=True, **options)
    assert resumed["scores"] == whole["scores"]
    assert resumed["graph"]["last"] == whole["graph"]["last"]


@pytest.mark.parametrize(
    ("method", "option", "said"),
    [
        ("ovanet", "entropy_wait=1", "did you mean 'entropy_weight'"),
        ("ovanet", "steps=0", "--method-arg steps is 0; it must be a whole number, at least 1"),
        ("ovanet", "steps=99999999999", "--method-arg steps is too large; at most 1e+06"),
        ("uniot", "clusters=100000", "--method-arg clusters is too large; at most 10000"),
        ("ovanet", f"entropy_weight={'9' * 400}", "--method-arg entropy_weight is too large"),
        ("ovanet", "entropy_weight=much", "it must be a number, at least 0"),
        ("ovanet", "steps=1", "steps is 1, fewer than the 20 epochs"),
        ("ovanet", "batch_size=5000", "use --method-arg batch_size="),
        ("dcc", "batch_size=1", "batch_size is 1; it must be a whole number, at least 2"),
        ("dcc", "temperature=0", "--method-arg temperature is 0; it must be above 0"),
        ("dcc", "rounds=2", "the target would never be clustered"),
        ("cmu", "older=0.3", "--method-arg older is 0.3; it must be 0 or 1"),
        ("cmu", "confident=2", "it must be a number from 0 to 1"),
        ("lead", "steps=3", "lead takes no --method-arg"),
    ],
)
def test_a_wrong_option_of_a_method_is_one_sentence(
    run: Callable,
    complaint: Callable,
    data: Path,
    tmp_path: Path,
    method: str,
    option: str,
    said: str,
) -> None:
    given = ("adapt", "--data", data, "--src", "Art", "--tgt", "Clipart", "--split", "3/1/2")
    given += ("--backbone", "timm:test_efficientnet", "--weights", "none", "--image-size", "32")
    given += ("--source-epochs", "1", "--batch-size", "8", "--out", tmp_path / "run")
    assert said in complaint(run(*given, "--method", method, "--method-arg", option))


def test_a_table_names_options_that_no_method_has(
    run: Callable, complaint: Callable, data: Path
) -> None:
    said = complaint(run("table", "--data", data, "--methods", "lead", "--method-arg", "steps=3"))
    assert "no method of --methods takes it" in said


def test_a_batch_that_was_asked_for_is_the_method_s_as_well() -> None:
    def resolved(**more: Any) -> AdaptConfig:
        config = AdaptConfig(src="A", tgt="B", method="ovanet", augment="none", **more)
        return config.with_profile("office-home")

    assert resolved().method_options["batch_size"] == 36
    assert resolved(batch_size=8).method_options["batch_size"] is None
    chosen = resolved(batch_size=8, method_options={"batch_size": 5, "entropy_weight": "1e-3"})
    assert (chosen.method_options["batch_size"], chosen.method_options["steps"]) == (5, 10000)
    assert chosen.method_options["entropy_weight"] == 0.001
    frozen = resolved(freeze_backbone=True).method_options
    assert (frozen["batch_size"], frozen["steps"]) == (None, None)


GENMIX = {"editor": "filters", "features": "off", "per_image": 1, "size": 32}


@pytest.mark.parametrize(("name", "mode"), [("ovanet", "offline"), ("dcc", "online")])
def test_a_given_source_model_leaves_the_method_its_own_images(
    name: str, mode: str, data: Path, tmp_path: Path
) -> None:
    """A method with source data trains on GenMix's images, whoever made the source model."""
    options = OPTIONS | {"data": str(data), "split": SPLITS["opda"], "augment": None}
    first = adaptation.adapt(out=tmp_path / "first", method=name, **options)
    model = first["source_model"]["folder"]  # or the file in it
    mixed = adaptation.adapt(
        out=tmp_path / "mixed",
        method=f"{name}+genmix",
        augment_mode=mode,
        genmix=GENMIX,
        source_checkpoint=model,
        **options,
    )
    assert mixed["method"] == f"{name}+genmix[filters]"
    assert mixed["scores"] != first["scores"]
    assert mixed["source_only"] == first["source_only"]


def test_a_method_named_in_a_file_needs_no_augment_beside_it(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("method: ovanet\n")
    assert build_config({"src": "A", "tgt": "B"}, file).augment == "none"
