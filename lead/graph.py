"""The target as a graph: predictions and uncertainty smoothed over nearest neighbours.

With x_i the unit, centred backbone feature of image i, its ten nearest images by cosine get the
weight max(cos, 0)^3; W is the mean of both directions, d its row sums, S = D^-1/2 W D^-1/2. Then

    (I - alpha S) R = [p, e, 1]         class: argmax R_p,   uncertainty: s = R_e / R_1

with p the class probabilities of any network and e their normalised entropy. R_e and R_1 are solved
a second time with a smaller alpha: how many images are unknown is judged by that s, which ones by
the first (`lead.rejection`). Nothing is trained. The equation is the closed form of label
propagation (Zhou et al., "Learning with Local and Global Consistency", NIPS 2003, Eq. 4; diffusion
in Iscen et al., CVPR 2017) with soft predictions in place of labels; dividing by the smoothed ones
makes s a weighted mean of the entropies around an image, whatever its degree. Images that are equal
in every bit of x are one node.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor

from lead.conjugate_gradient import TOLERANCE, conjugate_gradient, normalised, product_with
from lead.errors import LeadError
from lead.large import blocks, empty, taken
from lead.nearest import Neighbours
from lead.scores import normalised_entropy

COLUMNS = 128  # solved at once
_EDGES = 4096  # weighed at once: each takes two features

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class GraphConfig:
    """Settings of the graph step; chosen on Office-Caltech-10, see docs/results/graph.md.

    Attributes:
        neighbours: k, nearest images of each image.
        power: of the cosine, for the weight of an edge.
        alpha: in [0, 1): how far class predictions are carried; 0 leaves them as they are.
        uncertainty_alpha: the same for the uncertainty, which orders the images.
        share_alpha: the same for the uncertainty by which the share of unknown images is judged;
            smaller, because among many known images a few unknown ones would be drowned.
        centred: subtract the mean feature of the target first.
    """

    neighbours: int = 10
    power: float = 3.0
    alpha: float = 0.9
    uncertainty_alpha: float = 0.9
    share_alpha: float = 0.7
    centred: bool = True

    def __post_init__(self) -> None:
        if type(self.neighbours) is not int or self.neighbours < 1:
            raise LeadError(
                f"graph neighbours is {self.neighbours}; it must be a whole number, at least 1"
            )
        if not 0 < self.power < math.inf:
            raise LeadError(f"graph power is {self.power}; it must be above 0 and finite")
        for name in ("alpha", "uncertainty_alpha", "share_alpha"):
            if not 0 <= getattr(self, name) < 1:
                raise LeadError(f"graph {name} is {getattr(self, name)}; it must be in [0, 1)")

    def column_alphas(self, classes: int) -> Floats:
        """[C + 4] alpha of each column of masses, see `Smoothed`."""
        given = (self.alpha, self.uncertainty_alpha, self.share_alpha)
        return np.repeat(given, (classes, 2, 2))


@dataclass(frozen=True)
class Smoothed:
    """What the graph makes of a network's predictions on N images.

    Attributes:
        probability: [N, C] float32, R_p with rows summing to one.
        uncertainty: [N] float32, s = R_e / R_1 at `uncertainty_alpha`, about 0 to 1.
        share_uncertainty: [N] float32, the same at `share_alpha`.
        masses: [N, C + 4] float64, what new images are smoothed with: R_p at `alpha`, then R_e and
            R_1 at `uncertainty_alpha`, then both at `share_alpha`.
    """

    probability: Tensor
    uncertainty: Tensor
    share_uncertainty: Tensor
    masses: Floats


class TargetGraph:
    """Nearest-neighbour graph of N target images.

    Args:
        features: [N, F] raw backbone features, the mean over the views of each image.
        config: settings.
        device: where neighbours are searched and equations are solved.
        exact: see `lead.nearest.Neighbours`.

    Attributes:
        points: [N, F] float32, centred and of unit length; zero where a feature is the centre.
        centre: [F] float32, mean of the features (zero where they are not centred).
        first: [M] an image of each node.
        node: [N] number of each image's node.
        nodes: [M, F] their points.
        weights: [M, M] symmetric sparse weights W of the nodes.
        degree: [N] float64, d of each image's node; 0 for an isolated one.
    """

    def __init__(
        self,
        features: NDArray[np.float32],
        config: GraphConfig | None = None,
        device: torch.device | None = None,
        *,
        exact: bool | None = None,
    ) -> None:
        self.config = config or GraphConfig()
        self.device = device or torch.device("cpu")
        width = features.shape[1]
        self.centre = (
            features.mean(axis=0, dtype=np.float64).astype(np.float32)
            if self.config.centred and len(features)
            else np.zeros(width, dtype=np.float32)
        )
        self.points = unit_rows(features, self.centre)
        self.first, self.node = _distinct(self.points)
        self.nodes: NDArray[np.float32] = _rows(self.points, self.first)
        self.search = Neighbours(self.nodes, self.device, exact=exact)
        self.weights = self._weigh()
        self.degree: Floats = np.asarray(self.weights.sum(axis=1)).ravel()[self.node]

    def _weigh(self) -> sparse.csr_array:
        """Symmetric weights of the nodes; an edge of weight 0 is none."""
        count, wanted = len(self.nodes), self.config.neighbours
        found = self.search.among(wanted + 1)
        columns, sizes = [], []
        for rows in blocks(count):
            near = found[rows]
            own = np.arange(rows.start, rows.start + len(near))[:, np.newaxis]
            others = (near != own) & (near >= 0)
            # A node is its own nearest one, but for rounding: of those where it is not, k are kept.
            others &= np.cumsum(others, axis=1) <= wanted
            columns.append(near[others].astype(np.int32))
            sizes.append(others.sum(axis=1, dtype=np.int32))
        del found
        nothing = np.zeros(1, dtype=np.int32)
        to, degree = np.concatenate([nothing[1:], *columns]), np.concatenate([nothing[1:], *sizes])
        weight = edge_weights(
            self.nodes, np.repeat(np.arange(count, dtype=np.int32), degree), to, self.config.power
        )
        ends = np.append(nothing, np.cumsum(degree, dtype=np.int32))
        one_way = sparse.csr_array((weight, to, ends), shape=(count, count))
        one_way.sort_indices()
        both = (one_way + one_way.T).tocsr()
        both.data /= 2
        both.eliminate_zeros()
        both.sort_indices()
        return both

    def solve(
        self, values: Floats, alpha: float | Floats, *, tolerance: float = TOLERANCE
    ) -> Floats:
        """R of (I - alpha S) R = values, by conjugate gradient in float64.

        Args:
            values: [N, B]; the mean over the images of a node counts.
            alpha: in [0, 1), for all columns or one for each [B].
            tolerance: of each column's residual, relative to its right-hand side.

        Returns:
            [N, B].

        Raises:
            LeadError: no solution within the iterations (alpha close to 1).
        """
        apply = product_with(normalised(self.weights, self.degree[self.first]), self.device)
        count = np.bincount(self.node, minlength=len(self.nodes))[:, np.newaxis]
        alphas = torch.from_numpy(np.broadcast_to(alpha, values.shape[1:]).astype(np.float64))
        found = empty(values.shape, np.float64)
        for start in range(0, values.shape[1], COLUMNS):
            columns = slice(start, start + COLUMNS)
            block = values[:, columns]
            right = empty((len(self.nodes), block.shape[1]), np.float64)
            if len(self.nodes) < len(values):
                right[:] = 0.0
                np.add.at(right, self.node, block)
                right /= count
            else:
                right[self.node] = block
            solved = conjugate_gradient(
                apply,
                torch.from_numpy(right).to(self.device),
                alphas[columns].to(self.device),
                tolerance,
            )
            solution = solved.cpu().numpy()
            for rows in blocks(len(values)):
                found[rows, columns] = solution[self.node[rows]]
        return found

    def smooth(self, probability: Tensor, uncertainty: Tensor | None = None) -> Smoothed:
        """Smooth a network's predictions.

        Args:
            probability: [N, C] of the same images, e.g. the mean softmax over their views.
            uncertainty: [N] in [0, 1]; the normalised entropy of these where it is not given.
        """
        right = own_masses(probability, uncertainty)
        return read_masses(self.solve(right, self.config.column_alphas(probability.shape[1])))

    def neighbours_of(self, row: int) -> tuple[NDArray[np.int64], Floats]:
        """Images joined to an image and the weights of the edges, the heaviest first.

        Args:
            row: number of the image.

        Returns:
            ([K] image numbers, one for each neighbouring node, [K] weights).
        """
        node = self.node[row]
        start, end = self.weights.indptr[node : node + 2]
        nodes, weight = self.weights.indices[start:end], self.weights.data[start:end]
        order = np.argsort(-weight, kind="stable")
        return self.first[nodes[order]], weight[order]


def own_masses(probability: Tensor, uncertainty: Tensor | None = None) -> Floats:
    """[N, C + 4] right-hand side [p, e, 1, e, 1] of class probabilities p [N, C].

    e is the uncertainty [N], their normalised entropy where it is not given.
    """
    own = probability.detach().cpu().to(torch.float32)
    given = normalised_entropy(own) if uncertainty is None else uncertainty.detach().cpu()
    masses = empty((len(own), own.shape[1] + 4), np.float64)
    masses[:, :-4] = own.numpy()
    masses[:, [-4, -2]] = given.numpy()[:, np.newaxis]
    masses[:, [-3, -1]] = 1.0
    return masses


def read_masses(masses: Floats) -> Smoothed:
    """Predictions from [N, C + 4] masses (see `Smoothed`)."""
    classes, (entropy, one, share_entropy, share_one) = masses[:, :-4], masses[:, -4:].T
    probability = empty(classes.shape)
    for rows in blocks(len(masses)):
        probability[rows] = classes[rows] / classes[rows].sum(axis=1, keepdims=True)
    return Smoothed(
        torch.from_numpy(probability),
        _float32(entropy / one),
        _float32(share_entropy / share_one),
        masses,
    )


def _float32(values: Floats) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))


def unit_rows(features: NDArray[np.float32], centre: NDArray[np.float32]) -> NDArray[np.float32]:
    """[N, F] features minus the centre [F], of unit length; those at the centre become 0."""
    found = empty(features.shape)
    for rows in blocks(len(features)):
        found[rows] = _unit_block(features[rows], centre)
    return found


def _unit_block(features: NDArray[np.float32], centre: NDArray[np.float32]) -> NDArray[Any]:
    moved = features.astype(np.float32) - centre
    length = np.linalg.norm(moved, axis=1, keepdims=True)
    scale = np.abs(features).max(axis=1, keepdims=True, initial=np.abs(centre).max(initial=0.0))
    # What is left of a feature equal to the centre is rounding, and has no direction.
    return np.where(length > 1e-6 * scale, moved / np.maximum(length, 1e-30), 0.0)


def _rows(values: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[Any]:
    found: NDArray[Any] = taken(torch.from_numpy(values), torch.from_numpy(rows)).numpy()
    return found


def edge_weights(
    points: NDArray[np.float32], rows: NDArray[Any], columns: NDArray[Any], power: float
) -> Floats:
    """[E] max(cos, 0)^power of pairs of unit points [N, F], in float64."""
    weight = np.empty(len(rows))
    for start in range(0, len(rows), _EDGES):
        part = slice(start, start + _EDGES)
        left, right = points[rows[part]], points[columns[part]]
        weight[part] = np.einsum("ef,ef->e", left, right, dtype=np.float64)
    np.clip(weight, 0.0, 1.0, out=weight)
    weight **= power
    return weight


def _distinct(points: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """([M] a row of each distinct point, [N] which point each row is).

    Sorted by the hash of their bytes: the nodes' order, and with it every tie among equally near
    neighbours, does not depend on the order of the images. Zero rows have no direction in which
    they could be alike: each is a node of its own.
    """
    digests = [
        hashlib.blake2b(row.tobytes() if row.any() else b"%d" % i, digest_size=16).digest()
        for i, row in enumerate(points)
    ]
    keys = np.array(digests, dtype="V16")
    if len(keys) == 0:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    return first, inverse.ravel()
