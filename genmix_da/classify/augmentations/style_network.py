"""The encoder and decoder of AdaIN, between which StyleMix mixes: layers, weights, statistics.

Huang and Belongie, "Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization",
ICCV 2017. Tensors have the names of the files that the PyTorch port of it (naoto0804/pytorch-AdaIN)
releases, vgg_normalised.pth and decoder.pth: places in a sequence of layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor, nn

from genmix_da.errors import UserError
from genmix_da.places import user_path
from lead.checkpoint import read_tensors, weights_identity
from lead.errors import WeightsError

FACTOR = 8  # pixels along a side that are one place of the features
_HALVE, _DOUBLE = -2, 2
# Channels of VGG-19 up to relu4_1, and back.
_ENCODER = (64, 64, _HALVE, 128, 128, _HALVE, 256, 256, 256, 256, _HALVE, 512)
_DECODER = (256, _DOUBLE, 256, 256, 256, 128, _DOUBLE, 128, 64, _DOUBLE, 64, 3)
_EPSILON = 1e-5


def _layers(first: Sequence[nn.Module], start: int, plan: Sequence[int]) -> nn.Sequential:
    """Convolutions of 3x3 over mirrored borders, each with a ReLU, and what changes the size."""
    layers, width = list(first), start
    for step in plan:
        if step == _HALVE:
            layers.append(nn.MaxPool2d(2, ceil_mode=True))
        elif step == _DOUBLE:
            layers.append(nn.Upsample(scale_factor=2))
        else:
            layers += [nn.ReflectionPad2d(1), nn.Conv2d(width, step, 3), nn.ReLU()]
            width = step
    return nn.Sequential(*layers)


class StyleNetwork(nn.Module):
    """Pictures to features and back; nothing is trained.

    Attributes:
        encode: [B, 3, H, W] in [0, 1] to [B, 512, h, w] at relu4_1; h = H / 8, w = W / 8, rounded
            up. H and W are more than 8.
        decode: [B, 512, h, w] to [B, 3, 8 h, 8 w], values about [0, 1].
    """

    def __init__(self) -> None:
        super().__init__()
        self.encode = _layers([nn.Conv2d(3, 3, 1)], 3, _ENCODER)
        self.decode = _layers([], 512, _DECODER)[:-1]  # colours have no ReLU
        self.requires_grad_(False).eval()


def restyled(content: Tensor, style: Tensor) -> Tensor:
    """AdaIN (equation 8): features with the mean and deviation of others', channel by channel.

    Args:
        content, style: [B, C, h, w], of more than one place; deviations are of samples (n - 1).

    Returns:
        [B, C, h, w].
    """
    own, own_mean = torch.var_mean(content, (2, 3), keepdim=True)
    other, other_mean = torch.var_mean(style, (2, 3), keepdim=True)
    scale = ((other + _EPSILON) / (own + _EPSILON)).sqrt()
    return (content - own_mean) * scale + other_mean


def load_style_network(encoder: str, decoder: str) -> tuple[StyleNetwork, dict[str, str]]:
    """The network from its two files, .pth or .safetensors; read once for all that ask.

    Layers of the encoder beyond relu4_1 may be there and are left out.

    Returns:
        The network, and SHA-256 of the files.

    Raises:
        UserError: a file is missing, unreadable, or of another network.
    """
    files = {"encoder": _file(encoder), "decoder": _file(decoder)}
    content = {name: weights_identity(str(path)) for name, path in files.items()}
    return _loaded(*files.values(), *content.values()), content


def _file(given: str) -> Path:
    path = user_path(given)
    if not path.is_file():
        found = "is no file" if path.exists() else "is not there"
        raise UserError(f"{path}, of which the style network is to be read, {found}.")
    return path.resolve()


@lru_cache(maxsize=2)
def _loaded(encoder: Path, decoder: Path, *_: str) -> StyleNetwork:
    """By place and content: a file that was replaced is read anew."""
    network = StyleNetwork()
    _fill(network.encode, encoder, "encoder (vgg_normalised.pth of AdaIN)")
    _fill(network.decode, decoder, "decoder (decoder.pth of AdaIN)")
    return network


def _fill(module: nn.Sequential, path: Path, what: str) -> None:
    try:
        found = read_tensors(path)
    except WeightsError as error:
        raise UserError(f"the style network's {what}: {error}.") from error
    expected = module.state_dict()
    wrong = [key for key, own in expected.items() if not _fits(found.get(key), own)]
    if wrong:
        raise UserError(
            f"{path} is not the style network's {what}: {len(wrong)} tensors are missing, of "
            f"another shape or not of finite numbers ({wrong[0]!r} should be "
            f"{list(expected[wrong[0]].shape)})."
        )
    module.load_state_dict({key: found[key].float() for key in expected})


def _fits(found: Tensor | None, own: Tensor) -> bool:
    """Whether a tensor of a file can take the place of one of the network."""
    if found is None or found.shape != own.shape or found.layout != own.layout:
        return False
    return found.is_floating_point() and bool(found.isfinite().all())
