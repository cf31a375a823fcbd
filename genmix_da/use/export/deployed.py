"""A model with its preprocessing and its rejection inside: what an exported file holds."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from genmix_da.errors import UserError
from genmix_da.use.export.graph_rule import GraphRule
from genmix_da.use.export.resizing import Enlarge, pillow_is_tall_first, resized
from genmix_da.use.model import Model
from lead.crops import corner_window
from lead.network import HeadedNetwork
from lead.scores import normalised_entropy
from lead.views import Preprocessing


class Deployed(nn.Module):
    """Pixels to decisions.

    Args:
        model: on the CPU; its network is copied.
        graph: decide beside the target images of the run's graph.

    Raises:
        UserError: the method judges all images of a set together, there is no graph, or the
            threshold is a rule.

    Attributes:
        threshold: above it an image is rejected; infinite where none is.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, model: Model, *, graph: bool = False) -> None:
        super().__init__()
        if model.network.judges_sets:
            raise UserError(
                "this method judges all images of a set together: it can't be exported as a model "
                "of one image; use predict."
            )
        self.network = _plain(model.network)
        self.pre = model.preprocessing
        self.tall_first = pillow_is_tall_first()
        self.register_buffer("mean", torch.tensor(self.pre.mean).view(1, 3, 1, 1) * 255.0)
        self.register_buffer("std", torch.tensor(self.pre.std).view(1, 3, 1, 1) * 255.0)
        self.rule, self.views = None, Crops(self.pre, six=False)
        if graph:
            if model.memory is None:
                raise UserError("the checkpoint has no graph; leave --graph out.")
            memory, about = model.memory
            self.rule = GraphRule(memory, about["rejection"])
            self.views = Crops(self.pre, six=about["views"] == "six")
        self.threshold = model.limit(graph=graph)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """RGB pictures [N, H, W, 3] uint8 -> probability [N, C], uncertainty [N], rejected [N]."""
        pictures = pixels.permute(0, 3, 1, 2).float()
        square = resized(
            pictures, self.pre.resize_size, self.pre.interpolation, tall_first=self.tall_first
        )
        views = self.views(square)
        features = self.network.backbone((torch.cat(views) - self.mean) / self.std).float()
        probability, own = self.network.judge(*self.network.heads(features))
        features, probability = _mean(features, len(views)), _mean(probability, len(views))
        # The entropy is that of the mean over the views.
        unsure = normalised_entropy(probability) if own is None else _mean(own, len(views))
        if self.rule is not None:
            probability, unsure = self.rule(features, probability, unsure)
        return probability, unsure, unsure > self.threshold


def _mean(values: Tensor, views: int) -> Tensor:
    """Over the views of [V * N, ...], one view after the other."""
    return values.reshape(views, -1, *values.shape[1:]).mean(dim=0)


class Crops(nn.Module):
    """The evaluation view of a picture [N, 3, R, R], or the six of `lead.crops`.

    Args:
        pre: sides of picture and crop.
        six: all six.
    """

    def __init__(self, pre: Preprocessing, *, six: bool) -> None:
        super().__init__()
        self.pre, self.six = pre, six
        size, side = pre.image_size, pre.resize_size
        self.window = corner_window(side, size)
        self.enlarge = nn.Identity() if self.window == size else Enlarge(self.window, size)

    def forward(self, square: Tensor) -> list[Tensor]:
        """[N, 3, S, S] each, whole values."""
        centre = square[:, :, self.pre.centre, self.pre.centre]
        if not self.six:
            return [centre]
        found = [centre, centre.flip(3)]
        end = self.pre.resize_size - self.window
        for place, (top, left) in enumerate(((0, 0), (0, end), (end, 0), (end, end))):
            crop = square[:, :, top : top + self.window, left : left + self.window]
            crop = self.enlarge(crop)
            found.append(crop.flip(3) if place % 2 else crop)
        return found


def _plain(network: HeadedNetwork) -> HeadedNetwork:
    """A copy in evaluation mode whose linear layers hold their weights as they are used.

    Taking a weight's normalisation off in place would take it off the original's class, too.
    """
    copied = copy.deepcopy(network).eval()
    for parent in list(copied.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Linear) and parametrize.is_parametrized(child, "weight"):
                plain = nn.Linear(child.in_features, child.out_features, child.bias is not None)
                plain.weight = nn.Parameter(child.weight.detach())
                plain.bias = child.bias
                setattr(parent, name, plain)
    return copied.requires_grad_(False)
