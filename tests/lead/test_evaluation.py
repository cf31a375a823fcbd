"""Passes over all samples: the evaluation view, and all views."""

import numpy as np
import pytest
import torch
from torch import nn

from lead.crops import six_views
from lead.errors import DivergedError
from lead.evaluation import evaluate, observe
from lead.feature_views import FeatureViews
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


@pytest.mark.parametrize("all_views", [True, False])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize(
    ("part", "name"), [("backbone.1", "feature"), ("bottleneck.linear", "probability")]
)
def test_diverged_network_is_noticed_by_looking(
    part: str, name: str, value: float, all_views: bool
) -> None:
    network = make_network()
    with torch.no_grad():
        network.get_submodule(part).bias[2] = value
    with pytest.raises(DivergedError, match=rf"10 {name} rows are not finite.* row 0;.*diverged"):
        observe(network, make_views(10), all_views=all_views)


def test_the_image_of_values_that_are_not_finite_is_named() -> None:
    values = np.ones((200, 3, 8), dtype=np.float32)  # more than a batch
    values[150, 1, 4] = 3e38
    network = Network(nn.Linear(8, 8), 8, 4, 5)
    nn.init.constant_(network.backbone.weight, 10.0)
    with pytest.raises(DivergedError, match="1 feature rows are not finite, the first is row 150"):
        observe(network, FeatureViews(values, torch.device("cpu")))


def test_one_view_is_what_is_evaluated() -> None:
    network, views = make_network().train(), make_views(10)
    seen = observe(network, views, all_views=False)
    torch.testing.assert_close(seen.probability, evaluate(network, views).probability)
    with torch.no_grad():
        raw = network.backbone(views.evaluation(slice(0, 10)))
    torch.testing.assert_close(seen.features, raw)


@pytest.mark.parametrize("count", [1, 30])  # 30 images have more views than a batch
def test_all_views_of_an_image_are_averaged(count: int) -> None:
    network, views = make_network().train(), make_views(count)
    seen = observe(network, views)
    network.eval()
    assert seen.features.shape == (count, 8)
    for row in range(count):
        pictures = six_views(views.images[row], 4)  # each seen by itself, as a picture of its size
        inputs = [
            ImageViews(picture[None], Preprocessing(image_size=4, resize_size=4), views.device)
            for picture in pictures
        ]
        with torch.no_grad():
            raw = [network.backbone(single.evaluation(slice(0, 1)))[0] for single in inputs]
            logits = [network(single.evaluation(slice(0, 1)))[1][0] for single in inputs]
        torch.testing.assert_close(seen.features[row], torch.stack(raw).mean(dim=0))
        mean = torch.softmax(torch.stack(logits), dim=1).mean(dim=0)
        torch.testing.assert_close(seen.probability[row], mean)


def test_views_of_features_are_averaged_too() -> None:
    values = np.random.default_rng(0).normal(size=(20, 3, 8)).astype(np.float32)
    network = Network(nn.Identity(), 8, 4, 5)
    seen = observe(network, FeatureViews(values, torch.device("cpu")))
    torch.testing.assert_close(seen.features, torch.from_numpy(values.mean(axis=1)))
    with torch.no_grad():
        each = [torch.softmax(network(torch.from_numpy(v))[1], dim=1) for v in values]
    torch.testing.assert_close(seen.probability, torch.stack(each).mean(dim=1))


def test_looking_leaves_the_network_alone() -> None:
    network = make_network()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    seen = observe(network, make_views(10))
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    assert not seen.features.requires_grad and not seen.probability.requires_grad
    assert seen.features.dtype == seen.probability.dtype == torch.float32
