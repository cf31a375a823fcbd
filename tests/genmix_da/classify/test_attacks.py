"""Adversarial examples on a network whose gradient is known: within the radius, and right."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genmix_da.classify.attacks import AttackedNetwork, fast_inputs, fgsm, margin, pgd, within
from lead.views import Preprocessing

RADIUS = 8 / 255
CPU = torch.device("cpu")
PRE = Preprocessing(image_size=6, resize_size=6)


class Linear(nn.Module):
    """Two logits, linear in the normalised pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(2, 108, generator=torch.Generator().manual_seed(0)))

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs.flatten(1) @ self.weight.T


@pytest.fixture
def attacked() -> AttackedNetwork:
    return AttackedNetwork(Linear(), PRE, CPU)


@pytest.fixture
def pixels() -> Tensor:
    found = torch.rand(4, 3, 6, 6, generator=torch.Generator().manual_seed(1))
    found[0] = found[0].round()  # pixels at the ends of the range
    return found


LABELS = torch.tensor([0, 1, 1, 0])


def losses(attacked: AttackedNetwork, pixels: Tensor) -> Tensor:
    with torch.no_grad():
        return F.cross_entropy(attacked.logits(pixels), LABELS, reduction="none")


def test_pixels_and_inputs_are_inverse(attacked: AttackedNetwork, pixels: Tensor) -> None:
    assert torch.allclose(attacked.pixels(attacked.inputs(pixels)), pixels, atol=1e-6)
    black = attacked.inputs(torch.zeros(1, 3, 1, 1)).flatten()
    assert black.tolist() == pytest.approx([-m / s for m, s in zip(PRE.mean, PRE.std, strict=True)])


def test_gradient_is_that_of_pixels(attacked: AttackedNetwork, pixels: Tensor) -> None:
    pixels = pixels.double()
    attacked.network.double()
    gradient = attacked.gradient(pixels, LABELS)
    for place in ((0, 0, 0, 0), (3, 2, 5, 1)):
        moved = pixels.clone()
        moved[place] += 1e-6
        slope = (losses(attacked, moved) - losses(attacked, pixels)).sum() / 1e-6
        assert float(gradient[place]) == pytest.approx(float(slope), rel=1e-3)
    assert attacked.network.weight.grad is None  # training's gradients are left alone


def test_gradient_takes_label_weights(attacked: AttackedNetwork, pixels: Tensor) -> None:
    hard = attacked.gradient(pixels, LABELS)
    assert torch.allclose(attacked.gradient(pixels, F.one_hot(LABELS, 2).float()), hard, atol=1e-6)


def test_fgsm_goes_the_whole_radius_uphill(attacked: AttackedNetwork, pixels: Tensor) -> None:
    example = fgsm(pixels, attacked.gradient(pixels, LABELS), RADIUS)
    change = example - pixels
    inside = (pixels > RADIUS) & (pixels < 1 - RADIUS)
    assert torch.allclose(change[inside].abs(), torch.tensor(RADIUS), atol=1e-6)
    assert example.min() >= 0
    assert example.max() <= 1
    # The sign of a linear network's gradient, by hand.
    sign = (attacked.network.weight[1] - attacked.network.weight[0]).sign().view(3, 6, 6)
    expected = torch.where(LABELS.view(4, 1, 1, 1) == 0, sign, -sign)
    assert torch.equal(change.sign()[inside], expected[inside])
    assert (losses(attacked, example) > losses(attacked, pixels)).all()


def ascend(attacked: AttackedNetwork, pixels: Tensor, seed: int = 0, steps: int = 10) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return pgd(
        attacked,
        pixels,
        LABELS,
        RADIUS,
        steps=steps,
        step_size=RADIUS / 4,
        start=within(pixels, RADIUS, generator),
    )


def test_pgd_stays_inside_and_reaches_the_corner(attacked: AttackedNetwork, pixels: Tensor) -> None:
    example = ascend(attacked, pixels)
    assert (example - pixels).abs().max() <= RADIUS + 1e-6
    assert example.min() >= 0
    assert example.max() <= 1
    # On a linear network the worst point of the ball is FGSM's.
    worst = fgsm(pixels, attacked.gradient(pixels, LABELS), RADIUS)
    assert torch.allclose(example, worst, atol=1e-6)


def test_pgd_starts_at_random_from_its_generator(attacked: AttackedNetwork, pixels: Tensor) -> None:
    first, again, other = (ascend(attacked, pixels, seed, steps=1) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_fast_example_is_one_step_from_a_random_start(
    attacked: AttackedNetwork, pixels: Tensor
) -> None:
    weights = F.one_hot(LABELS, 2).float()
    inputs = attacked.inputs(pixels)
    found = [
        attacked.pixels(fast_inputs(attacked, inputs, weights, RADIUS, np.random.default_rng(seed)))
        for seed in (0, 0, 1)
    ]
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])
    change = found[0] - pixels
    assert change.abs().max() <= RADIUS + 1e-6
    inside = (pixels > RADIUS) & (pixels < 1 - RADIUS)
    # From start s in [-r, r] a step of 1.25 r ends at r unless s < -r/4: five in eight do.
    at_the_edge = (change[inside].abs() > RADIUS - 1e-6).float().mean()
    assert float(at_the_edge) == pytest.approx(5 / 8, abs=0.07)
    assert (losses(attacked, found[0]) > losses(attacked, pixels)).all()


def test_margin_by_hand() -> None:
    """(3 - 1) / (3 - 0) for the wrong one, (1 - 3) / (3 - 0) for the right one; two classes."""
    logits = torch.tensor([[1.0, 3.0, 0.0], [1.0, 3.0, 0.0]])
    assert torch.allclose(margin(logits, torch.tensor([0, 1])), torch.tensor([2 / 3, -2 / 3]))
    assert torch.equal(margin(logits[:1, :2], torch.tensor([0])), torch.tensor([2.0]))
