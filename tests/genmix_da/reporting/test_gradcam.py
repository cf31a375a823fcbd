"""Grad-CAM of runs: the right images, the right words, and heat where the evidence is."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from genmix_da.reporting.gradcam import CamResult, grad_cam_rows
from genmix_da.reporting.gradcam_choice import in_order_of_interest
from genmix_da.reporting.gradcam_maps import explain
from genmix_da.reporting.predicted import Predicted
from genmix_da.use.loading import load_model
from lead.network import Network
from lead.views import ImageViews, Preprocessing


@pytest.fixture(scope="module")
def shown(finished: Any) -> CamResult:
    """Everything of the session's run, right predictions too."""
    return grad_cam_rows(finished.folder, finished.result, 72)


def lines_of(run: Path) -> dict[str, dict[str, str]]:
    return {row["path"]: row for row in csv.DictReader((run / "predictions.csv").open())}


def test_rows_are_the_predictions_mistakes_first(finished: Any, shown: CamResult) -> None:
    lines = lines_of(finished.folder)
    assert shown.note == ""
    assert {row.path for row in shown.rows} == set(lines)
    for row in shown.rows:
        line = lines[row.path]
        assert (row.true, row.after.name) == (line["true"], line["predicted"])
        assert row.after.confidence == float(line["confidence"])
        assert row.wrong == (line["true"] != line["predicted"])
        assert row.after.explained == row.after.name or row.after.name == "unknown"
    wrong = [row.wrong for row in shown.rows]
    assert wrong == sorted(wrong, reverse=True)
    assert 0 < sum(wrong) < len(wrong)
    kinds = [Predicted("", row.true, row.after.name, 0).kind for row in shown.rows]
    assert kinds == sorted(kinds) and len(set(kinds)) > 2


def test_pictures_are_what_the_networks_see(finished: Any, shown: CamResult) -> None:
    model = load_model(finished.folder, "cpu")
    pre = model.preprocessing
    from genmix_da.data.decode import decode_domain
    from genmix_da.data.domains import load_domain

    root = Path(shown.rows[0].path).parents[2]
    decoded = decode_domain(load_domain(root, "Clipart"), pre.resize_size, pre.interpolation)
    place = {str(path): i for i, path in enumerate(decoded.domain.images)}
    rows = np.array([place[row.path] for row in shown.rows[:5]])
    seen = ImageViews(decoded.pixels, pre, model.device, rows).evaluation(slice(None))
    for row, tensor in zip(shown.rows, seen, strict=False):
        assert row.picture.shape == (32, 32, 3) and row.picture.dtype == np.uint8
        pixels = tensor.permute(1, 2, 0) * torch.tensor(pre.std) + torch.tensor(pre.mean)
        assert np.abs(pixels.numpy() * 255 - row.picture).max() < 0.01


def test_before_is_the_source_models_own_word(finished: Any, shown: CamResult) -> None:
    model = load_model(Path(finished.result["source_model"]["folder"]), "cpu")
    names = (*model.label_sets.source_classes, "unknown")
    pictures = np.stack([row.picture for row in shown.rows])
    side = model.preprocessing.image_size
    plain = Preprocessing(model.preprocessing.mean, model.preprocessing.std, side, side)
    with torch.no_grad():
        views = ImageViews(pictures, plain, model.device).evaluation(slice(None))
        probability = model.network(views)[1].softmax(1)
    for row, told in zip(shown.rows, probability, strict=True):
        assert row.before is not None
        assert row.before.explained == names[int(told.argmax())]
        assert row.before.confidence == pytest.approx(float(told.max()), abs=1e-4)
        unsure = float(-(told * told.log()).sum() / np.log(len(told)))
        if abs(unsure - finished.result["threshold"]) > 1e-4:
            rejected = unsure > finished.result["threshold"]
            assert row.before.name == ("unknown" if rejected else row.before.explained)
    assert any(row.before != row.after for row in shown.rows)
    assert any((row.cam_before != row.cam_after).any() for row in shown.rows)


def test_fewer_rows_are_the_first_of_the_order(finished: Any, shown: CamResult) -> None:
    few = grad_cam_rows(finished.folder, finished.result, 4)
    lines = [
        Predicted(x["path"], x["true"], x["predicted"], float(x["confidence"]))
        for x in lines_of(finished.folder).values()
    ]
    wanted = in_order_of_interest(lines)[:4]
    assert sorted(row.path for row in few.rows) == sorted(line.path for line in wanted)
    again = grad_cam_rows(finished.folder, finished.result, 4)
    for one, other in zip(few.rows, again.rows, strict=True):
        assert one.path == other.path and (one.cam_after == other.cam_after).all()


class Brightness(nn.Module):
    """A backbone with one channel, the brightness, and its mean as feature."""

    def __init__(self) -> None:
        super().__init__()
        self.look = nn.Conv2d(3, 1, 4, stride=4)
        nn.init.constant_(self.look.weight, 1.0)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        feature: torch.Tensor = torch.relu(self.look(images)).mean((2, 3))
        return feature


@pytest.mark.parametrize("corner", [(0, 0), (0, 16), (16, 0), (16, 16)])
def test_heat_lies_where_the_evidence_is(
    finished: Any, corner: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_model(finished.folder, "cpu")
    network = Network(Brightness(), 1, model.label_sets.unknown, 2).eval()
    for parameter in network.bottleneck.parameters():
        nn.init.ones_(parameter)
    nn.init.zeros_(network.classifier.linear.bias)
    with torch.no_grad():
        network.classifier.linear.parametrizations.weight.original1[:] = torch.tensor([-1.0, -1.0])
        network.classifier.linear.parametrizations.weight.original1[1] = 1.0
    side = model.preprocessing.resize_size
    image = np.zeros((1, side, side, 3), dtype=np.uint8)
    offset = round((side - 32) / 2)
    top, left = corner[0] + offset, corner[1] + offset
    image[:, top : top + 16, left : left + 16] = 255
    object.__setattr__(model, "network", network)
    ((told, overlay),) = explain(model, image, finished.result)
    assert told.explained == model.label_sets.source_classes[1]
    # Viridis: the more heat, the more red and green and the less blue.
    heat = overlay[..., 0].astype(int) + overlay[..., 1] - overlay[..., 2]
    quarter = {(y, x): heat[y : y + 16, x : x + 16].mean() for y in (0, 16) for x in (0, 16)}
    assert max(quarter, key=lambda key: quarter[key]) == corner
    assert all(not p.requires_grad for p in network.parameters())


def line(path: str, true: str, predicted: str, confidence: float = 0.5) -> Predicted:
    return Predicted(path, true, predicted, confidence)


def test_without_labels_nothing_is_wrong(copied: Path, finished: Any) -> None:
    file = copied / "predictions.csv"
    with file.open() as handle:
        rows = [row | {"true": ""} for row in csv.DictReader(handle)]
    with file.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    found = grad_cam_rows(copied, finished.result, 6)
    assert len(found.rows) == 6
    assert not any(row.wrong or row.true for row in found.rows)
    assert len({row.after.name for row in found.rows}) > 1


def test_source_only_run_has_one_map(adapt_once: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "plain.yaml").write_text("method: source-only\n")
    run = adapt_once(
        "--split", "3/1/2", "--config", tmp_path / "plain.yaml", "--source-epochs", "1"
    )
    assert run.result["method"] == "source-only"
    found = grad_cam_rows(run.folder, run.result, 2)
    assert "Nothing was adapted" in found.note
    for row in found.rows:
        assert row.before is not None and row.before.name == row.after.name
        assert row.cam_before is None and row.cam_after.shape == row.picture.shape


def test_odd_names_pass_through(copied: Path, finished: Any, tmp_path: Path) -> None:
    name = "<script>alert(1)<\udce9>.png"
    lines = lines_of(copied)
    path, first = next(iter(lines.items()))
    try:
        shutil.copy(path, tmp_path / name)
    except (OSError, UnicodeEncodeError):
        pytest.skip("this file system takes no such names")
    with (copied / "predictions.csv").open(
        "w", newline="", encoding="utf-8", errors="surrogateescape"
    ) as handle:
        writer = csv.DictWriter(handle, first)
        writer.writeheader()
        writer.writerow(first | {"path": str(tmp_path / name), "true": "<b>"})
    (row,) = grad_cam_rows(copied, finished.result).rows
    assert row.path == str(tmp_path / name)
    assert (row.true, row.wrong) == ("<b>", True)
