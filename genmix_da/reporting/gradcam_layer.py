"""Where in a backbone Grad-CAM looks: the last map of the image, found by running it once.

Convolutional networks: the last output with height and width (what is pooled). Transformers: the
last normalisation or block whose image tokens the prediction still hangs on: behind the last
attention a network that reads its class token gives the others no gradient. Names of layers are of
no account, so any backbone of timm, torchvision or transformers will do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

# They pass on, or pool, a map that came from elsewhere.
_PASSIVE = (nn.Identity, nn.Dropout, nn.Dropout2d, nn.Softmax, nn.Flatten)
_POOLING = "torch.nn.modules.pooling"
_MOST_PREFIX = 16  # class and register tokens before those of the image


@dataclass(frozen=True)
class CamLayer:
    """Where to look.

    Attributes:
        name: of the module in the backbone.
        module: whose output is the map.
        to_map: its output to [B, C, h, w]; None where it is that already.
    """

    name: str
    module: nn.Module
    to_map: Callable[[Tensor], Tensor] | None


class LogitsAlone(nn.Module):
    """A network of (embedding, outputs) with the class logits as its one output.

    Args:
        network: images [B, 3, S, S] -> (embedding [B, D], outputs [B, K], logits first).
        classes: C <= K.
    """

    def __init__(self, network: nn.Module, classes: int) -> None:
        super().__init__()
        self.network, self.classes = network, classes

    def forward(self, images: Tensor) -> Tensor:
        """Images [B, 3, S, S] -> logits [B, C]."""
        outputs: Tensor = self.network(images)[1]
        return outputs[:, : self.classes]


@dataclass(frozen=True)
class _Output:
    name: str
    module: nn.Module
    tensor: Tensor

    @property
    def is_map(self) -> bool:
        """[1, C, h, h], h > 1; network inputs are square."""
        shape = self.tensor.shape
        return len(shape) == 4 and shape[2] == shape[3] > 1

    @property
    def is_map_with_channels_last(self) -> bool:
        """[1, h, h, C], as Swin has it."""
        shape = self.tensor.shape
        return len(shape) == 4 and shape[1] == shape[2] > 1 and not self.is_map

    @property
    def is_tokens(self) -> bool:
        """[1, N, C], of a block or a norm; layers inside an attention are no place to look."""
        whole = "Norm" in type(self.module).__name__ or any(True for _ in self.module.children())
        return len(self.tensor.shape) == 3 and self.tensor.shape[1] > 1 and whole


def find_cam_layer(network: nn.Module, backbone: nn.Module, image: Tensor) -> CamLayer | None:
    """The layer whose output Grad-CAM weighs.

    Args:
        network: images [B, 3, S, S] -> logits [B, C]; parameters may be frozen.
        backbone: the part of it to search.
        image: [1, 3, S, S], for the one pass.

    Returns:
        None where the backbone has no map that the prediction hangs on.
    """
    outputs, logits = _outputs(network, backbone, image)
    spatial = [o for o in outputs if o.is_map or o.is_map_with_channels_last or o.is_tokens]
    found = _token_layer(outputs, logits) if spatial and spatial[-1].is_tokens else None
    # Some convolutional networks turn their map into tokens for the last norm alone.
    maps = [o for o in spatial if not o.is_tokens]
    if found is not None or not maps:
        return found
    last = maps[-1]
    return CamLayer(last.name, last.module, None if last.is_map else _from_channels_last)


def _outputs(
    network: nn.Module, backbone: nn.Module, image: Tensor
) -> tuple[list[_Output], Tensor]:
    """What every module of the backbone gives, in the order they finish, and the logits."""
    seen: list[_Output] = []

    def listen(name: str, module: nn.Module) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor) and output.shape[:1] == (1,):
                seen.append(_Output(name, module, output))

        return module.register_forward_hook(hook)

    handles = [
        listen(name, module)
        for name, module in backbone.named_modules()
        if not isinstance(module, _PASSIVE) and type(module).__module__ != _POOLING
    ]
    try:
        # The input needs the gradient: a frozen network would have none.
        with torch.enable_grad():
            logits = network(image.detach().clone().requires_grad_())
    finally:
        for handle in handles:
            handle.remove()
    return seen, logits


def _token_layer(outputs: list[_Output], logits: Tensor) -> CamLayer | None:
    """The last tokens, of those of the image, that the largest logit hangs on."""
    grids = [o.tensor.shape[-2:] for o in outputs if isinstance(o.module, nn.Conv2d)]
    found = []
    for output in outputs:
        if output.is_tokens:
            grid = _grid(output.tensor.shape[1], [(int(h), int(w)) for h, w in grids])
            if grid is not None:
                found.append((output, grid))
    if not found:
        return None
    with torch.enable_grad():
        gradients = torch.autograd.grad(
            logits.max(), [output.tensor for output, _ in found], allow_unused=True
        )
    for (output, grid), gradient in zip(reversed(found), reversed(gradients), strict=True):
        prefix = output.tensor.shape[1] - grid[0] * grid[1]
        if gradient is not None and bool(gradient[:, prefix:].any()):
            return CamLayer(output.name, output.module, _from_tokens(prefix, grid))
    return None


def _grid(count: int, grids: list[tuple[int, int]]) -> tuple[int, int] | None:
    """Rows and columns of the image tokens among `count`.

    The convolution that cuts the image into patches tells; tokens before them (class, registers)
    belong to no place. Without one: a square, if it is one.
    """
    for height, width in reversed(grids):
        if 0 <= count - height * width <= _MOST_PREFIX and height * width > 1:
            return height, width
    side = int(count**0.5)
    return (side, side) if side > 1 and count - side * side <= 1 else None


def _from_channels_last(output: Tensor) -> Tensor:
    return output.permute(0, 3, 1, 2)


def _from_tokens(prefix: int, grid: tuple[int, int]) -> Callable[[Tensor], Tensor]:
    """Tokens [B, N, C] -> map [B, C, h, w], without the `prefix` first ones."""

    def to_map(tokens: Tensor) -> Tensor:
        return torch.unflatten(tokens[:, prefix:], 1, grid).permute(0, 3, 1, 2)

    return to_map
