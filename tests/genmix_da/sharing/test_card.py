"""Cards say what a model or data set is, what its numbers are and what to beware of."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from edited import described
from genmix_da.runs.seal import seal
from genmix_da.sharing.card import model_card
from genmix_da.sharing.data_card import data_card


def front(text: str) -> dict[str, Any]:
    """The head of a card, which hubs read."""
    _, head, _ = text.split("---\n", 2)
    return dict(yaml.safe_load(head))


@pytest.fixture
def changed(finished: Any, tmp_path: Path) -> Callable[..., Path]:
    """A copy of the run whose record says something else."""

    def make(**values: Any) -> Path:
        folder = tmp_path / "changed"
        shutil.copytree(finished.folder, folder)
        content = json.loads((folder / "result.json").read_text()) | values
        (folder / "result.json").write_text(json.dumps(seal(content)))
        return folder

    return make


def test_scores_stand_apart(finished: Any) -> None:
    text = model_card(finished.folder, "me/demo", "apache-2.0")
    scores = finished.result["scores"]
    lines = {
        cells[1].strip(): [cell.strip() for cell in cells[2:]]
        for line in text.splitlines()
        if line.startswith("| ") and len(cells := line.split("|")) > 5
    }
    for name in ("last", "selected", "oracle"):
        assert lines[name][0] == f"{100 * scores[name]['h_score']:.1f}"
        assert lines[name][4] == f"{100 * scores[name]['auroc']:.1f}"
    assert lines["source model"][0] == f"{100 * finished.result['source_only']['h_score']:.1f}"
    assert "no honest score" in lines["oracle"][-2]
    head = front(text)
    assert head["license"] == "apache-2.0"
    (entry,) = head["model-index"]
    assert entry["name"] == "me/demo"
    values = {m["type"]: m["value"] for m in entry["results"][0]["metrics"]}
    assert values["h_score"] == pytest.approx(scores["last"]["h_score"], abs=1e-6)
    assert 'load_model("hub:me/demo")' in text


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"seed": 7}, "One run, seed 7"),
        ({"duplicates": 3}, "3 images are in both"),
        ({"method": "ovanet"}, "not source-free"),
        ({"augment": {"editor": "filters", "stand_in": True}}, "a stand-in for a generative"),
        ({"augment": {"editor": "target-styled"}}, "has seen (unlabelled) images of the target"),
        (
            {"scores": {"last": None, "selected": None, "oracle": None}, "source_only": None,
             "graph": None},
            "The target has no labels: nothing was scored.",
        ),
    ],
)  # fmt: skip
def test_caveats(changed: Callable[..., Path], values: dict[str, Any], said: str) -> None:
    assert said in model_card(changed(**values))


def test_names_are_text(changed: Callable[..., Path]) -> None:
    text = model_card(changed(dataset="a|b <script>\n# c", source="*x*"))
    assert "a\\|b \\<script\\> \\# c" in text
    assert "\\*x\\*" in text
    assert front(text)["model-index"][0]["results"][0]["dataset"]["type"] == "a|b <script>\n# c"


def test_homes_are_not_named(changed: Callable[..., Path], finished: Any) -> None:
    provenance = finished.result["provenance"] | {
        "command": ["genmix-da", "adapt", "--data", "/home/somebody/photos"]
    }
    text = model_card(changed(provenance=provenance))
    assert "somebody" not in text
    assert "--data photos" in text


def test_a_target_without_labels(changed: Callable[..., Path], finished: Any) -> None:
    images = finished.result["images"] | {"target_unknown": None}
    folder = changed(images=images, split=[4, 0, 1])
    about = described(folder / "checkpoint.json")
    about["label_sets"] |= {"target_private": ["unknown"]}
    (folder / "checkpoint.json").write_text(json.dumps(about))
    text = model_card(folder)
    assert "(OPDA 4/0/?)" in text and "Unknown in the target" not in text
    assert "Whether the target held images of other classes is not known" in text


def test_a_classifier_has_a_card(classifier: Path) -> None:
    text = model_card(classifier, "me/flowers")
    (entry,) = front(text)["model-index"]
    assert entry["results"][0]["dataset"] == {"name": "Art", "type": "Art"}
    assert "- Images: train " in text
    assert "epoch chosen by test labels: no honest score" in text
    assert "A classifier of GenMix-DA" in text
    assert "It rejects nothing" in text
    assert "| last |" in text and "top-1" in text
    assert "domain-adaptation" not in front(text)["tags"]


def test_a_source_model_has_a_card(finished: Any) -> None:
    text = model_card(Path(finished.result["source_model"]["folder"]))
    assert "A source model of GenMix-DA" in text
    assert "None." in text


def test_card_of_augmented_images(data: Path, tmp_path: Path) -> None:
    from genmix_da.augment import AugmentSettings, augment_folder

    settings = AugmentSettings(features="off", size=32, per_image=1, editor="filters")
    augment_folder(data / "Art", tmp_path / "made", settings)
    text = data_card(tmp_path / "made", "me/made", "cc-by-4.0")
    assert "72 images of 6 classes" in text
    assert "stands in for a generative one" in text
    # Nothing was compared, and nothing else is said.
    assert "not compared with their originals" in text and "was not checked" in text
    assert "standard deviations" not in text and "by features alone" not in text
    assert "| apple | 12 |" in text
    assert front(text)["license"] == "cc-by-4.0"


def test_command_writes_the_card(run: Any, finished: Any, tmp_path: Path) -> None:
    out = tmp_path / "card.md"
    assert run("card", finished.folder, "--out", out).out.strip() == str(out)
    assert out.read_text() == model_card(finished.folder)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: folder / "missing", "no folder"),
        (lambda folder: folder.parent, "no checkpoint.safetensors"),
    ],
)
def test_what_has_no_card(
    run: Any, complaint: Any, finished: Any, make: Callable[[Path], Path], said: str
) -> None:
    assert said in complaint(run("card", make(finished.folder)))


def test_an_unfinished_run_has_no_card(
    run: Any, complaint: Any, changed: Callable[..., Path]
) -> None:
    folder = changed(status="incomplete")
    assert "is not finished (incomplete)" in complaint(run("card", folder))
    (folder / "result.json").write_text("{")
    assert "is damaged" in complaint(run("card", folder))
    (folder / "result.json").unlink()
    assert "no result.json in" in complaint(run("card", folder))
