"""The images of source training: originals and augmented ones, in both modes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genmix_da.adaptation.config import build_config
from genmix_da.adaptation.task import prepare
from genmix_da.augment import training_online
from genmix_da.augment.source_task import augmentation_of
from genmix_da.augment.training_set import training_set

SPLIT = ("--split", "3/1/2")
QUICK = (
    *SPLIT,
    *("--source-epochs", 1, "--epochs", 1, "--cluster-estimator", "features"),
)
GENMIX = ("--augment", "genmix", "--features", "off", "--edit-size", 32)
IMAGES, BATCH = 48, 8  # four source classes of twelve images; see TINY


def test_genmix_is_the_default() -> None:
    config = build_config({"src": "a", "tgt": "b"}, None)
    assert (config.augment, config.augment_mode, config.budget) == ("genmix", "offline", "steps")


def task_of(data: Path, **options: Any) -> Any:
    given = {"src": "Art", "tgt": "Clipart", "data": data, "split": "3/1/2", "batch_size": BATCH}
    given |= {"backbone": "timm:test_efficientnet", "weights": "none", "image_size": 32}
    given |= {"augment": "genmix", "genmix": {"features": "off", "size": 32}, "device": "cpu"}
    return prepare(build_config(given | options, None))


@pytest.mark.parametrize("mode", ["offline", "online"])
def test_originals_and_augmented_images_keep_their_labels(
    data: Path, tmp_path: Path, mode: str
) -> None:
    task = task_of(data, augment_mode=mode)
    found = training_set(task, augmentation_of(task), tmp_path / "augmented")
    assert len(found.views) == len(found.labels) == 3 * IMAGES
    assert found.labels[:IMAGES].tolist() == task.source.labels.tolist()
    assert found.labels[IMAGES:].tolist() == np.repeat(task.source.labels, 2).tolist()
    assert found.steps_per_epoch == IMAGES // BATCH
    draw = np.random.default_rng(0)
    pixels = [found.views.picture(int(row), draw).astype(float) for row in found.views.rows]
    for place, row in enumerate(task.source.rows):
        assert np.array_equal(pixels[place], task.source.decoded.pixels[row])
    # An augmented image is nearer to its own original than to another class's.
    nearer = [
        np.abs(image - pixels[n // 2]).mean() < np.abs(image - pixels[(n // 2 + 24) % 48]).mean()
        for n, image in enumerate(pixels[IMAGES:])
    ]
    assert np.mean(nearer) > 0.8


def test_online_draws_differ_from_view_to_view(data: Path, tmp_path: Path) -> None:
    task = task_of(data, augment_mode="online")
    views = training_set(task, augmentation_of(task), tmp_path).views
    draw = np.random.default_rng(0)
    last = int(views.rows[-1])
    drawn = {views.picture(last, draw).tobytes() for _ in range(8)}
    assert len(drawn) == 8
    again = [views.picture(last, np.random.default_rng(3)).tobytes() for _ in range(2)]
    assert again[0] == again[1]


def test_online_draws_differ_between_epochs(
    adapt: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[bytes] = []
    join = training_online.compose

    def kept(*arguments: Any) -> Any:
        done = join(*arguments)
        drawn.append(done.final.tobytes())
        return done

    monkeypatch.setattr(training_online, "compose", kept)
    options = ("--augment-mode", "online", "--budget", "epochs", "--source-epochs", 3)
    assert adapt(*QUICK, *GENMIX, *options).code == 0
    assert len(drawn) == 3 * 2 * IMAGES  # every kept edit, every epoch
    assert len(set(drawn)) == len(drawn)


def test_backbone_without_weights_selects_nothing_and_says_so(adapt: Callable) -> None:
    outcome = adapt(*QUICK, "--augment", "genmix", "--edit-size", 32, "--json")
    assert outcome.json()["augment"]["features"] in ("off", "dinov2")
    assert "faithful selection: " in outcome.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--augment", "mixup"), "augment"),
        (("--augment-mode", "live"), "augment"),
        (("--budget", "images"), "budget"),
        (("--lambda", 1), "--lambda is 1"),
        (("--prompts", "thick oil"), "it knows"),
        (("--editor", "filter"), "did you mean 'filters'"),
    ],
    ids=str,
)
def test_bad_options(refused: Callable, options: tuple[object, ...], said: str) -> None:
    assert said in refused(*QUICK, *GENMIX, *options)
