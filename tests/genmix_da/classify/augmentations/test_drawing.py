"""Torch's random functions draw from the generator that is handed over, in this thread alone."""

from __future__ import annotations

import threading

import numpy as np
import torch

from genmix_da.classify.augmentations.drawing import DrawnFrom


def drawn(seed: int) -> list[torch.Tensor]:
    with DrawnFrom(np.random.default_rng(seed)):
        return [
            torch.rand(3),
            torch.randn(3),
            torch.randint(100, (3,)),
            torch.randperm(9),
            torch.normal(torch.zeros(3), 1.0),
            torch.bernoulli(torch.full((9,), 0.5)),
            torch.multinomial(torch.ones(9), 4),
            torch.distributions.Beta(torch.ones(2), torch.ones(2)).sample(),
            torch.empty(3).uniform_(),
            torch.empty(3).normal_(),
            torch.empty(3).exponential_(),
            torch.empty(9).bernoulli_(),
            torch.empty(3).random_(1000),
        ]


def test_every_function_repeats_and_leaves_the_global_generator() -> None:
    state = torch.get_rng_state()
    first = drawn(1)
    torch.manual_seed(99)
    second = drawn(1)
    torch.set_rng_state(state)
    third = drawn(2)
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert sum(torch.equal(a, b) for a, b in zip(first, third, strict=True)) <= 1


def test_a_generator_of_the_callers_own_is_used() -> None:
    with DrawnFrom(np.random.default_rng(1)):
        inside = torch.rand(3, generator=torch.Generator().manual_seed(4))
    assert torch.equal(inside, torch.rand(3, generator=torch.Generator().manual_seed(4)))


def test_other_threads_keep_the_global_generator() -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    seen = []
    with DrawnFrom(np.random.default_rng(1)):
        thread = threading.Thread(target=lambda: seen.append(torch.rand(3)))
        thread.start()
        thread.join()
    assert torch.equal(seen[0], expected)
