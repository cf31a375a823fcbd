"""The style network: layers as they are released, statistics, and the files that it needs."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import torch

from genmix_da.classify.augmentations import augmentation_settings
from genmix_da.classify.augmentations.style_network import (
    StyleNetwork,
    load_style_network,
    restyled,
)
from genmix_da.errors import UserError


def test_restyled_has_the_others_statistics() -> None:
    draw = torch.Generator().manual_seed(0)
    content, style = (scale * torch.randn(2, 4, 6, 6, generator=draw) + scale for scale in (1, 5))
    found = restyled(content, style)
    for own, other in zip(
        torch.var_mean(found, (2, 3)), torch.var_mean(style, (2, 3)), strict=True
    ):
        assert torch.allclose(own, other, rtol=1e-3, atol=1e-3)
    together = torch.stack([content.flatten(2), found.flatten(2)])
    for image, channel in ((0, 0), (1, 3)):
        assert torch.corrcoef(together[:, image, channel])[0, 1] > 0.9999


def test_tensors_are_named_as_in_the_released_files() -> None:
    network = StyleNetwork()
    places = {
        name: sorted({int(key.split(".")[0]) for key in part.state_dict()})
        for name, part in (("encode", network.encode), ("decode", network.decode))
    }
    assert places == {
        "encode": [0, 2, 5, 9, 12, 16, 19, 22, 25, 29],
        "decode": [1, 5, 8, 11, 14, 18, 21, 25, 28],
    }
    assert [network.encode[29].out_channels, network.decode[28].out_channels] == [512, 3]
    assert not any(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("side", [16, 40, 100])
def test_features_are_an_eighth_and_back(side: int) -> None:
    network = StyleNetwork()
    features = network.encode(torch.rand(1, 3, side, side))
    up = -(-side // 8)
    assert features.shape == (1, 512, up, up)
    assert network.decode(features).shape == (1, 3, 8 * up, 8 * up)


def test_files_count_by_what_they_hold(style_files: dict[str, str], tmp_path: Path) -> None:
    moved = {
        name: shutil.copy(file, tmp_path / f"{name}.pth") for name, file in style_files.items()
    }
    here, there = (augmentation_settings("stylemix", files) for files in (style_files, moved))
    assert here == there
    assert all(re.fullmatch("[0-9a-f]{64}", here[name]) for name in style_files)
    other = StyleNetwork().decode.state_dict()
    torch.save(other, moved["decoder"])
    assert augmentation_settings("stylemix", moved)["decoder"] != here["decoder"]
    network, _ = load_style_network(**moved)
    assert torch.equal(network.decode[1].weight, other["1.weight"])


def test_what_is_wrong_with_the_files_is_said(style_files: dict[str, str], tmp_path: Path) -> None:
    def said(**files: str) -> str:
        with pytest.raises(UserError) as error:
            augmentation_settings("stylemix", files)
        return str(error.value)

    assert said().startswith("stylemix needs encoder and decoder: give --augment-option KEY=VALUE")
    assert said(encoder=style_files["encoder"]).startswith("stylemix needs decoder: give")
    missing = said(**style_files | {"encoder": str(tmp_path / "no.pth")})
    assert re.search(r"no\.pth, of which the style network is to be read, is not there", missing)
    assert "is to be read, is no file" in said(**style_files | {"encoder": str(tmp_path)})
    empty = tmp_path / "empty.pth"
    empty.touch()
    assert "cannot read weights from" in said(**style_files | {"decoder": str(empty)})
    with pytest.raises(UserError, match="stylemix: encoder is empty"):
        augmentation_settings("stylemix", {**style_files, "encoder": None})
    swapped = said(encoder=style_files["decoder"], decoder=style_files["decoder"])
    assert "is not the style network's encoder (vgg_normalised.pth of AdaIN)" in swapped
    assert "'0.weight' should be [3, 3, 1, 1]" in swapped
    damaged = tmp_path / "damaged.pth"
    damaged.write_bytes(Path(style_files["decoder"]).read_bytes()[:1000])
    assert "style network's decoder" in said(**style_files | {"decoder": str(damaged)})
    assert "side is 8; it must be in [16, 4096]" in said(**style_files | {"side": "8"})


@pytest.mark.parametrize("wrong", ["nan", "whole", "sparse"])
def test_tensors_that_are_no_weights_are_refused(
    style_files: dict[str, str], tmp_path: Path, wrong: str
) -> None:
    tensors = torch.load(style_files["decoder"])
    changed = tensors["5.bias"]
    tensors["5.bias"] = {
        "nan": changed * torch.nan,
        "whole": changed.int(),
        "sparse": changed.to_sparse(),
    }[wrong]
    file = tmp_path / "decoder.pth"
    torch.save(tensors, file)
    with pytest.raises(
        UserError, match=r"1 tensors are missing, .* not of finite numbers \('5\.bias'"
    ):
        augmentation_settings("stylemix", style_files | {"decoder": str(file)})
