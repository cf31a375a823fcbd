"""Probes of a finished pre-training: scores, their record, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from genmix_da.classify.tables import published
from genmix_da.classify.tables.published import printed_self_supervised
from genmix_da.errors import UserError
from genmix_da.runs.seal import digest_of
from genmix_da.selfsupervised import probe, train
from genmix_da.selfsupervised import published as beside
from lead.backbones import build_backbone


@pytest.fixture
def run(pretrained: Path, tmp_path: Path) -> Path:
    """A copy of the finished run."""
    shutil.copytree(pretrained, tmp_path / "run")
    return tmp_path / "run"


def test_scores_of_the_trained_and_the_beginning_backbone(run: Path, data: Path) -> None:
    found = probe(run, data=str(data / "Art"))
    assert found["images"] == {"train": 60, "test": 12}
    assert found["neighbours"] == 60  # of 200 that were asked for
    assert found["seen"] == 12  # pre-trained on the whole domain
    for scores in (found["trained"], found["start"]):
        assert all(scores[name] * 12 == pytest.approx(round(scores[name] * 12)) for name in _TOP)
        assert scores["linear"] > 0.5  # hues are told apart; chance is a sixth
    assert found["published"] == []


_TOP = ("knn", "linear")


def test_probes_of_several_data_sets_stand_side_by_side(run: Path, data: Path) -> None:
    first = probe(run, data=str(data / "Art"))
    second = probe(run, data=str(data / "Clipart"), shots=3)
    assert (second["images"]["train"], second["seen"]) == (18, 0)
    again = probe(run, data=str(data / "Art"))
    content = json.loads((run / "probe.json").read_text())
    assert content["digest"] == digest_of(content)
    assert content["identity"] == json.loads((run / "result.json").read_text())["identity"]
    assert [found["dataset"] for found in content["probes"].values()] == ["Art", "Clipart"]
    assert (again["trained"], again["start"]) == (first["trained"], first["start"])


def test_other_test_images(run: Path, data: Path) -> None:
    found = probe(run, data=str(data / "Art"), test_data=str(data / "Product"))
    assert found["images"] == {"train": 72, "test": 72}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"neighbours": 0}, "--neighbours is 0"),
        ({"temperature": 0.0}, "--temperature is 0.0"),
        ({"test_fraction": 2.0}, "--test-fraction is 2.0"),
        ({"epochs": 3}, "probe takes no epochs"),
        ({"data": "/nowhere"}, "nowhere"),
    ],
)
def test_refused(run: Path, data: Path, given: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        probe(run, **{"data": str(data / "Art"), **given})
    assert not (run / "probe.json").exists()


def test_no_pretraining(run: Path, data: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no run folder of genmix-da ssl train"):
        probe(tmp_path, data=str(data / "Art"))
    (run / "result.json").unlink()
    with pytest.raises(UserError, match="holds no finished pre-training"):
        probe(run, data=str(data / "Art"))


def test_a_record_that_was_changed_is_refused(run: Path, data: Path) -> None:
    result = json.loads((run / "result.json").read_text())
    (run / "result.json").write_text(json.dumps(result | {"provenance": None}))
    with pytest.raises(UserError, match="does not say what the pre-training began with"):
        probe(run, data=str(data / "Art"))


def test_an_edited_file_is_refused(run: Path, data: Path) -> None:
    probe(run, data=str(data / "Art"))
    text = (run / "probe.json").read_text()
    (run / "probe.json").write_text(text.replace('"seen": 12', '"seen": 0'))
    with pytest.raises(UserError, match="was edited"):
        probe(run, data=str(data / "Art"))


def test_printed_rows_stand_beside_resnet50_on_the_whole_test_part_alone() -> None:
    asked: dict[str, Any] = {"framework": "moco-v2", "backbone": "resnet50", "tested": 6149}
    asked |= {"random": True, "whole": True}
    rows = printed_self_supervised("Flowers102", **asked)
    assert [row.method for row in rows] == ["none", "DiffuseMix", "GenMix"]
    assert [row.value for row in rows] == pytest.approx([0.8031, 0.8215, 0.8357])
    sim = printed_self_supervised("Flowers102", **asked | {"framework": "simsiam"})
    assert [row.value for row in sim] == pytest.approx([0.8693, 0.8924, 0.9045])
    for other in ({"backbone": "resnet18"}, {"random": False}, {"whole": False}, {"tested": 1020}):
        assert not printed_self_supervised("Flowers102", **asked | other)
    assert not printed_self_supervised(None, **asked)


def test_printed_rows_of_a_probe(run: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve test images of six classes stand for a printed set, any network for ResNet-50."""
    monkeypatch.setitem(published._SIZES, "Flowers102", (6, {"test": 12}))
    monkeypatch.setitem(published._ALIASES, "art", "Flowers102")
    assert probe(run, data=str(data / "Art"))["published"] == []
    ask = published.printed_self_supervised
    monkeypatch.setattr(
        beside, "printed_self_supervised", lambda *a, **k: ask(*a, **k | {"backbone": "resnet50"})
    )
    rows = probe(run, data=str(data / "Art"))["published"]
    source = "GenMix, arXiv 2412.02366, self-supervised learning"
    assert rows[0] == {"source": source, "method": "none", "top1": pytest.approx(0.8031)}
    assert len(rows) == 3
    assert probe(run, data=str(data / "Art"), shots=3)["published"] == []


def test_weights_that_were_changed_since_are_not_what_it_began_as(
    data: Path, tmp_path: Path, tiny: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    weights = tmp_path / "start.pt"
    for seed in (0, 1):
        torch.manual_seed(seed)
        module = build_backbone(tiny["backbone"], weights="none").module
        torch.save(module.state_dict(), weights)
        if seed == 0:
            given = tiny | {"epochs": 1, "weights": str(weights)}
            train(data=str(data / "Art"), out=tmp_path / "run", **given)
            assert probe(tmp_path / "run", data=str(data / "Art"))["start"] is not None
    assert probe(tmp_path / "run", data=str(data / "Art"))["start"] is None
    assert "is left out" in caplog.text and "has been changed since" in caplog.text
