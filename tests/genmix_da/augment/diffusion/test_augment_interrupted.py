"""What goes wrong while a diffusion editor works: nothing that was finished is lost."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from genmix_da.augment.cache import decode_jpeg
from genmix_da.augment.diffusion.deep_reuse import DeepReuse
from genmix_da.augment.diffusion.latents import LatentCoder
from genmix_da.augment.editors import EditorOptions, make_editor
from genmix_da.augment.editors import instruct_pix2pix as pix2pix
from genmix_da.augment.editors.instruct_pix2pix import InstructPix2PixEditor
from genmix_da.augment.prompts import Style

pytest.importorskip("diffusers")

CLI = ("--steps", 2, "--features", "off", "--edit-size", 48, "--lambda", 0)
EDITS = 8
BRANCHES = 3  # UNet evaluations of an image at once


@pytest.fixture
def arguments(photos: Callable, tiny_pix2pix: Path, tmp_path: Path) -> tuple[object, ...]:
    """Two edits of each of four images."""
    source = photos(tmp_path / "in", 2)
    return ("augment", source, tmp_path / "out", "--editor", tiny_pix2pix, *CLI)


@pytest.fixture
def stored(tmp_path: Path) -> Callable[[], dict[str, bytes]]:
    """Edits in the cache, by key."""
    return lambda: {p.stem: p.read_bytes() for p in (tmp_path / "cache").rglob("*.jpg")}


class Denoised:
    """Denoises as ever, but for what `before` raises; keeps the number of images of each batch.

    Args:
        before: is called with (number of the batch, images in it) before its first step.
    """

    def __init__(self, before: Callable[[int, int], None] = lambda number, count: None) -> None:
        self.before, self.tried, self.done = before, 0, list[int]()
        self._denoise = pix2pix.denoise

    def __call__(self, unet: Any, scheduler: Any, steps: int, batch: Any) -> torch.Tensor:
        self.tried += 1
        self.before(self.tried, len(batch.seeds))
        latents = self._denoise(unet, scheduler, steps, batch)
        self.done.append(len(batch.seeds))
        return latents


@pytest.fixture
def denoised(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Denoised]:
    """Puts a `Denoised` in place."""

    def put(*arguments: Any) -> Denoised:
        spy = Denoised(*arguments)
        monkeypatch.setattr(pix2pix, "denoise", spy)
        return spy

    return put


def from_the_third_on(error: BaseException) -> Callable[[int, int], None]:
    def check(number: int, count: int) -> None:
        if number >= 3:
            raise error

    return check


def go_on(run: Callable, arguments: tuple[object, ...], stored: Callable, left: int) -> None:
    """A resumed run makes what is left, and that alone."""
    before = stored()
    outcome = run(*arguments, "--yes", "--resume")
    assert f"{left} edits made now, {EDITS} images written" in outcome.out, outcome
    assert before.items() <= stored().items()


def test_a_fault_in_the_middle_keeps_finished_batches(
    run: Callable,
    arguments: tuple[object, ...],
    stored: Callable,
    denoised: Callable,
) -> None:
    spy = denoised(from_the_third_on(RuntimeError("device-side assert")))
    with pytest.raises(RuntimeError, match="device-side assert"):  # no user can mend it
        run(*arguments, "--yes", "--edit-batch", 3)
    assert len(stored()) == 6
    spy.before = lambda number, count: None
    go_on(run, arguments, stored, EDITS - 6)


def test_an_interrupt_in_the_middle_of_the_steps_keeps_finished_batches(
    run: Callable, arguments: tuple[object, ...], stored: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, whole = [0], DeepReuse.__call__

    def interrupted(self: DeepReuse, *inputs: torch.Tensor) -> torch.Tensor:
        calls[0] += 1
        if calls[0] == 6:  # the second step of the third batch
            raise KeyboardInterrupt
        return whole(self, *inputs)

    with monkeypatch.context() as patch:
        patch.setattr(DeepReuse, "__call__", interrupted)
        outcome = run(*arguments, "--yes", "--edit-batch", 2)
    assert outcome.code == 130
    assert "interrupted; what was finished is kept" in outcome.err
    assert len(stored()) == 4
    assert not list(Path(str(arguments[2])).rglob("*.jpg"))
    go_on(run, arguments, stored, EDITS - 4)


def at_most(images: int, raised: list[int]) -> Callable[..., torch.Tensor]:
    """A UNet call for which more images are too many."""
    whole = DeepReuse.__call__

    def call(self: DeepReuse, sample: torch.Tensor, *others: torch.Tensor) -> torch.Tensor:
        if len(sample) > BRANCHES * images:
            raised.append(len(sample) // BRANCHES)
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")
        return whole(self, sample, *others)

    return call


def test_too_many_images_for_the_memory_are_halved(
    run: Callable,
    arguments: tuple[object, ...],
    stored: Callable,
    tmp_path: Path,
    tree_of: Callable,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = run(*arguments, "--yes", "--edit-batch", 2)
    assert plain.code == 0, plain
    expected, tree = stored(), tree_of(tmp_path / "out")
    monkeypatch.setenv("GENMIX_DA_CACHE", str(tmp_path / "other"))
    raised: list[int] = []
    monkeypatch.setattr(DeepReuse, "__call__", at_most(2, raised))
    again = (*arguments[:2], tmp_path / "again", *arguments[3:], "--yes", "--edit-batch", 8)
    outcome = run(*again)
    assert f"{EDITS} edits made now, {EDITS} images written" in outcome.out, outcome
    assert raised[:2] == [8, 4]
    assert raised.count(8) == 1  # what was learnt holds for the batches after it
    assert "out of memory with 4 images at once; going on with 2" in outcome.err
    edits = {p.stem: p.read_bytes() for p in (tmp_path / "other").rglob("*.jpg")}
    assert edits.keys() == expected.keys()
    for key, content in edits.items():  # each under its own key; batches of other sizes round
        apart = decode_jpeg(content).astype(int) - decode_jpeg(expected[key])
        assert np.abs(apart).max() <= 8
    assert tree_of(tmp_path / "again").keys() == tree.keys()


def test_no_edit_is_made_twice_after_halving(
    run: Callable,
    arguments: tuple[object, ...],
    denoised: Callable,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spy = denoised()
    monkeypatch.setattr(DeepReuse, "__call__", at_most(2, []))
    assert run(*arguments, "--yes", "--edit-batch", 8).code == 0
    assert sum(spy.done) == EDITS


def test_more_images_than_one_batch_and_memory_for_less(
    tiny_pix2pix: Path, picture: Callable[..., np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = EditorOptions(steps=1, size=64, batch=4)
    editor = make_editor(str(tiny_pix2pix), options, device="cpu")
    images = [picture(n, 64, 64) for n in range(8)]
    styles = [Style("comic", "comic", "into retro comic")] * 8
    expected = editor.edit(images, styles, range(8))
    monkeypatch.setattr(DeepReuse, "__call__", at_most(1, []))
    results = make_editor(str(tiny_pix2pix), options, device="cpu").edit(images, styles, range(8))
    assert len(results) == 8
    assert all(np.abs(a - b).max() < 1e-4 for a, b in zip(results, expected, strict=True))


def test_one_image_that_does_not_fit_is_one_sentence(
    run: Callable,
    complaint: Callable,
    arguments: tuple[object, ...],
    stored: Callable,
    denoised: Callable,
) -> None:
    spy = denoised(from_the_third_on(torch.OutOfMemoryError("CUDA out of memory.")))
    said = complaint(run(*arguments, "--yes", "--edit-batch", 2))
    assert "out of memory editing one image at 64 px on cpu" in said
    assert "--edit-size 256" in said
    assert "--precision fp16" in said
    assert "the edits that were finished are kept" in said
    assert spy.done == [2, 2]
    assert len(stored()) == 4


def test_one_image_that_does_not_fit_the_estimate_is_one_sentence(
    run: Callable,
    complaint: Callable,
    arguments: tuple[object, ...],
    denoised: Callable,
) -> None:
    def refuse(number: int, count: int) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9")

    denoised(refuse)
    for more in ((), ("--dry-run",)):
        said = complaint(run(*arguments, "--resume", *more))
        assert re.search(r"out of memory.*--edit-size", said)


BAD = {"black": 0.0, "uniform": 0.7, "non-finite": float("nan")}


def spoil(
    monkeypatch: pytest.MonkeyPatch, value: float, spoilt: Callable[[int], bool]
) -> list[list[int]]:
    """Decode to `value` where `spoilt` says so of the call; returns seeds of each batch."""
    seeds: list[list[int]] = []
    decode, edit_batch = LatentCoder.decode, InstructPix2PixEditor._edit_batch

    def bad(self: LatentCoder, latents: torch.Tensor) -> np.ndarray:
        pixels = decode(self, latents)
        return np.full_like(pixels, value) if spoilt(len(seeds)) else pixels

    def spy(self: InstructPix2PixEditor, items: Sequence[Any]) -> list[np.ndarray]:
        seeds.append([seed for _, _, seed in items])
        return edit_batch(self, items)

    monkeypatch.setattr(LatentCoder, "decode", bad)
    monkeypatch.setattr(InstructPix2PixEditor, "_edit_batch", spy)
    return seeds


@pytest.mark.parametrize("reason", BAD)
def test_unusable_output_is_recorded_after_another_seed(
    run: Callable,
    arguments: tuple[object, ...],
    stored: Callable,
    rows_of: Callable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    reason: str,
) -> None:
    seeds = spoil(monkeypatch, BAD[reason], lambda call: True)
    options = ("--yes", "--edit-batch", 4, "--per-image", 1)
    outcome = run(*arguments, *options)
    assert outcome.code == 0, outcome
    assert "0 kept, 0 dropped, 4 failed; 4 edits made now, 0 images written" in outcome.out
    assert [len(batch) for batch in seeds] == [4, 1, 1, 1, 1]
    first, retried = set(seeds[0]), {seed for batch in seeds[1:] for seed in batch}
    assert len(first | retried) == 8  # another seed for each
    rows = rows_of(tmp_path / "out")
    assert {(row["status"], row["reason"], row["output"]) for row in rows} == {
        ("failed", reason, None)
    }
    assert not stored()
    seeds.clear()
    assert "4 failed; 0 edits made now" in run(*arguments, *options, "--resume").out
    assert not seeds  # not tried again


def test_a_retry_that_is_fine_is_kept_with_its_own_seed(
    run: Callable,
    arguments: tuple[object, ...],
    rows_of: Callable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seeds = spoil(monkeypatch, 0.0, lambda call: call == 2)  # of one image a call: the second
    outcome = run(*arguments, "--yes", "--per-image", 1)
    assert "4 kept, 0 dropped, 0 failed" in outcome.out, outcome
    made = [batch[0] for batch in seeds]
    assert len(made) == 5
    assert [row["seed"] for row in rows_of(tmp_path / "out")] == [made[0], *made[2:]]
