"""Puzzle Mix: masks and plans of least cost, found again by trying all of them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations, product
from typing import Any

import numpy as np
import pytest
import torch

from genmix_da.classify.augmentations import Augmentation
from genmix_da.classify.augmentations.block_cut import cut_labels
from genmix_da.classify.augmentations.block_transport import moved, plan, way_costs
from genmix_da.classify.augmentations.puzzlemix import block_counts, border_costs
from genmix_da.errors import UserError
from quarters import Quarters

Make = Callable[..., Augmentation]


def costs_of(
    labels: np.ndarray, unary: np.ndarray, down: np.ndarray, right: np.ndarray
) -> np.ndarray:
    """Of many labellings [K, n, n] of one grid: [K]."""
    own = sum((unary[..., label] * (labels == label)).sum((1, 2)) for label in range(3))
    steps = (down * np.diff(labels, axis=1) ** 2).sum((1, 2))
    return np.asarray(own + (steps + (right * np.diff(labels, axis=2) ** 2).sum((1, 2))) / 4)


@pytest.mark.parametrize(("count", "smooth"), [(2, 0.0), (2, 1.0), (3, 0.3), (3, 2.0)])
def test_no_labels_cost_less(count: int, smooth: float) -> None:
    draw = np.random.default_rng(count)
    every = np.array(list(product(range(3), repeat=count**2))).reshape(-1, count, count)
    for _ in range(3):
        unary = draw.random((2, count, count, 3)) - 0.5
        down = smooth * draw.random((2, count - 1, count))
        right = smooth * draw.random((2, count, count - 1))
        found = cut_labels(unary, down, right, 10**6)
        for labels, *costs in zip(found, unary, down, right, strict=True):
            least = costs_of(every, *costs).min()
            assert costs_of(labels[None], *costs)[0] == pytest.approx(least, abs=1e-4)


def test_a_cut_by_hand() -> None:
    """Two rows: the upper wants 0, the lower 2; a difference of two costs four of one."""
    unary = np.zeros((1, 2, 2, 3))
    unary[0, 0] = [0.0, 1.0, 2.0]
    unary[0, 1] = [2.0, 1.0, 0.0]
    right = np.zeros((1, 2, 1))

    def rows(weight: float) -> list[list[int]]:
        down = np.full((1, 1, 2), weight)
        return cut_labels(unary, down, right, 1000)[0].tolist()

    assert rows(0.1) == [[0, 0], [2, 2]]  # 0.1 each column
    # 2.0 for (0, 2); (0, 1) and (1, 2) cost 1 + 0.5; (1, 1) costs 2.
    assert rows(2.0) in ([[0, 0], [1, 1]], [[0, 1], [1, 2]], [[1, 1], [2, 2]], [[1, 0], [2, 1]])
    assert rows(90.0)[0] == rows(90.0)[1]  # any step costs 22.5


def test_a_plan_by_hand() -> None:
    """The salient block lies top left, the mask shows the bottom right: worth the way or not."""
    saliency = np.array([[0.7, 0.1], [0.1, 0.1]])
    shown = np.array([[False, False], [False, True]])
    assert way_costs(2).tolist() == [[0, 1, 1, 2], [1, 0, 2, 1], [1, 2, 0, 1], [2, 1, 1, 0]]
    # Exchanged: 4 ways' cost for 0.6 more saliency shown.
    assert plan(saliency, shown, 0.14).tolist() == [3, 1, 2, 0]
    assert plan(saliency, shown, 0.16).tolist() == [0, 1, 2, 3]


def test_no_plan_costs_less() -> None:
    draw = np.random.default_rng(0)
    for _ in range(3):
        saliency = draw.random((2, 2))
        shown = draw.random((2, 2)) < 0.5
        costs = 0.1 * way_costs(2) - saliency.reshape(-1, 1) * shown.reshape(1, -1)
        least = min(sum(costs[one, at] for at, one in enumerate(p)) for p in permutations(range(4)))
        found = plan(saliency, shown, 0.1)
        assert sum(costs[one, at] for at, one in enumerate(found)) == pytest.approx(least)


def test_blocks_are_moved_whole() -> None:
    images = torch.arange(3 * 36.0).view(1, 3, 6, 6)
    found = moved(images, np.array([[3, 0, 2, 1]]))[0]
    assert torch.equal(found[:, :3, :3], images[0, :, 3:, 3:])
    assert torch.equal(found[:, :3, 3:], images[0, :, :3, :3])
    assert torch.equal(found[:, 3:, :3], images[0, :, 3:, :3])
    assert torch.equal(found[:, 3:, 3:], images[0, :, :3, 3:])


def test_border_costs_by_hand() -> None:
    """Image 0 is black, image 1 is white above and grey below, in two by two blocks."""
    pixels = torch.zeros(2, 3, 16, 16)
    pixels[1, :, :8], pixels[1, :, 8:] = 1.0, 0.25
    down, right = border_costs(pixels, 2)
    assert down.shape == (2, 2, 2, 1, 2)
    assert right.shape == (2, 2, 2, 2, 1)
    # Row 0 of the batch: own is black, the partner is image 1.
    assert down[1, 1, 0].flatten().tolist() == [0, 0]
    assert down[1, 0, 0].flatten().tolist() == [0.25, 0.25]  # black above grey
    assert down[0, 1, 0].flatten().tolist() == [1, 1]
    assert down[0, 0, 0].flatten().tolist() == [0.75, 0.75]
    assert right[0, 1, 0].flatten().tolist() == [1, 0.25]
    assert right[0, 0, 0].flatten().tolist() == [0, 0]


@pytest.mark.parametrize(("side", "count"), [(28, 4), (224, 16), (36, 2), (8, 8)])
def test_borders_of_blocks_of_any_size(side: int, count: int) -> None:
    """Blocks of 7, 14, 18 and 1 pixels; averaged over 1, 2, 3 and 1 of them."""
    down, right = border_costs(torch.rand(2, 3, side, side), count)
    assert down.shape[3:] == (count - 1, count)
    assert right.shape[3:] == (count, count - 1)


def beside(z: np.ndarray, other: np.ndarray, a: int, b: int) -> np.ndarray:
    """How much of a border has image a on the one side and image b on the other.

    For masks of 0 and 1 that is 1 where it is so, and a constant more; halves lie between.
    """
    one, two = (z if a else 1 - z), (other if b else 1 - other)
    return one / 2 + two / 2 + (1 if a != b else -1) * (z - other) ** 2 / 2


def energy(
    z: np.ndarray, own: np.ndarray, mate: np.ndarray, gaps: Any, share: float, beta: float
) -> float:
    """The paper's objective of a mask z, but for beta with the published settings, by its terms."""
    count, gamma, eta = len(z), 0.5, 0.2
    beta = beta / count / 16
    covered = float((z * mate + (1 - z) * own).sum())
    chances = {1.0: share**2, 0.5: 2 * share * (1 - share), 0.0: (1 - share) ** 2}
    prior = -eta * sum(np.log(chances[float(value)]) for value in z.flat) / count**2
    smooth = 0.0
    for gap, first, second in zip(gaps, (z[:-1], z[:, :-1]), (z[1:], z[:, 1:]), strict=True):
        smooth += float(((first - second) ** 2).sum())
        for a, b in product((0, 1), repeat=2):
            smooth += gamma * float((beside(first, second, a, b) * gap[a, b]).sum())
    return covered + prior + beta * smooth


@pytest.mark.parametrize("beta", [1.2, 20.0])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_no_mask_has_less_energy(share: float, beta: float, make: Make) -> None:
    """Pictures of patches of 4 pixels, black or white, so that borders differ much."""
    random = torch.Generator().manual_seed(int(share * 10))
    saliency = torch.rand(3, 16, 16, generator=random) ** 4
    patches = torch.randint(0, 2, (3, 1, 4, 4), generator=random).float()
    pixels = patches.expand(-1, 3, -1, -1).repeat_interleave(4, 2).repeat_interleave(4, 3)
    augmentation: Any = make("puzzlemix", 16, {"beta": beta})
    found = augmentation.mask(saliency, pixels, 2, share)
    blocks = saliency.double().view(3, 2, 8, 2, 8).mean((2, 4)).numpy()
    blocks /= blocks.sum((1, 2), keepdims=True)
    gaps = [gap.double().numpy() for gap in border_costs(pixels, 2)]
    for row in range(3):
        given = (blocks[row], blocks[row - 1], [gap[:, :, row] for gap in gaps], share, beta)
        every = [np.reshape(one, (2, 2)) for one in product((0.0, 0.5, 1.0), repeat=4)]
        least = min(energy(z, *given) for z in every)
        # Costs are rounded to 1/4000.
        assert energy(found[row].double().numpy(), *given) == pytest.approx(least, abs=3e-3)
        assert np.ptp([energy(z, *given) for z in every]) > 0.1


@pytest.mark.parametrize("size", [17, 24, 32])
def test_the_label_weight_is_the_mean_of_the_mask(size: int, make: Make) -> None:
    """Images of one value each, 1 and 3: wherever blocks go, the value is 3 - 2 z."""
    images = torch.tensor([1.0, 3.0]).view(2, 1, 1, 1).expand(2, 3, size, size)
    network, shares = Quarters(), []
    for seed in range(12):
        draw = np.random.default_rng(seed)
        _, labels = make("puzzlemix", size).forward(network, images, torch.eye(2, 5), draw)
        z = (3 - network.images[0, 0]) / 2
        assert set(z.unique().tolist()) <= {0.0, 0.5, 1.0}
        share = float(z.double().mean())
        assert labels[0, 0].item() == pytest.approx(share, abs=1e-6)
        assert labels[0, 1].item() == pytest.approx(1 - share, abs=1e-6)
        shares.append(share)
    assert np.ptp(shares) > 0.3


def test_numbers_of_blocks_that_divide_the_side() -> None:
    assert block_counts(32) == (2, 4, 8, 16)
    assert block_counts(224) == (2, 4, 8, 16)
    assert block_counts(36) == (2, 4)
    assert block_counts(30) == (2,)
    assert block_counts(17) == ()


def test_an_odd_image_keeps_its_edge_in_place(make: Make, batch: Any) -> None:
    """The last row and column of 17 pixels are those of the pair, by the mask beside them."""
    images, weights = batch(2, 17)
    network = Quarters()
    for seed in range(6):
        make("puzzlemix", 17).forward(network, images, weights, np.random.default_rng(seed))
        for edge in (lambda image: image[:, -1], lambda image: image[:, :, -1]):
            one, two, found = edge(images[0]), edge(images[1]), edge(network.images[0])
            fits = [torch.isclose(found, z * one + (1 - z) * two).all(0) for z in (0, 0.5, 1)]
            assert torch.stack(fits).any(0).all()


def test_pixels_come_from_the_pair_alone(make: Make) -> None:
    """Each image has values of its own; without halves every pixel is one of them."""
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    images[1] += 2
    network = Quarters()
    augmentation = make("puzzlemix", 32)
    for seed in range(6):
        _, labels = augmentation.forward(
            network, images, torch.eye(2, 5), np.random.default_rng(seed)
        )
        own = (network.images[0] < 1).double().mean() + 0.5 * (
            (network.images[0] >= 1) & (network.images[0] < 2)
        ).double().mean()
        assert labels[0, 0].item() == pytest.approx(float(own), abs=1e-6)
        # A block is shown once: no value of an image comes up twice.
        values = network.images[0, 0][network.images[0, 0] < 1]
        assert len(values.unique()) == len(values)


def test_the_published_cells_are_moved(make: Make) -> None:
    """4 pixels of 32 where the mask's blocks are larger, else the blocks themselves."""
    augmentation: Any = make("puzzlemix", 32)
    images = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    saliency = torch.zeros(1, 32, 32)
    saliency[:, 28:, 28:] = 1.0
    for count, moving in ((2, 4), (4, 4), (8, 4), (16, 2)):
        mask = torch.zeros(1, count, count)
        mask[:, 0, 0] = 1  # the image is shown top left, and salient bottom right
        near = make("puzzlemix", 32, {"transport_cost": 0.05})
        first, _ = near._transported(images, saliency, mask)  # type: ignore[attr-defined]
        shown = first[0, :, : 32 // count, : 32 // count]
        block = images[0, :, 28 : 28 + moving, 28 : 28 + moving]
        places = [
            (row, column)
            for row in range(0, 32 // count, moving)
            for column in range(0, 32 // count, moving)
            if torch.equal(shown[:, row : row + moving, column : column + moving], block)
        ]
        assert len(places) == 1
        far, _ = augmentation._transported(images, torch.rand(1, 32, 32), torch.ones(1, 2, 2))
        assert torch.equal(far, images)  # all of it is shown: nothing needs to move


def test_settings_that_do_not_fit_the_picture(make: Make) -> None:
    with pytest.raises(UserError, match="puzzlemix needs square images, not 16 by 32 pixels"):
        make("puzzlemix").forward(
            Quarters(), torch.rand(2, 3, 16, 32), torch.eye(2, 5), np.random.default_rng(0)
        )
    with pytest.raises(UserError, match=r"gamma is 1\.5"):
        make("puzzlemix", options={"gamma": 1.5})
