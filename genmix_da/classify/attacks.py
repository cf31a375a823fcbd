"""Adversarial examples within a radius in pixels: FGSM, PGD, and the one of fast training.

Everything is computed on pixels in [0, 1], where radii such as 8/255 are meant and where examples
are clipped to what an image can hold; normalisation is a part of the attacked network.

FGSM: Goodfellow et al., ICLR 2015 (arXiv 1412.6572). PGD: Madry et al., ICLR 2018 (arXiv
1706.06083). Fast adversarial training: Wong et al., ICLR 2020 (arXiv 2001.03994).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lead.precision import Precision
from lead.views import Preprocessing

# Wong et al.: a step of 1.25 radii from a random start.
FAST_STEP = 1.25
# Madry et al.: steps that together could cross the ball two and a half times.
PGD_REACH = 2.5


# (logits [B, C], labels [B] or label weights [B, C]) -> [B]: what an attack makes large.
Climbed = Callable[[Tensor, Tensor], Tensor]


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Of each image: [B].

    Args:
        logits: [B, C].
        targets: labels [B] or label weights [B, C].
    """
    return F.cross_entropy(logits, targets, reduction="none")


def margin(logits: Tensor, labels: Tensor) -> Tensor:
    """How far the best wrong class is above the right one, over that of the best above the third.

    The difference of logits ratio of Croce and Hein, ICML 2020 (arXiv 2003.01690), Eq. 6: unlike
    cross-entropy it does not vanish for a network that is very sure. With two classes it is not
    divided.

    Args:
        logits: [B, C].
        labels: [B].

    Returns:
        [B]; above 0 where the image is misclassified.
    """
    right = logits.gather(1, labels[:, None])[:, 0]
    own = F.one_hot(labels, logits.shape[1]).bool()
    away = logits.masked_fill(own, -torch.inf).amax(dim=1) - right
    if logits.shape[1] < 3:
        return away
    best = logits.topk(3, dim=1).values
    return away / (best[:, 0] - best[:, 2]).clamp(min=1e-12)


class AttackedNetwork:
    """A network behind its normalisation: pixels in, gradients of pixels out.

    Args:
        network: maps normalised inputs [B, 3, S, S] to logits [B, C].
        preprocessing: mean and std.
        device: where both are.
        precision: of the forward passes.
    """

    def __init__(
        self,
        network: nn.Module,
        preprocessing: Preprocessing,
        device: torch.device,
        precision: Precision | None = None,
    ) -> None:
        self.network = network
        self._mean = torch.tensor(preprocessing.mean, device=device).view(1, 3, 1, 1)
        self._std = torch.tensor(preprocessing.std, device=device).view(1, 3, 1, 1)
        self._precision = precision or Precision(device, mixed=False)

    def pixels(self, inputs: Tensor) -> Tensor:
        """Normalised inputs as pixels in [0, 1], clipped to them: [B, 3, S, S].

        Args:
            inputs: [B, 3, S, S].
        """
        return (inputs * self._std + self._mean).clamp(0, 1)

    def inputs(self, pixels: Tensor) -> Tensor:
        """Pixels as normalised inputs: [B, 3, S, S].

        Args:
            pixels: [B, 3, S, S] in [0, 1].
        """
        return (pixels - self._mean) / self._std

    def logits(self, pixels: Tensor) -> Tensor:
        """What the network answers: logits [B, C].

        Args:
            pixels: [B, 3, S, S] in [0, 1].
        """
        with self._precision.autocast():
            logits: Tensor = self.network(self.inputs(pixels))
        return logits

    def gradient(self, pixels: Tensor, targets: Tensor, climbed: Climbed = cross_entropy) -> Tensor:
        """Gradient of a loss with respect to pixels: [B, 3, S, S].

        Args:
            pixels: [B, 3, S, S].
            targets: labels [B] or label weights [B, C].
            climbed: the loss.
        """
        pixels = pixels.detach().requires_grad_()
        with torch.enable_grad():
            # A sum: each image's gradient is its own whatever the batch, and is not divided by its
            # size. Under float16 autocast small ones are zero all the same, as nothing is scaled.
            loss = climbed(self.logits(pixels).float(), targets).sum()
            (gradient,) = torch.autograd.grad(loss, pixels)
        return gradient


def fgsm(pixels: Tensor, gradient: Tensor, radius: float) -> Tensor:
    """One step of a radius along the sign of the gradient, clipped to valid pixels: [B, 3, S, S].

    Args:
        pixels: [B, 3, S, S] in [0, 1].
        gradient: [B, 3, S, S] of the loss; where it is zero a pixel stays as it is.
        radius: in pixels of [0, 1].
    """
    return (pixels + radius * gradient.sign()).clamp(0, 1)


def pgd(
    attacked: AttackedNetwork,
    pixels: Tensor,
    targets: Tensor,
    radius: float,
    *,
    steps: int,
    step_size: float,
    start: Tensor,
    climbed: Climbed = cross_entropy,
) -> Tensor:
    """Projected gradient ascent from a point of the ball: [B, 3, S, S].

    Args:
        attacked: the network, in evaluation mode.
        pixels: [B, 3, S, S] in [0, 1].
        targets: labels [B].
        radius: of the ball, in pixels of [0, 1].
        steps: of ascent.
        step_size: of each.
        start: [B, 3, S, S] what is added to the pixels first, from `within`.
        climbed: what is made large.
    """
    example = (pixels + start).clamp(0, 1)
    for _ in range(steps):
        example = example + step_size * attacked.gradient(example, targets, climbed).sign()
        example = torch.minimum(torch.maximum(example, pixels - radius), pixels + radius)
        example = example.clamp(0, 1)
    return example


def fast_inputs(
    attacked: AttackedNetwork,
    inputs: Tensor,
    weights: Tensor,
    radius: float,
    draw: np.random.Generator,
) -> Tensor:
    """A training batch made adversarial by one FGSM step from a random start (Wong et al.).

    The pass for the gradient is made in the network's own mode. In training that updates the
    statistics of batch norm, on the inputs of the random start, before the training pass updates
    them again, as the authors' code does. It is a plain pass: an augmentation that mixes hidden
    layers (manifold mixup) mixes them in the training pass alone, so the loss that is climbed here
    is the unmixed one.

    Args:
        attacked: the network as it trains.
        inputs: normalised [B, 3, S, S].
        weights: label weights [B, C].
        radius: in pixels of [0, 1].
        draw: of the start.

    Returns:
        Normalised inputs [B, 3, S, S].
    """
    generator = torch.Generator().manual_seed(int(draw.integers(2**63)))
    pixels = attacked.pixels(inputs)
    # The start is clipped too: a gradient outside of the pixels' range is none of an image.
    start = ((pixels + within(pixels, radius, generator)).clamp(0, 1)) - pixels
    gradient = attacked.gradient(pixels + start, weights)
    change = (start + FAST_STEP * radius * gradient.sign()).clamp(-radius, radius)
    return attacked.inputs((pixels + change).clamp(0, 1)).detach()


def within(pixels: Tensor, radius: float, generator: torch.Generator) -> Tensor:
    """Uniform draws from [-radius, radius], on the CPU and image by image.

    Devices agree, and so do batches of any size that follow each other.
    """
    noise = torch.rand(pixels.shape, generator=generator)
    return ((2 * noise - 1) * radius).to(pixels.device)
