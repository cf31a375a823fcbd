"""Reuse of deep UNet features between neighbouring steps.

The idea of DeepCache (Ma et al., CVPR 2024): what the deep levels of the UNet compute changes
little from one step to the next, the shallow ones more. Every n-th step runs the whole network and
keeps the features that enter the last layer of the last up block; the steps between run the first
convolution, the time embedding and that layer alone, on the kept features.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

# (sample [B, 8, h, w], timestep, text [B, L, D]) -> noise prediction [B, 4, h, w]
NoiseModel = Callable[[Tensor, Tensor, Tensor], Tensor]


class DeepReuse:
    """A UNet that is run whole every `interval`-th call and on kept features otherwise.

    One object serves one batch at a time: `restart` comes before the first step of each.

    Args:
        unet: a diffusers UNet2DConditionModel whose last up block has attention.
        interval: calls from one whole run to the next; 1: every call is whole, and exact.
    """

    def __init__(self, unet: Any, interval: int) -> None:
        self._unet = unet
        self._interval = interval
        self._run_whole: NoiseModel = self._call_unet
        self._run_shallow: NoiseModel = self.shallow
        self._calls = 0
        self._kept: Tensor | None = None
        if interval > 1:
            unet.up_blocks[-1].resnets[-1].register_forward_pre_hook(self._keep)

    def compile(self) -> None:
        """Compile both runs for the shapes they are first called with."""
        self._run_whole = torch.compile(self._call_unet, dynamic=False)
        self._run_shallow = torch.compile(self.shallow, dynamic=False)

    def restart(self) -> None:
        """Forget the features of the batch before."""
        self._calls, self._kept = 0, None

    def __call__(self, sample: Tensor, timestep: Tensor, text: Tensor) -> Tensor:
        """See `NoiseModel`."""
        whole = self._kept is None or self._calls % self._interval == 0
        self._calls += 1
        return (self._run_whole if whole else self._run_shallow)(sample, timestep, text)

    def _call_unet(self, sample: Tensor, timestep: Tensor, text: Tensor) -> Tensor:
        return self._unet(sample, timestep, encoder_hidden_states=text, return_dict=False)[0]

    def shallow(self, sample: Tensor, timestep: Tensor, text: Tensor) -> Tensor:
        """The last layer alone, on the features kept from the last whole run."""
        unet, block = self._unet, self._unet.up_blocks[-1]
        assert self._kept is not None
        embedding = unet.time_embedding(unet.get_time_embed(sample=sample, timestep=timestep))
        skip = unet.conv_in(sample)
        # The hook saw features and skip side by side; the skip is this step's own.
        deep = self._kept[:, : self._kept.shape[1] - skip.shape[1]]
        hidden = block.resnets[-1](torch.cat([deep, skip], dim=1), embedding)
        if getattr(block, "attentions", None):
            hidden = block.attentions[-1](hidden, encoder_hidden_states=text, return_dict=False)[0]
        return unet.conv_out(unet.conv_act(unet.conv_norm_out(hidden)))

    def _keep(self, module: torch.nn.Module, arguments: tuple[Tensor, ...]) -> None:
        # Called in the shallow run too, whose input holds the same features.
        self._kept = arguments[0]
