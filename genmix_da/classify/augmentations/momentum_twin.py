"""A copy of the network that follows it slowly, which what is trained beside it learns from."""

from __future__ import annotations

import copy
import math
from typing import Any

import torch
from torch import Tensor, nn

from genmix_da.classify.augmentations.class_maps import token_grid
from genmix_da.classify.augmentations.manifold_mixup import stages_of
from genmix_da.errors import UserError


class MomentumTwin(nn.Module):
    """A copy of the network that follows it slowly, and the maps of one of its stages.

    Its weights are never trained: gradients pass through it to the images.

    Args:
        network: with a `backbone`.
        images: [1, 3, S, S], to find the stages with.
        stage: whose maps are given, counted from 1; 0: the last whose maps are larger than those
            of the last of all (the third of a ResNet's four), else the last but one.

    Raises:
        UserError: there is no such stage, or it gives neither maps nor a square of tokens.
    """

    def __init__(self, network: nn.Module, images: Tensor, stage: int) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).requires_grad_(False)
        stages = stages_of(self.network.get_submodule("backbone"), images)
        if stage > len(stages):
            raise UserError(f"the backbone has {len(stages)} stages; there is no stage {stage}.")
        # A list of modules is no module: the stages' weights are kept once, in the network.
        self._seen = [stages[stage - 1]] if stage else stages
        self.eval()  # one image has no batch statistics
        sizes = [maps.shape[2:].numel() for maps in self._outputs(images)]
        if not stage:
            larger = [row for row, size in enumerate(sizes) if size > sizes[-1]]
            self._seen = [stages[larger[-1] if larger else max(len(stages) - 2, 0)]]
        self.channels = self.maps(images).shape[1]
        self.train()

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, C]; gradients with regard to the images alone."""
        logits: Tensor = self.network(images)
        return logits

    def maps(self, images: Tensor) -> Tensor:
        """Maps [B, D, h, w] of the stage, without gradients."""
        return self._outputs(images)[0]

    @torch.no_grad()
    def _outputs(self, images: Tensor) -> list[Tensor]:
        """Maps of the stages that are looked at."""
        found: dict[nn.Module, Tensor] = {}

        def note(module: nn.Module, inputs: Any, output: Tensor) -> None:
            found[module] = _as_maps(output)

        hooks = [stage.register_forward_hook(note) for stage in self._seen]
        try:
            self.network(images)
        finally:
            for hook in hooks:
                hook.remove()
        return [found[stage] for stage in self._seen]

    @torch.no_grad()
    def follow(self, network: nn.Module, momentum: float) -> None:
        """Weights become momentum * own + (1 - momentum) * the network's."""
        for own, other in zip(self.network.parameters(), network.parameters(), strict=True):
            own.lerp_(other, 1.0 - momentum)


def _as_maps(output: Tensor) -> Tensor:
    """[B, D, h, w] of such maps, of square ones [B, h, w, D], or of tokens [B, T, D]."""
    if output.ndim == 4:
        last = output.shape[1] == output.shape[2] != output.shape[3]
        return output.permute(0, 3, 1, 2) if last else output
    grid = token_grid(output)
    if grid is None:
        raise UserError(
            f"the backbone gives {output.shape[1]} tokens, which fill no square; the augmentation "
            "needs maps: choose another --backbone or --augment."
        )
    return grid


def momentum_at(progress: float, start: float, end: float) -> float:
    """Of a twin: constant for a tenth of a run, then along half a cosine to its end.

    Args:
        progress: share of the run that is done.
        start, end: momenta.
    """
    share = max(progress - 0.1, 0.0) / 0.9
    return end - (end - start) * (1 + math.cos(math.pi * share)) / 2
