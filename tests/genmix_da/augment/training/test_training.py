"""Source training on originals plus GenMix: both modes, both budgets, resumed, and kept apart."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import lead.source
from genmix_da.adaptation import source_model
from genmix_da.augment import edits
from genmix_da.places import cache_folder
from genmix_da.runs.folder import RunFolder

SPLIT = ("--split", "3/1/2")
QUICK = (
    *SPLIT,
    *("--source-epochs", 1, "--epochs", 1, "--cluster-estimator", "features"),
)
GENMIX = ("--augment", "genmix", "--features", "off", "--edit-size", 32)
IMAGES, BATCH = 48, 8  # four source classes of twelve images; see TINY


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The learning rate of every optimiser step of source training."""
    rates: list[float] = []
    set_rate = lead.source.set_learning_rate

    def counted(*arguments: Any) -> float:
        rates.append(set_rate(*arguments))
        return rates[-1]

    monkeypatch.setattr(lead.source, "set_learning_rate", counted)
    return rates


def numbers(result: dict[str, Any]) -> Any:
    return result["scores"], result["source_only"]


def rows_of(folder: str) -> list[dict[str, Any]]:
    return [json.loads(x) for x in (Path(folder) / "manifest.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("mode", ["offline", "online"])
def test_both_modes_run_to_the_end(adapt: Callable, mode: str, tmp_path: Path) -> None:
    result = adapt(*QUICK, *GENMIX, "--augment-mode", mode, "--json").json()
    assert result["status"] == "done"
    assert result["method"] == "lead+genmix[filters]"
    augment = result["augment"]
    assert (augment["mode"], augment["budget"], augment["editor"]) == (mode, "steps", "filters")
    assert (augment["stand_in"], augment["features"], augment["per_image"]) == (True, "off", 2)
    made = result["source_model"]["augment"]
    assert (made["kept"], made["dropped"], made["failed"]) == (2 * IMAGES, 0, 0)
    assert made["stand_in"] is True
    if mode == "online":
        assert made["folder"] is None
        assert not (tmp_path / "runs" / "augmented").exists()
        return
    rows = rows_of(made["folder"])
    assert len(rows) == 2 * IMAGES
    assert {row["class"] for row in rows} == {"apple", "banana", "cherry", "date"}
    assert all((Path(made["folder"]) / row["output"]).is_file() for row in rows)
    assert (Path(made["folder"]) / "report.json").is_file()


def test_run_names_the_stand_in(adapt: Callable) -> None:
    outcome = adapt(*QUICK, *GENMIX)
    assert outcome.code == 0
    assert "a stand-in for a generative editor" in outcome.err


def test_none_of_it_without(adapt: Callable, tmp_path: Path) -> None:
    result = adapt(*QUICK, "--json").json()
    assert (result["method"], result["augment"]) == ("lead", None)
    assert result["source_model"]["augment"] is None
    assert not (tmp_path / "runs" / "augmented").exists()
    assert not (cache_folder() / "edits").exists()


@pytest.mark.parametrize("mode", ["offline", "online"])
def test_budget_of_steps_is_that_of_the_plain_model(
    adapt: Callable, steps: list[float], mode: str
) -> None:
    options = (*QUICK, "--source-epochs", 2)
    assert adapt(*options).code == 0
    plain = list(steps)
    assert len(plain) == 2 * (IMAGES // BATCH)
    steps.clear()
    out = ("--out", "equal")
    assert adapt(*options, *GENMIX, "--augment-mode", mode, *unique(out)).code == 0
    assert steps == plain  # as many, and the same schedule


def test_budget_of_epochs_takes_every_image(adapt: Callable, steps: list[float]) -> None:
    assert adapt(*QUICK, *GENMIX, "--budget", "epochs").code == 0
    assert len(steps) == 3 * IMAGES // BATCH


def unique(options: tuple[str, str]) -> tuple[str, str]:
    """--out beside the first run of the test."""
    return options[0], str(cache_folder().parent / "runs" / options[1])


def test_source_models_are_not_shared(adapt: Callable) -> None:
    kinds = {
        "plain": (),
        "offline": GENMIX,
        "online": (*GENMIX, "--augment-mode", "online"),
        "epochs": (*GENMIX, "--budget", "epochs"),
        "other lambda": (*GENMIX, "--lambda", 0.3),
    }
    folders = {}
    for name, options in kinds.items():
        result = adapt(*QUICK, *options, *unique(("--out", name)), "--json").json()
        assert result["source_model"]["reused"] is False, name
        folders[name] = result["source_model"]["folder"]
    assert len(set(folders.values())) == len(kinds)
    again = adapt(*QUICK, *GENMIX, *unique(("--out", "again")), "--tgt", "Product", "--json").json()
    assert again["source_model"]["reused"] is True
    assert again["source_model"]["folder"] == folders["offline"]
    assert again["source_model"]["augment"]["kept"] == 2 * IMAGES


def test_edits_are_made_once_for_all_seeds(
    adapt: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    make = edits.make_edits
    monkeypatch.setattr(
        edits, "make_edits", lambda *given: made.append(len(given[2])) or make(*given)
    )
    for number, options in enumerate([(), ("--seed", 3), ("--augment-mode", "online")]):
        assert adapt(*QUICK, *GENMIX, *options, *unique(("--out", str(number)))).code == 0
    assert sum(made) == 2 * IMAGES


def test_source_checkpoint_leaves_augmentation_out(adapt: Callable) -> None:
    first = adapt(*QUICK, *GENMIX, "--json").json()
    checkpoint = Path(first["source_model"]["folder"]) / "checkpoint.safetensors"
    options = ("--source-checkpoint", checkpoint, *unique(("--out", "second")), "--json")
    second = adapt(*QUICK, *GENMIX, *options).json()
    assert (second["method"], second["augment"]) == ("lead", None)
    assert second["scores"] == first["scores"]


@pytest.mark.parametrize("mode", ["offline", "online"])
def test_resumed_source_training_gives_the_same_scores(
    adapt: Callable, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    options = (*SPLIT, *GENMIX, "--augment-mode", mode, "--cluster-estimator", "features")
    whole = adapt(*options, *unique(("--out", "../whole/run")), "--json").json()
    epochs: list[int] = []
    train = source_model.train_source

    def counted(*given: Any, **rest: Any) -> Iterator[Any]:
        for epoch in train(*given, **rest):
            epochs.append(epoch.epoch)
            yield epoch

    monkeypatch.setattr(source_model, "train_source", counted)
    save = RunFolder.save_state

    def stopping(self: RunFolder, state: Any, metrics: list[dict[str, Any]]) -> None:
        save(self, state, metrics)
        if len(epochs) == 2:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunFolder, "save_state", stopping)
        assert adapt(*options).code == 130
    resumed = adapt(*options, "--resume", "--json").json()
    assert epochs == [1, 2, 3, 4]
    assert numbers(resumed) == numbers(whole)
    assert 0 < whole["scores"]["last"]["accuracy"] < 1  # the same zeros would say nothing


def test_interrupted_augmentation_is_gone_on_with(
    adapt: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    make = edits.make_edits

    def stopping(*given: Any) -> None:
        if len(made) == 20 and not stopped:
            stopped.append(True)
            raise KeyboardInterrupt
        make(*given)
        made.append(1)

    stopped: list[bool] = []
    monkeypatch.setattr(edits, "make_edits", stopping)
    assert adapt(*QUICK, *GENMIX).code == 130
    assert adapt(*QUICK, *GENMIX, "--resume").code == 0
    assert len(made) == 2 * IMAGES


def test_damaged_edit_is_named_online(adapt: Callable) -> None:
    options = (*QUICK, *GENMIX, "--augment-mode", "online")
    assert adapt(*options).code == 0
    (file,) = sorted((cache_folder() / "edits").rglob("*.jpg"))[:1]
    file.write_bytes(file.read_bytes()[:300] + b"\xff\xd9")  # whole to who looks at its end alone
    outcome = adapt(*options, "--seed", 9, *unique(("--out", "other")))
    assert outcome.code == 2
    assert str(file) in outcome.complaints[0]


def test_weights_of_the_backbone_select(adapt: Callable, tmp_path: Path) -> None:
    import timm
    import torch

    torch.manual_seed(0)
    weights = tmp_path / "weights.pth"
    torch.save(timm.create_model("test_efficientnet").state_dict(), weights)
    options = ("--weights", weights, "--features", "backbone", "--edit-size", 32, "--sigmas", 0.001)
    result = adapt(*QUICK, "--augment", "genmix", *options, "--json").json()
    made = result["source_model"]["augment"]
    assert made["features"] == "backbone timm:test_efficientnet"
    assert isinstance(made["threshold"], float)
    assert made["kept"] + made["dropped"] == 2 * IMAGES
    rows = rows_of(made["folder"])
    assert all(row["kept"] == (row["similarity"] >= row["threshold"]) for row in rows)
    assert sum(row["kept"] for row in rows) == made["kept"]
