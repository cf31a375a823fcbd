"""Which layer Grad-CAM looks at, and that its map is the published one."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from genmix_da.reporting.gradcam_layer import LogitsAlone, find_cam_layer
from lead.backbones import build_backbone
from lead.network import Network


def test_map_is_grad_cams_by_its_definition() -> None:
    from pytorch_grad_cam import GradCAM

    torch.manual_seed(3)
    backbone = build_backbone("timm:resnet10t", weights="none").module
    network = LogitsAlone(Network(backbone, 512, 4).eval().requires_grad_(False), 4)
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
    layer = find_cam_layer(LogitsAlone(network, 4), backbone.module, image)
    assert layer is not None and layer.name == layer_name
    cam = GradCAM(LogitsAlone(network, 4), [layer.module], reshape_transform=layer.to_map)
    heat = cam(image.requires_grad_(), None)
    assert cam.activations_and_grads.activations[0].shape == (1, *shape)
    assert heat.shape == (1, 64, 64) and heat.max() > 0.9 and heat.std() > 0.05
    assert not backbone.module._forward_hooks


def test_torchvisions_transformer_has_a_class_token() -> None:
    from torchvision.models import VisionTransformer

    backbone = VisionTransformer(64, 16, 2, 2, 32, 64)
    backbone.heads = nn.Identity()
    network = LogitsAlone(Network(backbone, 32, 4).eval().requires_grad_(False), 4)
    layer = find_cam_layer(network, backbone, torch.randn(1, 3, 64, 64))
    assert layer is not None and layer.name == "encoder.layers.encoder_layer_1.ln_1"
    assert layer.to_map is not None
    tokens = torch.arange(17.0).reshape(1, 17, 1)
    assert layer.to_map(tokens).tolist() == [[torch.arange(1.0, 17).reshape(4, 4).tolist()]]


def test_backbone_without_a_map_has_no_layer() -> None:
    backbone = nn.Sequential(nn.Flatten(), nn.Linear(192, 8))
    network = LogitsAlone(Network(backbone, 8, 3).eval(), 3)
    assert find_cam_layer(network, backbone, torch.randn(1, 3, 8, 8)) is None
