"""`classify attack`: errors under attack of a finished run, and the check on them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from genmix_da.classify import attack, robustness, train
from genmix_da.classify import training as loop
from genmix_da.classify.attack_run import load_classifier
from genmix_da.classify.attacks import cross_entropy
from genmix_da.classify.config import build_classify_config
from genmix_da.classify.network import ClassifierNetwork
from genmix_da.classify.robustness import attack_errors, error_at, masking_warning
from genmix_da.classify.task import prepare
from genmix_da.runs.folder import RunFolder


def test_errors_grow_with_the_radius(run_folder: Path) -> None:
    before = (run_folder / "result.json").read_text()
    found = attack(run_folder, radii=(1e-6, 4 / 255), epsilon=16 / 255)
    result = json.loads(before)
    assert found["identity"] == result["identity"]
    assert found["images"] == 12
    clean = found["clean_error"]
    assert clean == pytest.approx(1 - result["scores"]["last"]["top1"])
    assert [row["radius"] for row in found["fgsm"]] == [1e-6, 4 / 255, 16 / 255]
    errors = [row["error"] for row in found["fgsm"]]
    assert errors[0] == clean
    assert errors[-1] > clean
    assert found["pgd"]["error"] >= errors[-1]
    assert found["pgd"]["step_size"] == pytest.approx(2.5 * 16 / 255 / 10)
    assert found["warning"] is None
    assert json.loads((run_folder / "attack.json").read_text()) == found
    assert (run_folder / "result.json").read_text() == before


def test_no_radius_is_no_attack(run_folder: Path) -> None:
    found = attack(run_folder, radii=(0.0,), epsilon=0.0, pgd_restarts=1)
    clean = found["clean_error"]
    assert found["fgsm"] == [{"radius": 0.0, "error": clean}]
    assert found["pgd"]["error"] == clean
    assert found["strong"] == {"radius": 0.0, "restarts": 1, "error": clean}


def test_the_strong_check_finds_what_pgd_finds_and_more(run_folder: Path) -> None:
    weak, strong = (attack(run_folder, epsilon=1 / 255, pgd_restarts=count) for count in (0, 3))
    assert weak["strong"] is None
    assert strong["pgd"] == weak["pgd"]
    at = error_at(strong, 1 / 255)
    assert at is not None
    assert strong["strong"]["error"] >= max(strong["pgd"]["error"], at)


class Sure(torch.nn.Module):
    """So sure of itself that its cross-entropy is flat in float32, and no more robust."""

    def __init__(self, network: ClassifierNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = 1e6 * self.network(images)
        return logits


def test_the_margin_climbs_where_the_cross_entropy_is_flat(trained: Path) -> None:
    task = prepare(build_classify_config({}, trained / "config.yaml"))
    network = load_classifier(task, RunFolder(trained))
    sure: Any = Sure(network)
    plain = attack_errors(task, network, (), pgd_radius=16 / 255)
    flat = attack_errors(task, sure, (), pgd_radius=16 / 255, pgd_restarts=1)
    assert flat["pgd"]["error"] < plain["pgd"]["error"]
    assert flat["strong"]["error"] == plain["pgd"]["error"]


def test_the_batch_does_not_matter(run_folder: Path) -> None:
    found = [attack(run_folder, batch_size=size, pgd_restarts=1) for size in (1, 5, 64)]
    for name in ("fgsm", "pgd", "strong"):
        assert found[0][name] == found[1][name] == found[2][name]


def test_the_strong_check_climbs_both_losses_from_starts_of_its_own(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On images that nothing turns: a start for each loss and restart, none of them twice."""
    searched: list[tuple[str, torch.Tensor]] = []

    def spied(attacked: Any, pixels: Any, truth: Any, **search: Any) -> Any:
        searched.append((search.get("climbed", cross_entropy).__name__, search["start"]))
        return pixels

    monkeypatch.setattr(robustness, "pgd", spied)
    attack(run_folder, radii=(), epsilon=1e-9, pgd_restarts=2)
    assert [name for name, _ in searched] == ["cross_entropy", *["margin", "cross_entropy"] * 2]
    starts = [start for _, start in searched]
    assert all(bool((start.abs() <= 1e-9).all()) for start in starts)
    different = [not torch.equal(starts[1], other) for other in starts[2:]]
    assert different == [True] * 3


class Masked(torch.nn.Module):
    """Rounds its answers, so that every gradient is zero, yet is no more robust."""

    def __init__(self, network: ClassifierNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.network(inputs).detach() + 0 * inputs.sum(dim=(1, 2, 3))[:, None]


def test_hidden_gradients_leave_fgsm_without_effect(trained: Path) -> None:
    task = prepare(build_classify_config({}, trained / "config.yaml"))
    network: Any = Masked(load_classifier(task, RunFolder(trained)))
    found = attack_errors(task, network, (16 / 255,), pgd_radius=16 / 255)
    assert error_at(found, 16 / 255) == found["clean_error"] == found["pgd"]["error"]
    assert found["zero_gradients"] == 1
    said = masking_warning(found)
    assert said is not None
    assert said.startswith("the gradients of 100 % of the images are exactly zero: the network may")


def test_a_radius_named_twice_counts_once(trained: Path) -> None:
    task = prepare(build_classify_config({}, trained / "config.yaml"))
    network = load_classifier(task, RunFolder(trained))
    once = attack_errors(task, network, (2 / 255, 16 / 255))
    assert attack_errors(task, network, (16 / 255, 2 / 255, 16 / 255)) == once
    assert [row["radius"] for row in once["fgsm"]] == [2 / 255, 16 / 255]


def errors(fgsm: float, pgd: float, clean: float = 0.1, small: float = 0.9) -> dict[str, Any]:
    rows = [{"radius": 3.9 / 255, "error": small}, {"radius": 8 / 255, "error": fgsm}]
    strong = {"radius": 8 / 255, "steps": 10, "error": pgd}
    return {"clean_error": clean, "fgsm": rows, "pgd": strong, "zero_gradients": 0.0}


def test_pgd_that_errs_less_is_a_warning() -> None:
    assert masking_warning(errors(0.5, 0.5)) is None
    said = masking_warning(errors(0.5, 0.4))
    assert said is not None
    assert "PGD errs less often than FGSM at 8/255 (40.0 % against 50.0 %)" in said
    nothing = {"clean_error": 0.1, "fgsm": [], "pgd": None, "zero_gradients": None}
    assert masking_warning(nothing) is None


def test_a_large_radius_that_finds_hardly_anything_is_a_warning() -> None:
    said = masking_warning(errors(0.11, 0.11))
    assert said is not None
    assert "FGSM at 8/255 errs on 11.0 % of the images, hardly more than without an attack" in said
    assert masking_warning(errors(0.15, 0.15)) is None
    # A small radius may find nothing.
    assert masking_warning(errors(0.5, 0.5, small=0.1)) is None
    # Half of the images that are right is much, however few those are.
    assert masking_warning(errors(0.99, 0.99, clean=0.98)) is None
    everything = masking_warning(errors(1.0, 1.0, clean=1.0))
    assert everything is None  # nothing is left to find


def test_error_at_a_radius() -> None:
    assert error_at(errors(0.5, 0.4), 8 / 255) == 0.5
    assert error_at(errors(0.5, 0.4), 2 / 255) is None
    assert error_at(None, 8 / 255) is None


def test_attack_at_the_end_of_a_run(
    classify: Callable[..., Any], result_of: Callable[[], dict[str, Any]], folder: Path
) -> None:
    assert classify("--epochs", 1, "--fgsm", "2/255,8/255").code == 0
    result = result_of()
    last = result["scores"]["last"]["fgsm_error"]
    assert last == result["robustness"]["fgsm"][1]["error"]
    assert result["robustness"]["pgd"] is None
    assert error_at(attack(folder), 8 / 255) == last
    assert result["timing"]["seconds"]["attack"] > 0


def test_the_error_in_tables_is_at_the_configured_radius(
    classify: Callable[..., Any], result_of: Callable[[], dict[str, Any]]
) -> None:
    assert classify("--epochs", 1, "--fgsm", "2/255", "--epsilon", "4/255").code == 0
    assert result_of()["scores"]["last"]["fgsm_error"] is None


def test_fast_adversarial_training(
    data: Path,
    tmp_path: Path,
    tiny: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = []
    made = loop.fast_inputs

    def spied(attacked: Any, inputs: Any, weights: Any, radius: float, draw: Any) -> Any:
        found = made(attacked, inputs, weights, radius, draw)
        change = (attacked.pixels(found) - attacked.pixels(inputs)).abs().max()
        seen.append((radius, float(change)))
        return found

    monkeypatch.setattr(loop, "fast_inputs", spied)
    options = tiny | {"adversarial": "fast", "epsilon": "4/255", "epochs": 1, "augment": "mixup"}
    result = train(data=data / "Art", out=tmp_path / "fast", **options)
    assert result["method"] == "mixup (adversarial)"
    assert len(seen) == 7
    assert all(radius == 4 / 255 for radius, _ in seen)
    assert all(change == pytest.approx(4 / 255, abs=1e-5) for _, change in seen)
