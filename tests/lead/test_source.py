"""Source training with a tiny network on small images."""

from pathlib import Path

import numpy as np
import pytest
import torch

from lead import source
from lead.checkpoint import load_state, save_state
from lead.errors import DivergedError, TooFewImagesError
from lead.evaluation import evaluate
from lead.schedule import decay
from lead.seeds import seed_epoch
from lead.source import SourceConfig, SourceEpoch, train_source
from lead.views import ImageViews, Preprocessing
from small_target import CLASSES, make_network


def make_data(samples: int = 64, seed: int = 0) -> tuple[ImageViews, np.ndarray]:
    """Noise whose brightness depends on the class."""
    draw = np.random.default_rng(seed)
    labels = np.arange(samples) % CLASSES
    pixels = draw.integers(0, 60, (samples, 16, 16, 3)) + 60 * labels[:, None, None, None]
    views = ImageViews(
        pixels.astype(np.uint8), Preprocessing(image_size=12, resize_size=16), torch.device("cpu")
    )
    return views, labels


def config(**changes) -> SourceConfig:
    return SourceConfig(**{"epochs": 3, "batch_size": 16, "learning_rate": 0.05} | changes)


def train(settings: SourceConfig) -> tuple[list[SourceEpoch], dict[str, torch.Tensor]]:
    network = make_network()
    views, labels = make_data()
    return list(train_source(network, views, labels, settings)), network.state_dict()


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)


def test_training_learns() -> None:
    network = make_network()
    views, labels = make_data()
    epochs = list(train_source(network, views, labels, config(epochs=40)))
    assert [epoch.epoch for epoch in epochs] == list(range(1, 41))
    assert epochs[-1].loss < epochs[0].loss - 0.3
    assert epochs[-1].accuracy > 0.8
    prediction = evaluate(network, views).probability.argmax(dim=1).numpy()
    assert np.mean(prediction == labels) > 0.9


def test_same_seed_same_result_other_seed_another() -> None:
    epochs, state = train(config())
    again, same_state = train(config())
    other, other_state = train(config(seed=7))
    assert [epoch.loss for epoch in epochs] == [epoch.loss for epoch in again]
    assert same(state, same_state)
    assert [epoch.loss for epoch in epochs] != [epoch.loss for epoch in other]
    assert not same(state, other_state)


def test_resumed_run_gives_the_same_bits(tmp_path: Path) -> None:
    views, labels = make_data()
    whole, final = train(config())

    for epoch in train_source(make_network(), views, labels, config()):
        save_state(tmp_path / "state.pt", epoch.state())
        break  # the process dies after the first epoch
    network = make_network(seed=5)  # whose parameters must not matter
    torch.manual_seed(99)
    rest = list(
        train_source(network, views, labels, config(), state=load_state(tmp_path / "state.pt"))
    )
    assert [epoch.epoch for epoch in rest] == [2, 3]
    assert [(e.loss, e.accuracy, e.learning_rate) for e in rest] == [
        (e.loss, e.accuracy, e.learning_rate) for e in whole[1:]
    ]
    assert same(network.state_dict(), final)


def test_finished_run_resumes_to_nothing(tmp_path: Path) -> None:
    views, labels = make_data()
    for epoch in train_source(make_network(), views, labels, config()):
        save_state(tmp_path / "state.pt", epoch.state())
    state = load_state(tmp_path / "state.pt")
    assert list(train_source(make_network(), views, labels, config(), state=state)) == []


def test_every_epoch_draws_from_its_own_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    streams = []

    def remember(*parts):
        streams.append(parts)
        return seed_epoch(*parts)

    monkeypatch.setattr(source, "seed_epoch", remember)
    train(config(seed=5))
    assert streams == [(5, "source", 1), (5, "source", 2), (5, "source", 3)]


def test_learning_rate_follows_the_schedule() -> None:
    epochs, _ = train(config())
    expected = [0.05 * decay(4 * epoch, 12) for epoch in (1, 2, 3)]
    assert [epoch.learning_rate for epoch in epochs] == pytest.approx(expected, rel=1e-12)


def test_last_smaller_batch_is_dropped() -> None:
    # 64 images in batches of 24: two steps an epoch, so the rate falls over 6 steps.
    epochs, _ = train(config(batch_size=24))
    assert epochs[-1].learning_rate == pytest.approx(0.05 * decay(6, 6), rel=1e-12)
    assert all((epoch.accuracy * 48) % 1 == pytest.approx(0, abs=1e-9) for epoch in epochs)


def test_smoothing_and_backbone_rate_count() -> None:
    _, plain = train(config())
    for change in ({"label_smoothing": 0.3}, {"backbone_factor": 0.5}):
        assert not same(plain, train(config(**change))[1])


def test_classifier_learns_too() -> None:
    before = make_network().classifier.class_weights
    _, state = train(config(epochs=1))
    network = make_network()
    network.load_state_dict(state)
    assert not torch.equal(network.classifier.class_weights, before)


def test_divergence_stops_the_training() -> None:
    views, labels = make_data()
    with pytest.raises(DivergedError, match=r"diverged in epoch 1 .*lower the source learning"):
        list(train_source(make_network(), views, labels, config(learning_rate=1e30)))


def test_too_few_images() -> None:
    views, labels = make_data(samples=10)
    with pytest.raises(TooFewImagesError, match="10 images are fewer than a batch of 16"):
        list(train_source(make_network(), views, labels, config()))
