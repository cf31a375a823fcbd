"""The training loop: its loss, its draws, and what it does when the loss is no number."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from genmix_da.classify import run as running
from genmix_da.classify import training as loop
from genmix_da.classify.augmentations import Augmentation
from genmix_da.classify.config import build_classify_config
from genmix_da.classify.method import resolve_method, training_images
from genmix_da.classify.network import build_network
from genmix_da.classify.schedule import Length, run_length
from genmix_da.classify.task import ClassifyTask, labels_of, prepare
from genmix_da.classify.training import (
    SpoiledEpochError,
    TrainedEpoch,
    _check_losses,
    predict,
    train_epochs,
)
from lead.checkpoint import load_checkpoint
from lead.errors import DivergedError
from lead.precision import Precision


@pytest.fixture
def task(data: Path, tiny: dict[str, Any]) -> ClassifyTask:
    return prepare(build_classify_config({"data": data / "Art", **tiny}))


def trained(task: ClassifyTask, augmentation: Augmentation, epochs: int = 1) -> list[TrainedEpoch]:
    network = build_network(task, "none")
    images = training_images(task, resolve_method(task), Path("unused"))
    length = Length(epochs * 3, 3, 0, 1)
    return list(train_epochs(task, network, images, augmentation, length))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Spy(Augmentation):
    """Notes what it is given; may spoil the logits of one step."""

    seen: list[Any] = dataclasses.field(default_factory=list)
    spoiled: int = 0

    def batch(
        self, images: Tensor, weights: Tensor, draw: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        return images, 0.75 * weights + 0.25 * weights.flip(0)

    def forward(
        self, network: nn.Module, images: Tensor, weights: Tensor, draw: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        logits = network(images)
        self.seen.append((images, weights, logits.detach(), draw.random()))
        return logits * (float("nan") if len(self.seen) == self.spoiled else 1), weights


@pytest.fixture
def spy(task: ClassifyTask) -> Spy:
    return Spy(setup=resolve_method(task).augmentation.setup)


def test_loss_is_cross_entropy_with_smoothed_weights(task: ClassifyTask, spy: Spy) -> None:
    (epoch,) = trained(task, spy)
    losses, hits = [], 0
    for _, weights, logits, _ in spy.seen:
        smooth = 0.9 * weights + 0.1 / 6
        losses.append(-(smooth * logits.log_softmax(dim=1)).sum(dim=1).mean())
        assert weights.max() in (0.75, 1.0)
        hits += int((logits.argmax(1) == weights.argmax(1)).sum())
    assert epoch.loss == pytest.approx(float(torch.stack(losses).mean()), rel=1e-5)
    assert epoch.accuracy == hits / 24
    assert epoch.step == 3


def test_every_step_draws_anew_and_every_run_the_same(task: ClassifyTask, spy: Spy) -> None:
    trained(task, spy, epochs=2)
    drawn = [draw for *_, draw in spy.seen]
    assert len(set(drawn)) == 6
    again = dataclasses.replace(spy, seen=[])
    trained(task, again, epochs=2)
    for one, other in zip(spy.seen, again.seen, strict=True):
        assert torch.equal(one[0], other[0])
        assert torch.equal(one[2], other[2])
        assert one[3] == other[3]


def test_the_seed_decides_initialisation_and_views(task: ClassifyTask, spy: Spy) -> None:
    heads = [build_network(task.with_config(seed=s), "none").head.weight for s in (1, 1, 2)]
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])
    other = dataclasses.replace(spy, seen=[])
    trained(task, spy)
    trained(task.with_config(seed=2), other)
    assert not torch.equal(spy.seen[0][0], other.seen[0][0])


@pytest.mark.parametrize("step", [1, 3, 5])
def test_a_loss_that_is_no_number_names_its_step(task: ClassifyTask, spy: Spy, step: int) -> None:
    with pytest.raises(DivergedError, match=rf"not finite at step {step} of 6 \(epoch \d\)"):
        trained(task, dataclasses.replace(spy, spoiled=step), epochs=2)


@pytest.mark.parametrize(("step", "spoiled"), [(1, False), (3, False), (4, True), (5, False)])
def test_an_epoch_is_spoiled_where_the_first_loss_after_it_is(
    task: ClassifyTask, spy: Spy, step: int, spoiled: bool
) -> None:
    with pytest.raises(DivergedError) as caught:
        trained(task, dataclasses.replace(spy, spoiled=step), epochs=2)
    assert isinstance(caught.value, SpoiledEpochError) == spoiled


def test_losses_are_looked_at_now_and_then_on_a_gpu() -> None:
    length = Length(200, 100, 0, 1)
    losses = [torch.tensor(1.0)] * 50
    losses[7] = torch.tensor(float("nan"))
    with pytest.raises(DivergedError, match="not finite at step 108 of 200"):
        _check_losses(losses, 150, 2, length)
    losses[0] = losses[7]
    with pytest.raises(SpoiledEpochError, match="not finite at step 101 of 200"):
        _check_losses(losses, 150, 2, length)


def test_every_step_looks_at_its_own_loss_alone(
    task: ClassifyTask, spy: Spy, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = []

    def counted(losses: list[Tensor], *others: Any) -> None:
        counts.append(len(losses))

    monkeypatch.setattr(loop, "_check_losses", counted)
    trained(task, spy)
    assert counts == [1, 1, 1, 3]  # at the end of an epoch all, as on a GPU


def test_views_that_are_not_used_are_not_made(
    task: ClassifyTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*arguments: Any) -> None:
        raise AssertionError("views without the augmentation")

    monkeypatch.setattr("genmix_da.classify.method.training_set", never)
    task = task.with_config(augment="augmix")
    images = training_images(task, resolve_method(task), Path("unused"))
    assert images.labels.tolist() == labels_of(task.train).tolist()
    assert len(images.views) == len(images.labels)


@pytest.mark.parametrize("what", ["parameter", "buffer"])
def test_an_epoch_without_finite_weights_is_not_yielded(
    task: ClassifyTask, spy: Spy, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    step = Precision.step

    def spoiling(self: Precision, loss: Tensor, optimizer: torch.optim.Optimizer) -> None:
        step(self, loss, optimizer)
        if len(spy.seen) == 3:
            with torch.no_grad():
                found = network.head.parameters() if what == "parameter" else network.buffers()
                next(found).fill_(float("inf"))

    monkeypatch.setattr(Precision, "step", spoiling)
    network = build_network(task, "none")
    images = training_images(task, resolve_method(task), Path("unused"))
    with pytest.raises(DivergedError, match=r"weights are not finite after step 3 of 6 \(epoch 1"):
        next(train_epochs(task, network, images, spy, Length(6, 3, 0, 1)))


def test_state_of_a_past_epoch_is_refused(task: ClassifyTask, spy: Spy) -> None:
    first, second = trained(task, spy, epochs=2)
    assert second.state()["epoch"] == 2
    with pytest.raises(RuntimeError, match="the state of epoch 1 is gone"):
        first.state()


def test_batch_of_all_images_of_a_part(task: ClassifyTask) -> None:
    probability = predict(task, build_network(task, "none"), task.image_views(task.test))
    assert probability.shape == (len(labels_of(task.test)), 6)
    assert torch.allclose(probability.sum(dim=1), torch.ones(len(probability)))


def test_network_without_numbers_is_named(task: ClassifyTask) -> None:
    network = build_network(task, "none")
    with torch.no_grad():
        network.head.bias.fill_(float("nan"))
    with pytest.raises(DivergedError, match="values that are not finite"):
        predict(task, network, task.image_views(task.test))


def test_divergence_keeps_the_last_good_network(
    refused: Callable[..., str],
    result_of: Callable[[], dict[str, Any]],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept: dict[str, Tensor] = {}
    passes = []

    def second(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        passes.append(1)
        return output * (float("nan") if len(passes) == 2 else 1)

    def spoiled(task: Any, network: Any, *others: Any, **options: Any) -> Any:
        for epoch in train_epochs(task, network, *others, **options):
            yield epoch
            if epoch.epoch == 2:
                kept.update({k: v.clone() for k, v in network.state_dict().items()})
                network.backbone.register_forward_hook(second)

    monkeypatch.setattr(running, "train_epochs", spoiled)
    said = refused()
    assert "not finite at step 16 of 21 (epoch 3); lower --lr" in said
    assert f"the network of epoch 2 is kept in {folder / 'checkpoint.safetensors'}" in said
    tensors, description = load_checkpoint(folder / "checkpoint.safetensors")
    assert description["epoch"] == 2
    assert all(torch.equal(tensors[name], kept[name]) for name in kept)
    assert result_of()["status"] == "failed"
    assert "step 16" in result_of()["reason"]


def test_divergence_at_once_keeps_the_network_before(
    refused: Callable[..., str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last update makes weights that are finite and of no use."""
    kept = {}

    def spoiled(task: Any, network: Any, *others: Any, **options: Any) -> Any:
        for epoch in train_epochs(task, network, *others, **options):
            if epoch.epoch == 1:
                kept.update({k: v.clone() for k, v in network.state_dict().items()})
            if epoch.epoch == 2:
                with torch.no_grad():
                    for parameter in network.backbone.parameters():
                        parameter.fill_(7e29)
            yield epoch

    monkeypatch.setattr(running, "train_epochs", spoiled)
    said = refused("--eval-every", 3)
    assert "the loss is not finite at step 15 of 21 (epoch 3)" in said
    assert "the last step of epoch 2 has spoiled the network, and the network of epoch 1 is" in said
    tensors, description = load_checkpoint(folder / "checkpoint.safetensors")
    assert description["epoch"] == 1
    assert all(torch.equal(tensors[name], kept[name]) for name in kept)


def test_divergence_at_once_after_the_first_epoch(
    refused: Callable[..., str], folder: Path
) -> None:
    said = refused("--batch-size", 60, "--lr", "1e30", "--warmup-steps", 0, "--eval-every", 3)
    assert "the loss is not finite at step 2 of 3 (epoch 2)" in said
    assert "the last step of epoch 1 has spoiled the network, and none was saved before it" in said
    assert not (folder / "checkpoint.safetensors").exists()


def test_divergence_in_the_evaluation_names_its_step(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoiled(task: Any, network: Any, *others: Any, **options: Any) -> Any:
        for epoch in train_epochs(task, network, *others, **options):
            if epoch.epoch == 2:
                network.register_forward_hook(lambda module, inputs, output: output * torch.nan)
            yield epoch

    monkeypatch.setattr(running, "train_epochs", spoiled)
    said = refused()
    assert "gives values that are not finite after step 14 of 21 (epoch 2); lower --lr" in said
    assert "the network of epoch 1 is kept" in said


def test_divergence_in_the_first_epoch(refused: Callable[..., str], folder: Path) -> None:
    said = refused("--lr", "1e38")
    assert "not finite at step" in said
    assert "no epoch was finished before" in said
    assert not (folder / "checkpoint.safetensors").exists()


def test_equal_steps_with_images_that_were_made(
    data: Path, tmp_path: Path, tiny: dict[str, Any]
) -> None:
    options = tiny | {"augment": "genmix", "genmix": {"editor": "filters", "size": 32}}
    task = prepare(build_classify_config({"data": data / "Art", **options}))
    made = training_images(task, resolve_method(task), tmp_path / "augmented")
    assert len(made.labels) > 2 * len(task.train.rows)
    assert run_length(task.config, len(task.train.rows), len(made.labels)).total == 21
