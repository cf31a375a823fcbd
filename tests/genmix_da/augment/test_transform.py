"""GenMix on the fly: shapes, labels, and draws that differ by worker and epoch yet repeat."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader
from torchvision.transforms import v2

from genmix_da.augment import (
    Augmented,
    AugmentSettings,
    GenMixDataset,
    GenMixTransform,
    augment_folder,
)
from genmix_da.augment.cache import edit_cache
from genmix_da.augment.edits import load_working_image
from genmix_da.errors import UserError


@pytest.fixture
def done(photos: Callable, tmp_path: Path, settings: AugmentSettings) -> Augmented:
    return augment_folder(photos(tmp_path / "in", 4), tmp_path / "out", settings)


def tensor(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)


def test_transform_mixes_edit_and_original(picture: Callable) -> None:
    original, edit = tensor(picture(1, 40, 33)), tensor(picture(2, 40, 33))
    mix = GenMixTransform(AugmentSettings(masks=("vertical",), seam_width=4.0, fractal_lambda=0.0))
    mixed = mix(original, edit)
    assert isinstance(mix, v2.Transform)
    assert (mixed.shape, mixed.dtype) == ((3, 40, 33), torch.uint8)
    assert torch.equal(mixed[:, :, :12], original[:, :, :12])
    assert torch.equal(mixed[:, :, 22:], edit[:, :, 22:])


def test_transform_follows_torchs_seed(picture: Callable) -> None:
    original, edit, mix = tensor(picture(1)), tensor(picture(2)), GenMixTransform()

    def draw(seed: int) -> list[torch.Tensor]:
        torch.manual_seed(seed)
        return [mix(original, edit) for _ in range(5)]

    first, again, other = draw(1), draw(1), draw(2)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(first, other, strict=True))
    assert len({image.numpy().tobytes() for image in first}) == 5


def test_transform_leaves_its_inputs_alone(picture: Callable) -> None:
    original, edit = tensor(picture(1)), tensor(picture(2))
    before = original.clone(), edit.clone()
    GenMixTransform()(original, edit)
    assert torch.equal(original, before[0])
    assert torch.equal(edit, before[1])


def test_dataset_gives_images_and_labels(done: Augmented, settings: AugmentSettings) -> None:
    dataset = GenMixDataset(done.selection, settings)
    assert len(dataset) == 8
    assert dataset.classes == ("cup", "lamp")
    assert dataset.targets == [0] * 4 + [1] * 4
    for index in range(8):
        image, label = dataset[index]
        assert (image.shape, image.dtype) == ((3, 40, 32), torch.uint8)
        assert label == dataset.targets[index]


def test_chance_decides_how_often(done: Augmented, settings: AugmentSettings) -> None:
    originals = [tensor(load_working_image(path, 48)) for path in done.selection.domain.images]

    def mixed(chance: float) -> float:
        dataset = GenMixDataset(done.selection, settings, chance=chance)
        draws = [(dataset[i % 8][0], originals[i % 8]) for i in range(160)]
        return float(np.mean([not torch.equal(image, original) for image, original in draws]))

    torch.manual_seed(3)
    assert mixed(0.0) == 0
    assert mixed(1.0) == 1
    assert mixed(0.5) == pytest.approx(0.5, abs=0.13)


def test_all_kept_edits_are_drawn_and_no_other(
    photos: Callable, tmp_path: Path, settings: AugmentSettings, told: Any
) -> None:
    def answer(image: np.ndarray, seed: int) -> np.ndarray:
        answered.append(seed)
        # The first of the three fails, and its second attempt, which comes after the batch.
        return np.zeros_like(image) if len(answered) in (1, 4) else 255 - image // len(answered)

    answered: list[int] = []
    told.answer = answer
    s = replace(settings, editor="told", per_image=3, masks=(), fractal_lambda=0.0)
    done = augment_folder(photos(tmp_path / "in", 1, ["cup"]), tmp_path / "out", s)
    kept = [edit for edit in done.selection.edits if edit.status == "kept"]
    assert len(kept) == 2
    dataset = GenMixDataset(done.selection, s, chance=1.0)
    seen = {dataset[0][0].numpy().tobytes() for _ in range(60)}
    expected = {
        tensor(np.asarray(edit_cache().get(edit.job.key))).contiguous().numpy().tobytes()
        for edit in kept
    }
    assert seen == expected


def test_image_without_kept_edit_comes_as_it_is(
    photos: Callable, tmp_path: Path, settings: AugmentSettings, told: Any
) -> None:
    told.answer = lambda image, seed: np.zeros_like(image)
    s = replace(settings, editor="told")
    done = augment_folder(photos(tmp_path / "in", 1), tmp_path / "out", s)
    dataset = GenMixDataset(done.selection, s, chance=1.0)
    original = tensor(load_working_image(done.selection.domain.images[0], 48))
    assert torch.equal(dataset[0][0], original)


def test_lost_edit_is_named(done: Augmented, settings: AugmentSettings) -> None:
    dataset = GenMixDataset(done.selection, settings, chance=1.0)
    for edit in done.selection.edits:
        edit_cache().path(edit.job.key).unlink()
    with pytest.raises(UserError, match="an edit vanished"):
        _ = dataset[0]


def epoch_of(loader: DataLoader) -> list[bytes]:
    return [image.numpy().tobytes() for images, _ in loader for image in images]


@pytest.mark.parametrize("workers", [0, 2])
def test_loader_draws_anew_each_epoch_and_repeats_with_the_seed(
    done: Augmented, settings: AugmentSettings, workers: int
) -> None:
    dataset = GenMixDataset(done.selection, settings, chance=1.0)

    def two_epochs(seed: int) -> tuple[list[bytes], list[bytes]]:
        torch.manual_seed(seed)
        loader = DataLoader(dataset, batch_size=2, num_workers=workers)
        return epoch_of(loader), epoch_of(loader)

    first, second = two_epochs(1)
    assert len(first) == 8
    assert all(a != b for a, b in zip(first, second, strict=True))
    assert two_epochs(1) == (first, second)
    assert two_epochs(2)[0] != first


class Repeated(torch.utils.data.Dataset):
    """The first image of a data set, again and again."""

    def __init__(self, dataset: GenMixDataset) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.dataset[0][0]


def test_workers_draw_differently(done: Augmented, settings: AugmentSettings) -> None:
    dataset = Repeated(GenMixDataset(done.selection, settings, chance=1.0))
    loader = DataLoader(dataset, batch_size=4, num_workers=2)  # one batch a worker
    first, second = ([image.numpy().tobytes() for image in batch] for batch in loader)
    assert not set(first) & set(second)
    assert len(set(first) | set(second)) == 8


def test_dataset_travels_to_workers_that_are_not_forked(
    done: Augmented, settings: AugmentSettings
) -> None:
    dataset = GenMixDataset(done.selection, settings, chance=1.0)
    copy = pickle.loads(pickle.dumps(dataset))
    torch.manual_seed(5)
    first = dataset[3][0]
    torch.manual_seed(5)
    assert torch.equal(copy[3][0], first)


def test_transform_argument_is_applied_last(done: Augmented, settings: AugmentSettings) -> None:
    to_input = v2.Compose([v2.Resize((24, 24)), v2.ToDtype(torch.float32, scale=True)])
    image, _ = GenMixDataset(done.selection, settings, transform=to_input)[0]
    assert (image.shape, image.dtype) == ((3, 24, 24), torch.float32)
