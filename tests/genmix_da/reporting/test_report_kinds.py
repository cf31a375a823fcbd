"""Pages on other kinds of runs: partial adaptation, source-only, classification."""

from __future__ import annotations

import html
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genmix_da.reporting.rerun import rerun_command

CLASSIFY = (
    *("--backbone", "timm:test_efficientnet", "--weights", "none", "--image-size", "32"),
    *("--batch-size", "8", "--steps", "14", "--eval-every", "1", "--device", "cpu"),
    *("--fgsm", "2/255,8/255"),
)
GENMIX = ("--editor", "filters", "--features", "off", "--edit-size", "20", "--per-image", "1")


@pytest.fixture(scope="module")
def classified(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two classifications: none and genmix."""
    from genmix_da.cli import main

    folder = tmp_path_factory.mktemp("classified")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENMIX_DA_CACHE", str(folder / "cache"))
        for method, more in (("none", ()), ("genmix", GENMIX)):
            words = ["classify", "train", "--data", data / "Art", "--augment", method, *CLASSIFY]
            words += [*more, "--out", folder / "runs" / method]
            assert main([str(word) for word in words]) == 0
    return folder / "runs"


@pytest.fixture(scope="module")
def page(classified: Path, write_page: Callable[..., str]) -> str:
    """The page of both."""
    return write_page(classified)


def result_of(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return content


def test_classifications_are_scored_by_top1(classified: Path, page: str) -> None:
    shown = re.findall(r'data-score="([a-z_]+)" data-value="([^"]*)"', page)
    for method in ("none", "genmix"):
        value = result_of(classified / method)["scores"]["last"]["top1"]
        assert ("last", str(value)) in shown
    assert "source_only" not in dict(shown)
    assert "the share of test images whose likeliest class is the true one" in page
    assert "best epoch by TEST LABELS" in page
    assert "Grad-CAM" not in page
    assert "LEAD's own view" not in html.unescape(page)


def test_classifications_have_their_figures(classified: Path, page: str) -> None:
    page = html.unescape(page)
    result = result_of(classified / "genmix")
    clean = 100 * result["robustness"]["clean_error"]
    assert f"Percent of test images misclassified: {clean:.1f} without attack" in page
    right = round(result["scores"]["last"]["top1"] * result["images"]["test"])
    assert f"{right} of {result['images']['test']} images on the diagonal" in page
    assert "Top-1 accuracy in percent at an augmentation overhead in percent. Art: none" in page
    assert f"{result['made']['kept']} edits kept" in page
    assert 'alt="original of an image of' in page


def test_command_makes_the_same_classification(
    classified: Path, run: Callable, tmp_path: Path
) -> None:
    for method in ("none", "genmix"):
        result = result_of(classified / method)
        words = shlex.split(str(rerun_command(result, str(tmp_path / method))))
        assert words[:3] == ["genmix-da", "classify", "train"]
        again = run(*words[1:], "--json").json()
        assert again["identity"] == result["identity"]
        assert again["scores"] == result["scores"]


def test_partial_adaptation_has_no_threshold(altered: Callable, page_of: Callable) -> None:
    folder = altered(setting="pda")
    page = html.unescape(page_of(folder))
    assert "without rejection" in page
    assert "at the same threshold" not in page
    assert "Normalised entropy, nothing is rejected" in page
    assert "ROC curve of" not in page


def test_adabn_trains_nothing_and_has_no_choice_of_an_epoch(
    adapt: Callable, tmp_path: Path, page_of: Callable
) -> None:
    outcome = adapt("--method", "adabn", "--split", "3/1/2")
    assert outcome.code == 0, outcome.err
    page = html.unescape(page_of(tmp_path / "runs" / "run"))
    assert re.findall(r'data-score="([a-z_]+)"', page) == ["last", "source_only"]
    assert "adabn+graph" in page and "Scores per epoch" in page and "after adaptation" in page
    for absent in ("Losses of adaptation", "LEAD's own view", "cannot be used", "not found in"):
        assert absent not in page


def test_source_only_has_one_column_and_no_boundaries(altered: Callable, page_of: Callable) -> None:
    folder = altered(method="source-only")
    (folder / "evidence" / "after.npz").unlink()
    page = html.unescape(page_of(folder))
    assert re.findall(r'data-score="([a-z_]+)"', page) == ["source_only"]
    assert re.findall(r'data-graph="([a-z_]+)"', page) == ["source_only"]
    assert "source-only+graph" in page
    assert "LEAD's own view" not in page
    assert "not found in the run's evidence folder" not in page
    assert "Confusion matrix, source model" in page


def test_a_rival_s_page_speaks_of_that_method(adapt_once: Callable, write_page: Callable) -> None:
    given = ("--split", "3/1/2", "--augment", "none", "--method")
    page = html.unescape(write_page(adapt_once(*given, "ovanet", "--method-arg", "steps=4").folder))
    assert "LEAD's own view" not in page and "an earlier version wrote none" not in page
    assert "Measure of ovanet, rejected above " in page
    glc = html.unescape(write_page(adapt_once(*given, "glc").folder))
    assert "LEAD's own view" not in glc and "The number of target clusters" in glc
    assert "Normalised entropy, rejected above " in glc


def test_a_method_that_judges_sets_has_no_map_of_one_image(
    adapt_once: Callable, write_page: Callable
) -> None:
    given = ("--split", "3/1/2", "--augment", "none", "--method", "uniot")
    page = html.unescape(write_page(adapt_once(*given, "--method-arg", "steps=4").folder))
    assert "uniot judges all images of a target together" in page
