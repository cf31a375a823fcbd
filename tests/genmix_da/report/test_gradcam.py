"""Grad-CAM of runs: the right images, the right layer, the right map, and what if things are gone.

One tiny run of the session is reused; tests that change something work on a copy.
"""

from __future__ import annotations

import csv
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from genmix_da.adaptation.inference import load_model
from genmix_da.report.gradcam import CamResult, grad_cam_rows
from genmix_da.report.gradcam_choice import in_order_of_interest
from genmix_da.report.gradcam_layer import LogitsAlone, find_cam_layer
from genmix_da.report.gradcam_maps import explain
from genmix_da.report.predicted import Predicted
from lead.backbones import build_backbone
from lead.network import Network
from lead.views import ImageViews, Preprocessing


@pytest.fixture(scope="module")
def shown(finished: Any) -> CamResult:
    """Everything of the session's run, right predictions too."""
    return grad_cam_rows(finished.folder, finished.result, 72)


@pytest.fixture
def copied(finished: Any, tmp_path: Path) -> Path:
    """The session's run, to be damaged; its source model stays where it is."""
    return Path(shutil.copytree(finished.folder, tmp_path / "copy" / "run"))


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


def test_map_is_grad_cams_by_its_definition() -> None:
    from pytorch_grad_cam import GradCAM

    torch.manual_seed(3)
    backbone = build_backbone("timm:resnet10t", weights="none").module
    network = LogitsAlone(Network(backbone, 512, 4).eval().requires_grad_(False))
    image = torch.randn(1, 3, 96, 96)
    layer = find_cam_layer(network, backbone, image)
    assert layer is not None and layer.name == "layer4"
    found = GradCAM(network, [layer.module])(image.clone().requires_grad_(), None)[0]
    maps: list[torch.Tensor] = []
    handle = layer.module.register_forward_hook(lambda m, i, output: maps.append(output))
    logits = network(image.clone().requires_grad_())
    handle.remove()
    (gradient,) = torch.autograd.grad(logits.max(), maps)
    weighed = torch.relu((gradient.mean((2, 3), keepdim=True) * maps[0]).sum(1))[0].detach()
    weighed = (weighed - weighed.min()) / (weighed.max() - weighed.min())
    # At the centres of the map's cells the enlarged map has the map's values.
    assert weighed.shape == (3, 3)
    assert found[16::32, 16::32] == pytest.approx(weighed.numpy(), abs=0.05)


VIT = {"img_size": 64, "depth": 2, "embed_dim": 48, "num_heads": 2}
SWIN = {
    "img_size": 64,
    "window_size": 2,
    "embed_dim": 12,
    "depths": (1, 1, 1, 1),
    "num_heads": (1, 1, 1, 1),
}
LAYERS = [
    ("timm:mobilenetv1_100", {}, "blocks", (1024, 2, 2)),
    # The last map is 1 x 1 no more than pooled.
    ("timm:mobilenetv3_small_050", {}, "blocks", (288, 2, 2)),
    ("timm:convnext_atto", {}, "stages", (320, 2, 2)),
    ("resnet18", {}, "layer4", (512, 2, 2)),
    ("timm:swin_tiny_patch4_window7_224", SWIN, "norm", (96, 2, 2)),
    # Class token: behind the last attention the image tokens are of no account.
    ("timm:vit_tiny_patch16_224", VIT, "blocks.1.norm1", (48, 4, 4)),
    ("timm:deit_tiny_distilled_patch16_224", VIT, "blocks.1.norm1", (48, 4, 4)),
    ("timm:vit_tiny_patch16_224", VIT | {"reg_tokens": 4}, "blocks.1.norm1", (48, 4, 4)),
    # Their mean: they are.
    ("timm:vit_tiny_patch16_224", VIT | {"global_pool": "avg"}, "blocks", (48, 4, 4)),
]


@pytest.mark.parametrize(("name", "arguments", "layer_name", "shape"), LAYERS)
def test_layer_of_any_backbone(
    name: str, arguments: dict[str, Any], layer_name: str, shape: tuple[int, ...]
) -> None:
    from pytorch_grad_cam import GradCAM

    torch.manual_seed(0)
    backbone = build_backbone(name, weights="none", arguments=arguments)
    network = Network(backbone.module, backbone.feature_dim, 4).eval().requires_grad_(False)
    image = torch.randn(1, 3, 64, 64)
    layer = find_cam_layer(LogitsAlone(network), backbone.module, image)
    assert layer is not None and layer.name == layer_name
    cam = GradCAM(LogitsAlone(network), [layer.module], reshape_transform=layer.to_map)
    heat = cam(image.requires_grad_(), None)
    assert cam.activations_and_grads.activations[0].shape == (1, *shape)
    assert heat.shape == (1, 64, 64) and heat.max() > 0.9 and heat.std() > 0.05
    assert not backbone.module._forward_hooks


def test_torchvisions_transformer_has_a_class_token() -> None:
    from torchvision.models import VisionTransformer

    backbone = VisionTransformer(64, 16, 2, 2, 32, 64)
    backbone.heads = nn.Identity()
    network = LogitsAlone(Network(backbone, 32, 4).eval().requires_grad_(False))
    layer = find_cam_layer(network, backbone, torch.randn(1, 3, 64, 64))
    assert layer is not None and layer.name == "encoder.layers.encoder_layer_1.ln_1"
    assert layer.to_map is not None
    tokens = torch.arange(17.0).reshape(1, 17, 1)
    assert layer.to_map(tokens).tolist() == [[torch.arange(1.0, 17).reshape(4, 4).tolist()]]


def test_backbone_without_a_map_has_no_layer() -> None:
    backbone = nn.Sequential(nn.Flatten(), nn.Linear(192, 8))
    network = LogitsAlone(Network(backbone, 8, 3).eval())
    assert find_cam_layer(network, backbone, torch.randn(1, 3, 8, 8)) is None


def line(path: str, true: str, predicted: str, confidence: float = 0.5) -> Predicted:
    return Predicted(path, true, predicted, confidence)


def test_order_of_interest() -> None:
    right = [line("r1", "cup", "cup"), line("r2", "unknown", "unknown")]
    confused = [
        line("c1", "cup", "lamp", 0.4),
        line("c2", "cup", "lamp", 0.9),
        line("c3", "lamp", "cup", 0.3),
    ]
    accepted = [line("a1", "unknown", "cup", 0.6), line("a2", "unknown", "lamp", 0.7)]
    rejected = [line("j1", "lamp", "unknown")]
    rows = [*right, *rejected, *accepted, *confused]
    # Kinds take turns, classes take turns, the surest of a class first, right ones last.
    wanted = ["c2", "a1", "j1", "c3", "a2", "c1", "r1", "r2"]
    assert [row.path for row in in_order_of_interest(rows)] == wanted
    assert [row.path for row in in_order_of_interest(rows[::-1])] == wanted


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


def test_frozen_backbone_and_its_weights_gone(
    adapt_once: Callable[..., Any], tmp_path: Path
) -> None:
    run = adapt_once(
        *("--split", "3/1/2", "--freeze-backbone", "--weights", "none"),
        *("--source-epochs", "1", "--epochs", "1"),
    )
    assert len(grad_cam_rows(run.folder, run.result, 2).rows) == 2
    copy = shutil.copytree(run.folder, tmp_path / "run")
    description = json.loads((copy / "checkpoint.json").read_text())
    changed = description | {"weights": str(tmp_path / "gone.safetensors")}
    (copy / "checkpoint.json").write_text(json.dumps(changed))
    found = grad_cam_rows(copy, run.result, 2)
    assert found.rows == ()
    assert "gone.safetensors any more" in found.note
    assert "--" not in found.note  # there is no such option here


def without(name: str) -> Callable[[Path], None]:
    return lambda run: (run / name).unlink()


def cut(name: str) -> Callable[[Path], None]:
    return lambda run: (run / name).write_bytes((run / name).read_bytes()[:200])


def rewritten(old: str, new: str) -> Callable[[Path], None]:
    def change(run: Path) -> None:
        file = run / "predictions.csv"
        file.write_text(file.read_text().replace(old, new))

    return change


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (without("predictions.csv"), "there is no predictions.csv"),
        (without("checkpoint.safetensors"), "no checkpoint"),
        (cut("checkpoint.safetensors"), "checkpoint.safetensors"),
        (cut("checkpoint.json"), "checkpoint"),
        (rewritten("path,true", "file,true"), "predictions.csv cannot be read"),
        (lambda run: (run / "predictions.csv").write_text(""), "predictions.csv names no image"),
        (rewritten("Clipart", "Elsewhere"), "the target images are not where they were"),
    ],
)
def test_what_is_missing_is_said(
    copied: Path, finished: Any, damage: Callable[[Path], None], said: str
) -> None:
    damage(copied)
    found = grad_cam_rows(copied, finished.result)
    assert found.rows == ()
    assert found.note.startswith("No Grad-CAM: ") and said in found.note
    assert found.note.count("\n") == 0 and found.note.endswith(".")


def test_unfinished_run_and_missing_library(finished: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    unfinished = finished.result | {"status": "incomplete", "source_model": None}
    assert "not finished" in grad_cam_rows(finished.folder, unfinished).note
    monkeypatch.setitem(sys.modules, "pytorch_grad_cam", None)
    found = grad_cam_rows(finished.folder, finished.result)
    assert found.rows == () and "pip install grad-cam" in found.note


def test_source_model_gone_leaves_the_adapted_one(finished: Any) -> None:
    record = {"source_model": {"folder": "nowhere/sources/gone"}}
    found = grad_cam_rows(finished.folder, finished.result | record, 3)
    assert found.note == "No map of the source model: it is not at nowhere/sources/gone any more."
    assert len(found.rows) == 3
    assert all(row.before is None and row.cam_before is None for row in found.rows)


def test_source_model_without_description(finished: Any, tmp_path: Path) -> None:
    folder = Path(finished.result["source_model"]["folder"])
    alone = shutil.copy(folder / "checkpoint.safetensors", tmp_path / "given.safetensors")
    record = {"source_model": {"folder": str(alone), "reused": True}}
    given = grad_cam_rows(finished.folder, finished.result | record, 3)
    usual = grad_cam_rows(finished.folder, finished.result, 3)
    assert given.note == ""
    assert [row.before for row in given.rows] == [row.before for row in usual.rows]


def test_run_and_data_that_moved_together(
    finished: Any, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = finished.folder.parent
    old = Path("before/it/moved")
    shutil.copytree(finished.folder, tmp_path / "new" / "runs" / "run")
    shutil.copytree(home / "sources", tmp_path / "new" / "runs" / "sources")
    shutil.copytree(data, tmp_path / "new" / "data")
    run = tmp_path / "new" / "runs" / "run"
    rewritten(str(data), str(old / "data"))(run)
    source = old / "runs" / "sources" / Path(finished.result["source_model"]["folder"]).name
    found = grad_cam_rows(run, finished.result | {"source_model": {"folder": str(source)}}, 3)
    assert found.note == ""
    assert len(found.rows) == 3 and found.rows[0].path.startswith("before/it/moved/data")
    # Data elsewhere, named by the environment.
    shutil.move(tmp_path / "new" / "data", tmp_path / "shelf")
    monkeypatch.setenv("GENMIX_DA_DATA", str(tmp_path / "shelf"))
    assert len(grad_cam_rows(run, finished.result, 3).rows) == 3


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


def test_some_images_gone_give_way_to_others(copied: Path, finished: Any) -> None:
    wanted = {row.path for row in grad_cam_rows(copied, finished.result, 3).rows}
    gone = sorted(wanted)[0]
    rewritten(gone, gone.replace(".", "-gone."))(copied)
    found = grad_cam_rows(copied, finished.result, 3)
    assert len(found.rows) == 3
    assert found.note == "1 of the images wanted first are not where they were."
    assert gone not in {row.path for row in found.rows}
