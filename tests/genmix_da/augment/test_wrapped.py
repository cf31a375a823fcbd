"""GenMix around other data sets: what comes back, when it repeats, what is refused."""

from __future__ import annotations

import pickle
import runpy
from collections import namedtuple
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import ConcatDataset, DataLoader, Subset
from torchvision import tv_tensors
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

import genmix_da
from genmix_da.augment import AugmentSettings, GenMix, wrapped
from genmix_da.augment.cache import edit_cache
from genmix_da.errors import UserError
from held_items import Held

EXAMPLE = Path(genmix_da.__file__).parents[1] / "examples" / "train_with_genmix.py"
Picture = Callable[..., np.ndarray]
Item = namedtuple("Item", "image label note")


KINDS: dict[str, Callable[[np.ndarray], Any]] = {
    "PIL": Image.fromarray,
    "array": np.array,
    "tensor": lambda pixels: torch.from_numpy(pixels.copy()).permute(2, 0, 1),
    "tv_tensor": lambda pixels: tv_tensors.Image(torch.from_numpy(pixels.copy()).permute(2, 0, 1)),
}


def array_of(picture: Any) -> np.ndarray:
    return picture.permute(1, 2, 0).numpy() if torch.is_tensor(picture) else np.asarray(picture)


@pytest.fixture
def held(picture: Picture) -> Held:
    return Held([(picture(n), n % 2) for n in range(6)])


def pictures(dataset: Any) -> list[bytes]:
    return [array_of(dataset[index][0]).tobytes() for index in range(len(dataset))]


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_come_back_as_the_kind_they_were(
    kind: str, picture: Picture, settings: AugmentSettings
) -> None:
    made = KINDS[kind](picture(1))
    plain = replace(settings, masks=(), fractal_lambda=0.0, per_image=1)  # the edit as it is
    dataset = GenMix(plain).wrap(Held([(made, 1), (made, 0)]), chance=1.0)
    mixed, label = dataset[1]
    assert (type(mixed), label) == (type(made), 0)
    (_, edit) = dataset.edits
    assert np.array_equal(array_of(mixed), edit_cache().get(edit.job.key))
    never = GenMix(plain).wrap(Held([(made, 1)]), chance=0.0)[0][0]
    assert np.array_equal(array_of(never), picture(1))


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGBA", "CMYK"])
def test_other_modes_become_rgb(mode: str, picture: Picture, settings: AugmentSettings) -> None:
    dataset = GenMix(settings).wrap(Held([(Image.fromarray(picture(1)).convert(mode), 0)]))
    assert dataset[0][0].mode == "RGB"


@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 1)])
def test_grey_arrays_become_rgb(shape: tuple[int, ...], settings: AugmentSettings) -> None:
    grey = np.arange(784, dtype=np.uint32).astype(np.uint8).reshape(shape)
    assert GenMix(settings).wrap(Held([(grey, 0)]))[0][0].shape == (28, 28, 3)
    tensor = torch.from_numpy(grey.reshape(28, 28))
    for given in (tensor, tensor[None]):
        assert GenMix(settings).wrap(Held([(given, 0)]))[0][0].shape == (3, 28, 28)


def test_large_pictures_have_the_settings_size(picture: Picture, settings: AugmentSettings) -> None:
    dataset = GenMix(settings).wrap(Held([(picture(1, 100, 50), 0)]), chance=0.5)
    assert {dataset[0][0].shape for _ in range(6)} == {(48, 24, 3)}


def test_everything_else_is_the_data_set_s_own(
    held: Held, picture: Picture, settings: AugmentSettings
) -> None:
    dataset = GenMix(settings).wrap(held)
    assert (len(dataset), dataset.classes, dataset.dataset) == (6, held.classes, held)
    assert [label for _, label in (dataset[i] for i in range(6))] == [0, 1] * 3
    assert dataset[-1][1] == dataset[5][1]
    with pytest.raises(IndexError):
        dataset[6]
    assert len(list(iter(dataset))) == 6
    with pytest.raises(AttributeError):
        _ = dataset.none
    assert not hasattr(dataset, "__getitems__")
    named = GenMix(settings).wrap(Held([Item(picture(1), 3, "n")]))[0]
    assert (type(named), named.label, named.note) == (Item, 3, "n")
    listed = GenMix(settings).wrap(Held([["n", 3, picture(1)]]), image=2, label=1)[0]
    assert listed[:2] == ["n", 3]


def test_transform_comes_last(held: Held, settings: AugmentSettings) -> None:
    to_input = v2.Compose(
        [v2.ToImage(), v2.Resize((24, 24)), v2.ToDtype(torch.float32, scale=True)]
    )
    image, _ = GenMix(settings).wrap(held, transform=to_input)[0]
    assert (image.shape, image.dtype) == ((3, 24, 24), torch.float32)


def test_edits_are_made_once(held: Held, settings: AugmentSettings, told: Any) -> None:
    s = replace(settings, editor="told")
    first = GenMix(s).wrap(held, chance=1.0)
    assert len(told.seeds) == 12
    assert max(told.batches) == told.largest_batch
    again = GenMix(s).wrap(held, chance=1.0)
    assert len(told.seeds) == 12
    assert again.edits == first.edits
    # Of another part of the data the same images have the same edits.
    keys = {edit.job.key for edit in first.edits}
    moved = GenMix(replace(s, per_image=len(wrapped.load_prompts("domain").styles)))
    assert {edit.job.key for edit in moved.wrap(Subset(held, [4])).edits} & keys


def test_an_epoch_repeats_whatever_the_workers(held: Held, settings: AugmentSettings) -> None:
    dataset = GenMix(settings).wrap(held, chance=0.7)

    def epoch(number: int, workers: int) -> list[bytes]:
        dataset.set_epoch(number)
        loader = DataLoader(dataset, batch_size=2, num_workers=workers)
        return [image.numpy().tobytes() for images, _ in loader for image in images]

    first = epoch(0, 0)
    torch.manual_seed(9)
    assert epoch(0, 2) == first
    assert epoch(1, 2) != first
    assert epoch(0, 0) == first
    other = GenMix(replace(settings, seed=1)).wrap(held, chance=0.7)
    other.set_epoch(0)
    assert pictures(other) != first
    with pytest.raises(ValueError, match="0 or more"):
        dataset.set_epoch(-1)


def test_workers_that_stay_see_the_epoch_change(held: Held, settings: AugmentSettings) -> None:
    dataset = GenMix(settings).wrap(held, chance=1.0)
    loader = DataLoader(dataset, batch_size=6, num_workers=1, persistent_workers=True)
    seen = []
    for number in (0, 1, 0):
        dataset.set_epoch(number)
        (batch,) = loader
        seen.append(batch[0].numpy().tobytes())
    assert seen[0] == seen[2] != seen[1]


def test_without_an_epoch_torch_s_generator_draws(held: Held, settings: AugmentSettings) -> None:
    dataset = GenMix(settings).wrap(held, chance=1.0)

    def two(seed: int) -> tuple[list[bytes], list[bytes]]:
        torch.manual_seed(seed)
        return pictures(dataset), pictures(dataset)

    first, second = two(1)
    assert all(a != b for a, b in zip(first, second, strict=True))
    assert two(1) == (first, second)
    assert two(2)[0] != first


def test_it_travels_to_workers_that_are_not_forked(held: Held, settings: AugmentSettings) -> None:
    dataset = GenMix(settings).wrap(held, chance=1.0)
    dataset.set_epoch(3)
    copy = pickle.loads(pickle.dumps(dataset))
    assert pictures(copy) == pictures(dataset)
    assert copy.classes == held.classes


def test_torch_s_and_torchvision_s_data_sets(
    photos: Callable, tmp_path: Path, settings: AugmentSettings
) -> None:
    folder = ImageFolder(photos(tmp_path / "in", 2))
    whole = GenMix(settings).wrap(folder)
    assert (whole.classes, whole.class_to_idx) == (["cup", "lamp"], {"cup": 0, "lamp": 1})
    assert [whole[i][1] for i in range(4)] == whole.targets == [0, 0, 1, 1]
    for other in (Subset(folder, [0, 3]), ConcatDataset([folder, folder])):
        dataset = GenMix(settings).wrap(other, chance=1.0)
        assert len(dataset) == len(other)
        assert isinstance(dataset[1][0], Image.Image)


@pytest.mark.parametrize("form", [None, "torch", "numpy"])
def test_a_split_of_the_datasets_library(
    form: str | None, picture: Picture, settings: AugmentSettings
) -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {
            "note": datasets.Value("string"),
            "img": datasets.Image(),
            "fine_label": datasets.ClassLabel(names=["cup", "lamp"]),
        }
    )
    rows = {"note": ["a", "b", "c"], "fine_label": [0, 1, 1]}
    rows["img"] = [Image.fromarray(picture(n)) for n in range(3)]
    split = datasets.Dataset.from_dict(rows, features=features).with_format(form)
    dataset = GenMix(settings).wrap(split, chance=1.0)
    assert len(dataset) == 3
    item = dataset[2]
    assert list(item) == list(split[2])
    assert (item["note"], int(item["fine_label"])) == ("c", 1)
    assert isinstance(item["img"], Image.Image if form is None else type(split[2]["img"]))
    assert dataset.features["fine_label"].names == ["cup", "lamp"]
    if form == "torch":
        (batch,) = DataLoader(dataset, batch_size=3)
        assert batch["img"].shape == (3, 3, 40, 32)


def test_faithful_selection_takes_the_encoder(
    held: Held, settings: AugmentSettings, told: Any, encoder: Any
) -> None:
    told.answer = lambda image, seed: image if seed % 2 else 255 - image
    s = replace(settings, editor="told", rule="same-class", sigmas=0.1)
    dataset = GenMix(s, encoder=encoder).wrap(held, chance=1.0)
    found = {edit.status for edit in dataset.edits}
    assert found == {"kept", "dropped"}
    kept = {edit.job.seed % 2 for edit in dataset.edits if edit.status == "kept"}
    assert kept == {1}


def test_failed_edits_leave_the_image_as_it_is(
    held: Held, settings: AugmentSettings, told: Any
) -> None:
    told.answer = lambda image, seed: np.zeros_like(image)
    dataset = GenMix(replace(settings, editor="told")).wrap(held, chance=1.0)
    assert {edit.status for edit in dataset.edits} == {"failed"}
    assert np.array_equal(dataset[0][0], held[0][0])


def test_long_editing_is_asked_about(
    held: Held, settings: AugmentSettings, told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    told.slow = True
    monkeypatch.setattr(told, "seconds_per_edit", lambda: 1000.0)
    with pytest.raises(UserError, match=r"12 edits with told would take 3\.3 hours"):
        GenMix(replace(settings, editor="told")).wrap(held)
    assert told.seeds == []
    GenMix(replace(settings, editor="told", editor_options={"yes": True})).wrap(held)
    assert len(told.seeds) == 12


def test_lost_edit_is_named(held: Held, settings: AugmentSettings) -> None:
    dataset = GenMix(settings).wrap(held, chance=1.0)
    for edit in dataset.edits:
        edit_cache().path(edit.job.key).unlink()
    with pytest.raises(UserError, match="an edit vanished"):
        _ = dataset[0]


def test_example_trains(
    photos: Callable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main = runpy.run_path(str(EXAMPLE))["main"]
    source = photos(tmp_path / "in", 4)
    assert np.isfinite(main(str(source), epochs=2))
    assert len(capsys.readouterr().out.splitlines()) == 2
    main(str(source), epochs=1)  # a second run takes the edits up again
