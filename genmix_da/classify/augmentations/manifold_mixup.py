"""Manifold mixup: hidden layers are interpolated instead of images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from genmix_da.classify.augmentations.mixing import BetaMixing, mates, mixed_weights
from genmix_da.classify.augmentations.network_mixing import evaluating

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, kw_only=True)
class ManifoldMixup(BetaMixing):
    """h = l h_a + (1 - l) h_b at one drawn layer, labels alike, l ~ Beta(alpha, alpha).

    Verma et al., "Manifold Mixup: Better Representations by Interpolating Hidden States", ICML
    2019: alpha 2; the layer is the input or the end of one of the first two stages, with equal
    chance. What the stages of a backbone are, see `stages_of`.

    Attributes:
        stages: how many stages, from the input on, may be mixed; the input may always be.

    Raises:
        UserError: an option is out of range.
    """

    name: ClassVar[str] = "manifold-mixup"

    alpha: float = 2.0
    stages: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("stages", 0, 1000)

    def batch(
        self, images: Tensor, weights: Tensor, draw: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Nothing: see `forward`."""
        return images, weights

    def forward(
        self, network: nn.Module, images: Tensor, weights: Tensor, draw: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """See the class."""
        if draw.random() >= self.probability:
            return network(images), weights
        backbone = network.get_submodule("backbone")
        if backbone not in self._stages:
            self._stages[backbone] = stages_of(backbone, images[:1])
        stages = self._stages[backbone][: self.stages]
        place, share = int(draw.integers(len(stages) + 1)), self._share(draw)
        labels = mixed_weights(weights, share)
        if place == 0:
            return network(_interpolated(images, share)), labels

        def mix(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
            return _interpolated(output, share)

        hook = stages[place - 1].register_forward_hook(mix)
        try:
            return network(images), labels
        finally:
            hook.remove()

    @cached_property
    def _stages(self) -> WeakKeyDictionary[nn.Module, list[nn.Module]]:
        return WeakKeyDictionary()


def _interpolated(hidden: Tensor, share: float) -> Tensor:
    return hidden * share + mates(hidden) * (1.0 - share)


def stages_of(backbone: nn.Module, images: Tensor) -> list[nn.Module]:
    """The stages of a backbone, from input to output.

    A stage is a child of the backbone that has weights and ends with a map [B, ., ., .] or with
    tokens [B, T, D]. A sequence whose parts end at different shapes is several stages, and so is
    any sequence of a backbone that would have less than three. Single layers (a stem convolution)
    are none, unless there is nothing else.

    Args:
        backbone: images [B, 3, S, S] -> features [B, F].
        images: [1, 3, S, S], for a pass that notes the shapes and changes nothing.
    """
    shapes = _output_shapes(backbone, images)

    def hidden(parent: nn.Module) -> list[nn.Module]:
        return [
            child
            for child in parent.children()
            if len(shapes.get(child, ())) in (3, 4) and _has_weights(child)
        ]

    def parts(child: nn.Module) -> list[nn.Module]:
        return hidden(child) if isinstance(child, nn.Sequential) else []

    found: list[nn.Module] = []
    for child in hidden(backbone):
        several = len({shapes[part] for part in parts(child)}) > 1
        found += parts(child) if several else [child]
    stages = _no_layers(found)
    if len(stages) < 3:
        inner = _no_layers([part for child in found for part in parts(child) or [child]])
        stages = max(stages, inner, key=len)
    return stages or found


def _no_layers(modules: list[nn.Module]) -> list[nn.Module]:
    return [module for module in modules if any(True for _ in module.children())]


def _has_weights(module: nn.Module) -> bool:
    """Of a convolution or a linear layer; those of a norm are vectors."""
    return any(parameter.ndim > 1 for parameter in module.parameters())


def _output_shapes(backbone: nn.Module, images: Tensor) -> dict[nn.Module, tuple[int, ...]]:
    """Output shapes of the modules one and two levels down."""
    shapes: dict[nn.Module, tuple[int, ...]] = {}

    def note(module: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor):
            shapes[module] = tuple(output.shape)

    hooks = [module.register_forward_hook(note) for module in _two_levels(backbone)]
    try:
        with evaluating(backbone), torch.no_grad():
            backbone(images)
    finally:
        for hook in hooks:
            hook.remove()
    return shapes


def _two_levels(backbone: nn.Module) -> Iterator[nn.Module]:
    for child in backbone.children():
        yield child
        yield from child.children()
