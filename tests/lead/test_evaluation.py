"""The evaluation pass."""

import numpy as np
import pytest
import torch
from torch import nn

from lead.errors import DivergedError
from lead.evaluation import evaluate
from lead.network import Network
from lead.views import ImageViews, Preprocessing


def make_network() -> Network:
    torch.manual_seed(0)
    backbone = nn.Sequential(nn.Flatten(), nn.Linear(3 * 4 * 4, 8), nn.Dropout(0.5))
    return Network(backbone, 8, 3, 5)


def make_views(count: int) -> ImageViews:
    images = np.random.default_rng(0).integers(0, 256, (count, 6, 6, 3), dtype=np.uint8)
    return ImageViews(images, Preprocessing(image_size=4, resize_size=6), torch.device("cpu"))


@pytest.mark.parametrize("batch_size", [1, 4, 10, 100])
def test_outputs_are_those_of_evaluation_mode_in_order(batch_size: int) -> None:
    network, views = make_network(), make_views(10)
    network.train()  # dropout and batch statistics must not count
    found = evaluate(network, views, batch_size=batch_size)
    network.eval()
    with torch.no_grad():
        embedding, logits = network(views.evaluation(slice(0, 10)))
    expected = embedding / embedding.norm(dim=1, keepdim=True)
    torch.testing.assert_close(found.features, expected, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(found.probability, torch.softmax(logits, dim=1))
    assert not found.features.requires_grad


def test_running_statistics_are_left_alone() -> None:
    network = make_network()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    evaluate(network, make_views(10))
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_single_image() -> None:
    found = evaluate(make_network(), make_views(1))
    assert found.features.shape == (1, 5)
    assert found.probability.sum().item() == pytest.approx(1.0)


def test_diverged_network_is_noticed() -> None:
    network = make_network()
    with torch.no_grad():
        network.bottleneck.linear.weight[2] = float("nan")
    with pytest.raises(DivergedError, match=r"10 feature rows are not finite.*diverged"):
        evaluate(network, make_views(10))
