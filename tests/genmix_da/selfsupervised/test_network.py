"""MoCo's queue and momentum encoder, SimSiam's predictor, and the spread that shows collapse."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import Tensor, nn

from genmix_da.selfsupervised.config import SelfSupervisedConfig
from genmix_da.selfsupervised.network import MocoNetwork, SimSiamNetwork, unit_spread
from genmix_da.selfsupervised.training import _set_learning_rate

WIDTH = 5


class Backbone(nn.Module):
    """Images [B, 3, 4, 4] -> features [B, 5]; notes how many it is given at once."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(48, WIDTH)
        self.given: list[int] = []

    def forward(self, images: Tensor) -> Tensor:
        self.given.append(len(images))
        features: Tensor = self.layer(images.flatten(1))
        return features


def moco(**settings: object) -> MocoNetwork:
    torch.manual_seed(0)
    given = {"batch_size": 8, "queue": 16, "norm_group": 4, **settings}
    config = SelfSupervisedConfig(data="x", **given).resolved()  # type: ignore[arg-type]
    return MocoNetwork(Backbone(), WIDTH, config)


def views() -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(1)
    return torch.rand(8, 3, 4, 4, generator=draw), torch.rand(8, 3, 4, 4, generator=draw)


def unit(values: Tensor) -> Tensor:
    return nn.functional.normalize(values, dim=1)


def test_the_loss_of_moco_by_hand() -> None:
    """-log of the key's share among key and queue (MoCo, Eq. 1)."""
    network = moco(encoder_momentum=0.0)  # keys by the weights of the queries
    first, second = views()
    queue = network.memory()["keys"].clone()
    loss, queries = network(first, second)
    backbone, head = network.keys
    keys, asked = unit(head(backbone(second))), unit(queries)
    positive = ((asked * keys).sum(dim=1) / 0.2).exp()
    negative = (asked @ queue.T / 0.2).exp().sum(dim=1)
    wanted = -(positive / (positive + negative)).log().mean()
    assert float(loss.detach()) == pytest.approx(wanted.item())


def test_the_keys_join_the_queue_in_their_order() -> None:
    network = moco()
    first, second = views()
    before = network.memory()["keys"].clone()
    network(first, second)
    memory = network.memory()
    backbone, head = network.keys
    assert torch.allclose(memory["keys"][:8], unit(head(backbone(second))), atol=1e-6)
    assert torch.equal(memory["keys"][8:], before[8:])
    assert int(memory["place"]) == 8
    network(first, second)
    assert int(memory["place"]) == 0  # full: the oldest are next


def test_the_queue_is_remembered() -> None:
    network, other = moco(), moco()
    network(*views())
    other.remember({name: value.clone() for name, value in network.memory().items()})
    assert torch.equal(other.memory()["keys"], network.memory()["keys"])
    assert int(other.memory()["place"]) == 8


def test_the_momentum_encoder_follows() -> None:
    network = moco(encoder_momentum=0.9)
    old = copy.deepcopy(network.keys[0].layer.weight)
    with torch.no_grad():
        network.backbone.layer.weight.add_(1.0)  # type: ignore[union-attr, operator]
    network(*views())
    assert torch.allclose(network.keys[0].layer.weight, old + 0.1, atol=1e-6)
    trained = [p for group in network.trained() for p in group["params"]]
    assert not any(p.requires_grad for p in network.keys.parameters())
    assert len(trained) == 6  # a layer of the backbone, two of the head


def test_batch_norm_takes_groups_together() -> None:
    network = moco(norm_group=3)
    network(*views())
    assert network.backbone.given == [4, 4]  # two groups of at least three
    assert network.keys[0].given == [4, 4]
    network = moco(norm_group=32)
    network(*views())
    assert network.backbone.given == [8]


def test_keys_are_shuffled_over_the_groups() -> None:
    """What a group normalises hangs on the draw; which key is whose does not."""
    network = moco()
    seen: list[Tensor] = []
    network.keys[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    network(*views())
    _, second = views()
    assert not torch.equal(torch.cat(seen), second)
    assert torch.equal(torch.cat(seen).sort(dim=0).values, second.sort(dim=0).values)


def test_the_loss_of_simsiam_by_hand() -> None:
    torch.manual_seed(0)
    network = SimSiamNetwork(Backbone(), WIDTH)
    first, second = views()
    loss, projected = network(first, second)
    one, other = (network.head(network.backbone(v)) for v in (first, second))
    cosine = nn.functional.cosine_similarity
    by_hand = cosine(network.predictor(one), other) + cosine(network.predictor(other), one)
    assert float(loss.detach()) == pytest.approx(-by_hand.mean().item() / 2, abs=1e-6)
    assert torch.allclose(projected, one, atol=1e-6)


def test_the_predictor_alone_keeps_its_rate() -> None:
    network = SimSiamNetwork(Backbone(), WIDTH)
    moving, fixed = network.trained()
    assert fixed["fixed"] and not moving.get("fixed")
    assert len(fixed["params"]) == len(list(network.predictor.parameters()))
    every = len(list(network.parameters()))
    assert len(moving["params"]) + len(fixed["params"]) == every


def test_spread() -> None:
    assert float(unit_spread(torch.tensor([[3.0, 4.0], [6.0, 8.0]]))) == pytest.approx(
        0.0, abs=1e-6
    )
    four = torch.tensor([[1.0, 0.0], [-2.0, 0.0], [0.0, 3.0], [0.0, -1.0]])
    assert float(unit_spread(four)) == pytest.approx(1 / math.sqrt(2))  # spread evenly


def test_the_rate_of_the_predictor_stays() -> None:
    """SimSiam, Sec. 4.1; that of everything else falls."""
    network = SimSiamNetwork(Backbone(), WIDTH)
    optimizer = torch.optim.SGD(network.trained(), lr=0.5)
    _set_learning_rate(optimizer, 0.2)
    assert [group["lr"] for group in optimizer.param_groups] == [pytest.approx(0.1), 0.5]
