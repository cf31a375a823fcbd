"""A loaded model: what may be given to it, and that all ways give the same answer."""

from __future__ import annotations

import csv
import dataclasses
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, TensorDataset

import genmix_da
from genmix_da.errors import UserError
from genmix_da.use.inputs import pixels_of
from genmix_da.use.model import Model
from genmix_da.use.predictions import Predictions
from lead.views import NetworkInput


@pytest.fixture(scope="module")
def model(finished: Any) -> Model:
    """Of an adaptation in an open set."""
    return genmix_da.load_model(finished.folder, "cpu")


@pytest.fixture
def found(model: Model, photos: list[Path]) -> Predictions:
    """What it says of files."""
    return model.predict(photos)


def same(one: Predictions, other: Predictions) -> bool:
    """The same answers, without and with the graph."""
    parts = [(one, other)]
    if one.graph is not None and other.graph is not None:
        parts.append((one.graph, other.graph))
    return all(
        np.allclose(a.probability, b.probability, atol=1e-5)
        and np.allclose(a.uncertainty, b.uncertainty, atol=1e-5)
        and (a.predicted == b.predicted).all()
        for a, b in parts
    )


def test_what_is_said_of_files(found: Predictions, photos: list[Path], model: Model) -> None:
    assert found.paths == tuple(map(str, photos))
    assert found.probability.shape == (len(photos), len(model.classes))
    assert found.probability.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (found.rejected == (found.predicted == "unknown")).all()
    assert (found.best_class == np.array(model.classes)[found.probability.argmax(axis=1)]).all()
    assert (found.predicted == found.best_class)[~found.rejected].all()
    assert found.threshold == model.threshold == 0.85
    assert found.graph is not None and len(found.graph) == len(found) == len(photos)
    as_json = found.as_dict()
    assert as_json["predicted"] == found.predicted.tolist()
    assert as_json["graph"]["uncertainty"] == found.graph.uncertainty.tolist()


def test_all_inputs_give_the_same(
    found: Predictions, photos: list[Path], model: Model, tmp_path: Path
) -> None:
    pictures = [Image.open(path).convert("RGB") for path in photos]
    arrays = [np.asarray(picture) for picture in pictures]
    stack = np.stack(arrays)
    folder = tmp_path / "photos"
    folder.mkdir()
    for path in photos:
        (folder / f"{path.parent.name}-{path.name}").symlink_to(path)
    order = sorted(range(len(photos)), key=lambda i: f"{photos[i].parent.name}-{photos[i].name}")
    assert order == sorted(order)
    chw = torch.from_numpy(stack).permute(0, 3, 1, 2)
    crops = pixels_of(pictures, model.preprocessing)[
        :, model.preprocessing.centre, model.preprocessing.centre
    ]
    floats = NetworkInput(model.preprocessing, torch.device("cpu"))(np.ascontiguousarray(crops))
    for inputs in (
        folder,
        str(folder),
        [str(path) for path in photos],
        pictures,
        tuple(arrays),
        stack,
        chw,
        list(chw),
        DataLoader(TensorDataset(chw, torch.arange(len(chw))), batch_size=4),
        DataLoader(TensorDataset(floats), batch_size=3),
        [floats[:5], floats[5:]],
        floats,
        floats.numpy(),
    ):
        assert same(model.predict(inputs), found)
    one = model.predict(pictures[0])
    assert one.probability == pytest.approx(found.probability[:1], abs=1e-5)
    assert model.predict(photos[0]).predicted.tolist() == found.predicted[:1].tolist()


@pytest.mark.parametrize("mode", ["L", "RGBA"])
def test_arrays_are_read_as_pictures_of_their_channels(
    model: Model, photos: list[Path], mode: str
) -> None:
    pictures = [Image.open(path).convert(mode) for path in photos[:3]]
    arrays = [np.asarray(picture) for picture in pictures]
    expected = model.predict(pictures)
    assert same(model.predict(arrays), expected)
    cubes = [array.reshape(*array.shape[:2], -1) for array in arrays]
    assert same(model.predict(np.stack(cubes)), expected)
    assert same(model.predict(torch.from_numpy(np.stack(cubes)).permute(0, 3, 1, 2)), expected)


def test_what_is_printed_of_a_model_is_short(model: Model, classifier: Path) -> None:
    said = repr(model)
    assert said.startswith("<Model: adapted, timm:test_efficientnet, 4 classes (")
    assert "threshold 0.85, with graph" in said
    assert "<Model: classifier, " in repr(genmix_da.load_model(classifier, "cpu"))


def test_a_graph_of_six_views_is_missed_aloud(
    model: Model, caplog: pytest.LogCaptureFixture
) -> None:
    assert model.memory is not None
    memory, about = model.memory
    six = dataclasses.replace(model, memory=(memory, about | {"views": "six"}))
    batch = torch.zeros(2, 3, 32, 32)
    with caplog.at_level(logging.WARNING, "genmix_da"):
        assert six.predict(batch).graph is None
    (record,) = caplog.records
    assert "six views of an image, which batches don't give" in record.message
    with pytest.raises(UserError, match="six views"):
        six.predict([batch], graph=True)


@pytest.mark.parametrize("given", [None, 3, ["run"], "README.md", "hub:x", "hub:a/b@"])
def test_what_is_no_checkpoint_is_told(
    given: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("README.md").touch()
    wanted = "is no checkpoint; give|give OWNER/NAME|name one, or leave the @ out"
    with pytest.raises(UserError, match=wanted):
        genmix_da.load_model(given)


def test_threshold_and_graph(found: Predictions, photos: list[Path], model: Model) -> None:
    strict = model.predict(photos, threshold=1e-6, graph=False)
    assert strict.rejected.all() and strict.graph is None
    assert (strict.best_class == found.best_class).all()


def test_a_closed_set_rejects_where_a_threshold_is_given(
    closed: Path,
    found: Predictions,
    photos: list[Path],
    data: Path,
    run: Callable,
    tmp_path: Path,
) -> None:
    model = genmix_da.load_model(closed, "cpu")
    usual = model.predict(photos)
    assert model.threshold == model.limit(graph=True) == usual.threshold == float("inf")
    assert usual.graph is not None
    assert not usual.rejected.any() and not usual.graph.rejected.any()
    given = model.predict(photos, threshold=0.85)
    assert (given.rejected == found.rejected).all() and given.threshold == 0.85
    strict = model.predict(photos, threshold=1e-9).graph
    assert strict is not None and strict.rejected.all()
    arguments = ("predict", closed, photos[0].parent, "--out", tmp_path / "p.csv", "--json")
    usually = run(*arguments).json()
    assert (usually["unknown"], usually["threshold"], usually["graph"]["threshold"]) == (
        0,
        None,
        None,
    )
    scored = run("evaluate", closed, "--tgt", data / "Clipart").out
    assert "checkpoint " in scored and "threshold" not in scored
    told = run(*arguments, "--threshold", 1e-9).json()
    assert told["unknown"] == told["graph"]["unknown"] == told["images"]


def test_the_module_gives_logits(model: Model, photos: list[Path], found: Predictions) -> None:
    pixels = pixels_of([Image.open(path) for path in photos], model.preprocessing)
    centre = model.preprocessing.centre
    inputs = NetworkInput(model.preprocessing, torch.device("cpu"))(
        np.ascontiguousarray(pixels[:, centre, centre])
    )
    with torch.no_grad():
        logits = model.module(inputs)
    probability = torch.softmax(logits, dim=1).numpy()
    assert probability == pytest.approx(found.probability, abs=1e-5)


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ([], "the list is empty"),
        (3, "int can't be classified"),
        ("nowhere", "no folder nowhere"),
        (["nowhere.jpg"], "nowhere.jpg is no file"),
        ([np.zeros((3, 4, 5, 3), np.uint8)], r"picture 0 is ndarray \(uint8, \[3, 4, 5, 3\]\)"),
        (np.zeros((5, 5, 2), np.uint8), r"picture 0 .*\[5, 5, 2\]"),
        (np.zeros((4, 4, 3)), r"floats has the shape \[4, 4, 3\]; .* or uint8 pictures"),
        (np.zeros((4, 4, 3), int), r"a batch is ndarray \(int64, \[4, 4, 3\]\)"),
        (["x.jpg", Image.new("RGB", (8, 8))], "Image among paths; .* all of one kind"),
        ([Image.new("RGB", (8, 8)), "x.jpg"], "picture 1 is str; .* all of one kind"),
        (torch.full((2, 3, 32, 32), torch.nan), "values that are not finite"),
        (iter([torch.zeros(2, 3, 7, 7)]), r"\[2, 3, 7, 7\]; the network takes \[B, 3, 32, 32\]"),
        (iter(["text"]), "a batch is str; give a path"),
        (iter([]), "the loader gives no batch"),
        (Image.new("I;16", (8, 8)), r"picture 0 is grey of more than 8 bits \(I;16\)"),
    ],
)
def test_other_inputs_are_refused(model: Model, inputs: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        model.predict(inputs)


def test_a_classifier_is_used_alike(
    classifier: Path, data: Path, run: Callable, tmp_path: Path
) -> None:
    model = genmix_da.load_model(classifier, "cpu")
    with (classifier / "predictions.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    found = model.predict([row["path"] for row in rows])
    assert found.predicted.tolist() == [row["predicted"] for row in rows]
    assert (found.graph, found.rejected.any(), found.threshold) == (None, False, float("inf"))
    assert found.as_dict()["threshold"] is None
    assert model.predict(str(data / "Art"), threshold=1e-6).rejected.all()
    with pytest.raises(UserError, match="no graph"):
        model.predict(str(data / "Art"), graph=True)
    out = tmp_path / "p.csv"
    assert run("predict", classifier, data / "Art", "--out", out).code == 0
    with out.open(newline="") as handle:
        said = {row["path"]: row["predicted"] for row in csv.DictReader(handle)}
    assert {row["path"]: row["predicted"] for row in rows}.items() <= said.items()
    outcome = run("predict", classifier, data / "Art", "--out", out, "--threshold", 1e-6)
    assert f"{len(said)} unknown" in outcome.out


def test_a_classifier_is_scored(classifier: Path, data: Path, run: Callable) -> None:
    given = ("evaluate", classifier, "--tgt", data / "Art", "--device", "cpu")
    scores = run(*given, "--json").json()["scores"]
    model = genmix_da.load_model(classifier, "cpu")
    found = model.predict(str(data / "Art"))
    true = [Path(path).parent.name for path in found.paths or ()]
    assert scores["top1"] == pytest.approx(np.mean(found.predicted == np.array(true)))
    assert scores["top5"] is None or scores["top5"] >= scores["top1"]
    assert "top-1" in run(*given).out
