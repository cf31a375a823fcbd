"""AutoMix and AdAutoMix: masks by hand, what learns from what, and runs that are resumed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from genmix_da.classify import train
from genmix_da.classify.augmentations import Augmentation
from genmix_da.classify.augmentations.adautomix import SharedAttention
from genmix_da.classify.augmentations.automix import MixBlock
from genmix_da.classify.augmentations.companion import Companion
from genmix_da.classify.augmentations.momentum_twin import MomentumTwin, momentum_at
from genmix_da.errors import UserError
from genmix_da.runs.folder import RunFolder
from genmix_da.testing.augmentations import CLASSES

Make = Callable[..., Augmentation]
Batch = Callable[..., tuple[Tensor, Tensor]]
both = pytest.mark.parametrize("name", ["automix", "adautomix"])


class Network(nn.Module):
    """Three stages; the maps of the second are the last that are larger than the end's."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.ReLU()),
            nn.Sequential(nn.Conv2d(4, 6, 3, 2, 1), nn.BatchNorm2d(6), nn.ReLU()),
            nn.Sequential(nn.Conv2d(6, 8, 3, 2, 1), nn.ReLU()),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.head = nn.Linear(8, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.backbone(images))
        return logits


@pytest.fixture
def network() -> Network:
    torch.manual_seed(0)
    return Network()


def beside(augmentation: Augmentation, network: Network) -> Companion:
    torch.manual_seed(1)
    made = augmentation.companion(network)
    assert made is not None
    return made


def step(companion: Companion, network: Network, given: tuple[Tensor, Tensor], seed: int) -> Any:
    draw = np.random.default_rng(seed)
    return companion.objective(network, *given, cross_entropy, draw)


def test_mix_block_by_hand() -> None:
    """Two places: attention e^1 to e^0 where the query is 1, even where it is 0."""
    block = MixBlock(2, with_share=False)
    with torch.no_grad():
        block.query.weight.copy_(torch.tensor([1.0, 0.0]).view(1, 2, 1, 1))
        block.value.weight.copy_(torch.tensor([0.0, 1.0]).view(1, 2, 1, 1))
    own = torch.tensor([[1.0, 0.0], [9.0, 9.0]]).view(1, 2, 1, 2)  # queries 1 and 0
    other = torch.tensor([[1.0, 0.0], [5.0, 3.0]]).view(1, 2, 1, 2)  # keys 1, 0; values 5, 3
    near = np.e / (np.e + 1)
    expected = torch.tensor([5 * near + 3 * (1 - near), 4.0])
    assert torch.allclose(block(own, other, 0.5).flatten(), expected, atol=1e-6)


def test_shared_attention_by_hand() -> None:
    """The query of each meets the keys of the others; values are its own."""
    block = SharedAttention(2)
    with torch.no_grad():
        for layer, row in ((block.query, [1.0, 0.0]), (block.key, [1.0, 0.0])):
            layer.weight.copy_(torch.tensor(row).view(1, 2, 1, 1))
        block.value.weight.copy_(torch.tensor([0.0, 1.0]).view(1, 2, 1, 1))
    first = torch.tensor([[1.0, 0.0], [5.0, 3.0]]).view(1, 2, 1, 2)
    second = torch.tensor([[2.0, 0.0], [7.0, 7.0]]).view(1, 2, 1, 2)
    third = torch.tensor([[-1.0, 0.0], [0.0, 1.0]]).view(1, 2, 1, 2)
    found = block([first, second, third])
    near = np.e / (np.e + 1)  # query 1 against keys 2 - 1 and 0
    assert found.shape == (1, 3, 1, 2)
    expected = torch.tensor([5 * near + 3 * (1 - near), 4.0])
    assert torch.allclose(found[0, 0, 0], expected, atol=1e-6)
    assert torch.allclose(found[0, 1, 0], torch.tensor([7.0, 7.0]))


@both
def test_the_network_learns_from_labels_and_the_block_from_the_twin(
    name: str, make: Make, batch: Batch, network: Network
) -> None:
    companion = beside(make(name), network)
    step(companion, network, batch(), 3).loss.backward()
    assert all(p.grad is not None for p in network.parameters())
    trained = {n for n, p in companion.named_parameters() if p.requires_grad}
    assert trained
    assert all(n.startswith("block.") for n in trained)
    grads = [p.grad for p in companion.parameters() if p.requires_grad]
    assert any(grad is not None and bool(grad.abs().sum() > 0) for grad in grads)


@both
def test_the_network_is_not_reached_through_the_block(
    name: str, make: Make, batch: Batch, network: Network
) -> None:
    """Its gradient is that of the clean and mixed images alone: the twin's weights are others."""
    companion = beside(make(name), network)
    step(companion, network, batch(), 3).loss.backward()
    first = [p.grad.clone() for p in network.parameters() if p.grad is not None]
    assert first
    network.zero_grad()
    with torch.no_grad():
        for parameter in companion.get_submodule("twin.network.head").parameters():
            parameter.mul_(3)
    step(companion, network, batch(), 3).loss.backward()
    second = [p.grad for p in network.parameters() if p.grad is not None]
    assert all(torch.allclose(a, b) for a, b in zip(first, second, strict=True) if b is not None)


@both
def test_shares_near_an_end_are_mixed_evenly(
    name: str, make: Make, network: Network, batch: Batch
) -> None:
    """With the widest margin the network sees images that are mixed evenly, as labels say."""
    companion = beside(make(name, options={"margin": 0.5}), network)
    images = torch.arange(4.0).view(4, 1, 1, 1).expand(4, 3, 32, 32).contiguous()
    seen: list[Tensor] = []
    network.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].detach()))
    found = step(companion, network, (images, torch.eye(4, CLASSES)), 5)
    expected = (found.weights * torch.arange(float(CLASSES))).sum(1)
    # What the logits are of comes first; AdAutoMix shows evenly mixed images later in any case.
    assert torch.allclose(seen[0][:, 0, 7, 9], expected, atol=1e-5)


@both
def test_shares_away_from_the_ends_are_mixed_by_the_block(
    name: str, make: Make, network: Network
) -> None:
    """Of black and white images every place shows the block's mask, here of a block made uneven."""
    companion = beside(make(name, options={"margin": 0.0}), network)
    with torch.no_grad():
        for parameter in companion.get_submodule("block").parameters():
            parameter.add_(torch.linspace(-3, 3, parameter.numel()).view_as(parameter))
    torch.manual_seed(2)
    images = torch.arange(4.0).view(4, 1, 1, 1) + torch.randn(4, 3, 32, 32)
    seen: list[Tensor] = []
    network.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].detach()))
    draw = np.random.default_rng(5)
    found = companion.objective(network, images, torch.eye(4, CLASSES), cross_entropy, draw)
    even = found.weights[:, :4] @ images.flatten(1)
    assert not torch.allclose(seen[0].flatten(1), even, atol=1e-2)


@both
def test_the_block_is_not_reached_through_the_network(
    name: str, make: Make, batch: Batch, network: Network
) -> None:
    """What the network learns from leaves the block as it is: a steeper network changes nothing."""
    found = []
    for factor in (1.0, 3.0):
        companion = beside(make(name, options={"margin": 0.0}), network)
        with torch.no_grad():
            network.head.weight.mul_(factor)
        step(companion, network, batch(), 3).loss.backward()
        found.append([p.grad.clone() for p in companion.parameters() if p.grad is not None])
        network.zero_grad()
        with torch.no_grad():
            network.head.weight.div_(factor)
    assert found[0]
    assert all(torch.allclose(a, b, atol=1e-7) for a, b in zip(*found, strict=True))


def test_a_mask_of_another_size_than_the_share_costs(make: Make, network: Network) -> None:
    """Eq. 12: a block that begins at one half for whatever share, whose mean is then known."""
    images, labels = torch.randn(4, 3, 32, 32), torch.eye(4, CLASSES)
    losses = []
    for weight in (0.0, 10.0):
        options = {"mask_weight": weight, "mask_margin": 0.1}
        companion = beside(make("automix", options=options), network)
        with torch.no_grad():
            companion.get_parameter("block.value.weight").zero_()
        losses.append(float(step(companion, network, (images, labels), 3).loss.detach()))
    share = np.random.default_rng(3).beta(2.0, 2.0)  # the first draw is that of the block
    assert abs(0.5 - share) > 0.1
    assert losses[1] - losses[0] == pytest.approx(10 * (abs(0.5 - share) - 0.1), abs=1e-4)


def test_every_other_step_the_block_turns(make: Make, batch: Batch, network: Network) -> None:
    """What it does on odd steps raises the twin's loss, on even ones it lowers it."""
    augmentation = make("adautomix", options={"adversary": 1.0})
    plain: list[Tensor] = []
    turned: list[Tensor] = []
    for first in (1, 0):
        companion = beside(augmentation, network)
        companion.get_buffer("steps").fill_(first)
        step(companion, network, batch(), 3).loss.backward()
        grads = [p.grad.clone() for p in companion.parameters() if p.grad is not None]
        (plain if first else turned).extend(grads)
        network.zero_grad()
    assert plain
    assert all(torch.allclose(a, -b, atol=1e-7) for a, b in zip(plain, turned, strict=True))


def test_the_twin_follows(network: Network) -> None:
    twin = MomentumTwin(network, torch.zeros(1, 3, 32, 32), 0)
    weight = twin.get_parameter("network.head.weight")
    before = weight.clone()
    with torch.no_grad():
        network.head.weight.add_(1.0)
    twin.follow(network, 0.9)
    assert torch.allclose(weight, before + 0.1, atol=1e-6)
    assert twin.channels == 6
    assert len(list(twin.parameters())) == len(list(network.parameters()))
    with pytest.raises(UserError, match="3 stages; there is no stage 4"):
        MomentumTwin(network, torch.zeros(1, 3, 32, 32), 4)


class Windows(nn.Module):
    """Gives maps with their channels last, as windowed transformers do."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Conv2d(3, 6, 3, 4, 1), nn.ReLU())

    def forward(self, images: Tensor) -> Tensor:
        maps: Tensor = self.inner(images)
        return maps.permute(0, 2, 3, 1)


class Tokens(Windows):
    """Gives a token of each place behind a class token."""

    def forward(self, images: Tensor) -> Tensor:
        tokens = super().forward(images).flatten(1, 2)
        return torch.cat([tokens[:, :1], tokens], dim=1)


@pytest.mark.parametrize("stage", [Windows, Tokens])
def test_maps_of_transformers(stage: type[Windows], network: Network) -> None:
    """Six channels of eight by eight places, wherever the channels stand."""
    first = stage()
    network.backbone = nn.Sequential(first, nn.Flatten())
    images = torch.randn(2, 3, 32, 32)
    network.head = nn.Linear(network.backbone(images).shape[1], CLASSES)
    twin = MomentumTwin(network, images[:1], 0)
    assert torch.allclose(twin.maps(images), first.inner(images), atol=1e-6)


def test_momentum_rises_along_a_cosine() -> None:
    assert momentum_at(0.05, 0.9, 1.0) == pytest.approx(0.9)
    assert momentum_at(0.55, 0.9, 1.0) == pytest.approx(0.95)
    assert momentum_at(1.0, 0.9, 1.0) == pytest.approx(1.0)


@both
def test_options_are_checked(name: str, make: Make) -> None:
    with pytest.raises(UserError, match="upsampling is 'cubic'; it must be nearest or bilinear"):
        make(name, options={"upsampling": "cubic"})
    with pytest.raises(UserError, match="momentum"):
        make(name, options={"momentum": 1.5})


def test_draws_that_are_all_nothing_are_not_asked_for(make: Make) -> None:
    with pytest.raises(UserError, match="alpha"):
        make("adautomix", options={"alpha": 0.001})


@both
def test_resumed(
    name: str,
    data: Path,
    tmp_path: Path,
    tiny: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Block, twin and its momentum go on where they were."""
    options = tiny | {"augment": name, "epochs": 4}
    train(data=str(data / "Art"), out=tmp_path / "whole", **options)
    save = RunFolder.save_state

    def stopping(self: RunFolder, state: Any, metrics: list[dict[str, Any]]) -> None:
        save(self, state, metrics)
        if metrics[-1]["epoch"] == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "save_state", stopping)
        with pytest.raises(KeyboardInterrupt):
            train(data=str(data / "Art"), out=tmp_path / "run", **options)
    train(data=str(data / "Art"), out=tmp_path / "run", resume=True, **options)
    losses = [
        [json.loads(line)["loss"] for line in (tmp_path / f / "metrics.jsonl").open()]
        for f in ("run", "whole")
    ]
    assert len(losses[0]) == 4
    assert losses[0] == losses[1]
    files = [(tmp_path / f / "checkpoint.safetensors").read_bytes() for f in ("run", "whole")]
    assert files[0] == files[1]
