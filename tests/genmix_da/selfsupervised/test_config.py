"""Settings of a pre-training: the papers' defaults, and what is refused in one sentence."""

from __future__ import annotations

from typing import Any

import pytest

from genmix_da.errors import UserError
from genmix_da.selfsupervised.config import SelfSupervisedConfig, build_ssl_config, queue_of


def test_the_defaults_are_the_papers() -> None:
    moco = SelfSupervisedConfig(data="x").resolved()
    assert (moco.method, moco.lr, moco.epochs, moco.temperature) == ("moco-v2", 0.03, 200, 0.2)
    assert (moco.encoder_momentum, moco.weight_decay, moco.momentum) == (0.999, 1e-4, 0.9)
    simsiam = SelfSupervisedConfig(data="x", method="simsiam", batch_size=512).resolved()
    assert (simsiam.lr, simsiam.epochs, simsiam.temperature) == (0.1, 100, None)


def test_a_given_rate_is_not_scaled() -> None:
    assert SelfSupervisedConfig(data="x", lr=0.5, batch_size=8).resolved().lr == 0.5


def test_views_make_no_other_run_where_nothing_is_made() -> None:
    plain = SelfSupervisedConfig(data="x", augment="none")
    assert (
        plain.resolved() == SelfSupervisedConfig(data="x", augment="none", views="mixed").resolved()
    )


@pytest.mark.parametrize(
    ("images", "queue"),
    [(1_281_167, 65_536), (1000, 448), (100, 64), (64, 64)],  # half, in whole batches of 64
)
def test_an_open_queue(images: int, queue: int) -> None:
    assert queue_of(SelfSupervisedConfig(data="x", batch_size=64), images) == queue


def test_diffusemix_is_what_classification_takes_it_for() -> None:
    settings = SelfSupervisedConfig(data="x", augment="diffusemix").genmix_settings()
    assert (settings.features, settings.seam_width) == ("off", 0.0)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"method": "simclr"}, "--method is 'simclr'; choose one of moco-v2, simsiam"),
        ({"augment": "mixup"}, "choose one of none, genmix, diffusemix"),
        ({"views": "both"}, "original-augmented, augmented, mixed"),
        ({"method": "simsiam", "queue": 64}, "--queue is of --method moco-v2 alone"),
        ({"method": "simsiam", "temperature": 0.1}, "--temperature is of --method moco-v2"),
        ({"batch_size": 1}, "--batch-size is 1; it must be at least 2"),
        ({"temperature": 1e-9}, "--temperature is 1e-09; it must be at least 0.001"),
        ({"norm_group": 1}, "--norm-group is 1; it must be at least 2"),
        ({"encoder_momentum": 1.0}, r"--encoder-momentum is 1.0; it must be in \[0, 1\)"),
        ({"momentum": -0.1}, "--momentum is -0.1; it must be 0 or more"),
        ({"image_size": 4}, "--image-size is 4; it must be at least 8"),
        ({"picture_size": 9000}, "--picture-size is 9000; it must be from 8 to 8192"),
        ({"workers": -1}, "--workers is -1; it must be 0 or more"),
        ({"lr": float("nan")}, "--lr is nan"),
        ({"seed": -1}, "--seed is -1"),
        ({"data": " "}, "--data is empty"),
        ({"tau": 0.1}, "unknown setting 'tau'"),
        ({"genmix": {"editor_options": {"steps": 0}}}, "--edit-steps"),
    ],
)
def test_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        build_ssl_config({"data": "x", **given})


@pytest.mark.parametrize(
    ("queue", "said"), [(100, "no multiple of the batch of 64"), (1024, "960 or less")]
)
def test_a_queue_that_does_not_fit(queue: int, said: str) -> None:
    with pytest.raises(UserError, match=said):
        queue_of(SelfSupervisedConfig(data="x", batch_size=64, queue=queue), 1000)


@pytest.mark.parametrize(("batch", "group"), [(256, 32), (64, 32), (32, 16), (8, 4), (2, 2)])
def test_batch_norm_takes_half_a_batch_at_most(batch: int, group: int) -> None:
    """So that keys which are shuffled are normalised with others."""
    config = build_ssl_config({"data": "x", "batch_size": batch}).resolved()
    assert config.norm_group == group
    simsiam = build_ssl_config({"data": "x", "method": "simsiam", "batch_size": batch})
    assert simsiam.resolved().norm_group is None
