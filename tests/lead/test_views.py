"""Training and evaluation views against slow references."""

import threading
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms

from lead.crops import six_views
from lead.errors import TooFewImagesError
from lead.views import ImageViews, NetworkInput, Preprocessing, prefetch

CPU = torch.device("cpu")
# Mean 0 and std 1/255: a view holds the pixel values themselves.
PLAIN = {"mean": (0.0, 0.0, 0.0), "std": (1 / 255, 1 / 255, 1 / 255)}


def random_images(count: int, side: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def plain_views(count: int = 12, side: int = 6, size: int = 4) -> ImageViews:
    return ImageViews(
        random_images(count, side), Preprocessing(**PLAIN, image_size=size, resize_size=side), CPU
    )


def test_every_crop_and_flip_comes_up_equally_often() -> None:
    views = plain_views(count=1)
    image = views.images[0].transpose(2, 0, 1)
    possible = {}
    for top in range(3):
        for left in range(3):
            crop = image[:, top : top + 4, left : left + 4]
            possible[crop.tobytes()] = (top, left, False)
            possible[np.ascontiguousarray(crop[:, :, ::-1]).tobytes()] = (top, left, True)
    assert len(possible) == 18

    draws = 3600
    made = views.train(np.zeros(draws, dtype=np.int64), np.random.default_rng(0))
    pixels = made.round().numpy().astype(np.uint8)
    assert np.abs(made.numpy() - pixels).max() < 1e-3
    counts = Counter(possible[np.ascontiguousarray(view).tobytes()] for view in pixels)
    # 200 expected each, standard deviation 13.7
    assert set(counts) == set(possible.values())
    assert all(140 < number < 260 for number in counts.values())


def test_training_views_belong_to_their_rows() -> None:
    # Images of one colour: whatever the crop, the view shows which image it is of.
    images = np.broadcast_to(
        np.arange(12, dtype=np.uint8)[:, None, None, None], (12, 6, 6, 3)
    ).copy()
    views = ImageViews(images, Preprocessing(**PLAIN, image_size=4, resize_size=6), CPU)
    rows = []
    for row, batch in views.training_batches(5, np.random.default_rng(0)):
        assert batch.shape == (5, 3, 4, 4)
        assert torch.equal(batch.amax(dim=(1, 2, 3)).round().long(), row)
        assert torch.equal(batch.amin(dim=(1, 2, 3)).round().long(), row)
        rows += row.tolist()
    assert len(rows) == len(set(rows)) == 10


def test_training_batches_depend_on_the_generator_alone() -> None:
    def epoch(seed: int) -> list[torch.Tensor]:
        draws = plain_views().training_batches(4, np.random.default_rng(seed))
        return [tensor for pair in draws for tensor in pair]

    assert all(torch.equal(a, b) for a, b in zip(epoch(3), epoch(3), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(epoch(3), epoch(4), strict=True))


def test_too_few_images_for_a_batch() -> None:
    with pytest.raises(TooFewImagesError, match="12 images are fewer than a batch of 13"):
        next(plain_views().training_batches(13, np.random.default_rng(0)))


@pytest.mark.parametrize(("side", "size"), [(16, 12), (15, 12), (17, 12), (256, 224), (12, 12)])
def test_evaluation_equals_torchvision(side: int, size: int) -> None:
    preprocessing = Preprocessing(image_size=size, resize_size=side)
    images = random_images(3, side)
    found = ImageViews(images, preprocessing, CPU).evaluation(slice(0, 3))
    reference = transforms.Compose(
        [
            transforms.CenterCrop(size),
            transforms.ToTensor(),
            transforms.Normalize(preprocessing.mean, preprocessing.std),
        ]
    )
    expected = torch.stack([reference(Image.fromarray(image)) for image in images])
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_evaluation_batches_keep_order_and_the_last_smaller_one() -> None:
    views = plain_views(count=7)
    batches = list(views.evaluation_batches(3))
    assert [len(batch) for batch in batches] == [3, 3, 1]
    expected = views.images[:, 1:5, 1:5].transpose(0, 3, 1, 2)
    torch.testing.assert_close(torch.cat(batches), torch.from_numpy(expected).float())


@pytest.mark.parametrize(
    ("batch_size", "sizes"), [(1, [1] * 5), (12, [2, 2, 1]), (17, [2, 2, 1]), (128, [5])]
)
def test_view_batches_hold_the_six_views_in_order(batch_size: int, sizes: list[int]) -> None:
    views = plain_views(count=5)
    batches = list(views.view_batches(batch_size))
    assert [len(batch) for batch in batches] == sizes
    found = torch.cat(batches)
    expected = np.stack([six_views(image, 4) for image in views.images]).transpose(0, 1, 4, 2, 3)
    torch.testing.assert_close(found, torch.from_numpy(expected.copy()).float())
    assert torch.equal(found[:, 0], views.evaluation(slice(0, 5)))


def test_view_batches_are_of_the_chosen_rows(tmp_path) -> None:
    images = random_images(6, 6)
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    preprocessing = Preprocessing(**PLAIN, image_size=4, resize_size=6)
    rows = np.array([4, 1, 3])
    chosen = ImageViews(mapped, preprocessing, CPU, rows)
    copied = ImageViews(images[rows], preprocessing, CPU)
    assert torch.equal(next(chosen.view_batches()), next(copied.view_batches()))


def test_rows_choose_and_order_the_images() -> None:
    images = random_images(6, 6)
    preprocessing = Preprocessing(**PLAIN, image_size=4, resize_size=6)
    rows = np.array([4, 1, 3])
    chosen = ImageViews(images, preprocessing, CPU, rows)
    copied = ImageViews(images[rows], preprocessing, CPU)
    assert len(chosen) == 3
    assert torch.equal(chosen.evaluation(slice(0, 3)), copied.evaluation(slice(0, 3)))
    both = [next(views.training_batches(3, np.random.default_rng(0))) for views in (chosen, copied)]
    assert torch.equal(both[0][0], both[1][0])
    assert torch.equal(both[0][1], both[1][1])


def test_views_are_channels_last() -> None:
    assert plain_views().evaluation(slice(0, 4)).is_contiguous(memory_format=torch.channels_last)


def test_images_may_be_memory_mapped(tmp_path) -> None:
    images = random_images(4, 6)
    np.save(tmp_path / "images.npy", images)
    preprocessing = Preprocessing(**PLAIN, image_size=4, resize_size=6)
    mapped = ImageViews(np.load(tmp_path / "images.npy", mmap_mode="r"), preprocessing, CPU)
    plain = ImageViews(images, preprocessing, CPU)
    assert torch.equal(mapped.evaluation(slice(1, 3)), plain.evaluation(slice(1, 3)))


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((2, 6, 6), dtype=np.uint8),
        np.zeros((2, 3, 6, 6), dtype=np.uint8),
        np.zeros((2, 6, 5, 3), dtype=np.uint8),
        np.zeros((2, 6, 6, 3), dtype=np.float32),
    ],
    ids=["no channels", "channels first", "not square", "float"],
)
def test_wrong_array_is_refused(images: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"must be uint8 \[N, 6, 6, 3\]"):
        ImageViews(images, Preprocessing(image_size=4, resize_size=6), CPU)


def test_another_crop_scales_the_resize_side() -> None:
    changed = Preprocessing(mean=(0.1, 0.2, 0.3), interpolation="bicubic").resized(160)
    assert (changed.image_size, changed.resize_size) == (160, 182)
    assert (changed.mean, changed.interpolation) == ((0.1, 0.2, 0.3), "bicubic")


def test_prefetch_keeps_order_and_loads_one_ahead() -> None:
    started = [threading.Event() for _ in range(4)]

    def load(item: int) -> int:
        started[item].set()
        return item * 10

    results: Iterator[int] = prefetch(range(4), load)
    assert next(results) == 0
    assert started[1].wait(timeout=5)
    assert not started[2].is_set()
    assert list(results) == [10, 20, 30]
    assert list(prefetch([], load)) == []


def test_error_while_loading_reaches_the_caller() -> None:
    def load(item: int) -> int:
        if item == 1:
            raise OSError("disk gone")
        return item

    with pytest.raises(OSError, match="disk gone"):
        list(prefetch(range(3), load))


def test_a_card_is_given_pinned_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The CPU in its place: torch pins nothing where there is no card, so that is stood in for."""
    pinned = []

    def pin(tensor: torch.Tensor) -> torch.Tensor:
        pinned.append(tensor)
        return tensor.clone()

    monkeypatch.setattr(torch.Tensor, "pin_memory", pin)
    images = random_images(3, 8)
    plain = NetworkInput(Preprocessing(), CPU)(images)
    assert not pinned
    monkeypatch.setattr("lead.views.PINNED_ON", {"cpu"})
    assert torch.equal(NetworkInput(Preprocessing(), CPU)(images), plain)
    (given,) = pinned
    assert np.array_equal(given.numpy(), images)
