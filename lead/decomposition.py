"""Known and unknown subspaces of the feature space (LEAD, CVPR 2024, Sec. 3.2).

The frozen classifier's weight rows span the known space; its orthogonal complement is the unknown
space. The length of a unit feature in the unknown space says how unlike the source classes it is.
Re-implementation; verified against the authors' released code (MIT).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lead.large import product


@dataclass(frozen=True)
class Decomposition:
    """Orthonormal bases of the two spaces.

    Attributes:
        known_basis: [r, D], r = min(C, D).
        unknown_basis: [D - r, D]; empty where C >= D, then every unknown length is exactly 0.
    """

    known_basis: Tensor
    unknown_basis: Tensor

    @property
    def known_projector(self) -> Tensor:
        """[D, D] projector on the known space; identity minus it projects on the unknown one."""
        return self.known_basis.T @ self.known_basis

    def norms(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Lengths of the two parts of each feature.

        Args:
            features: [N, D], usually of unit length.

        Returns:
            ([N] in the known space, [N] in the unknown space).
        """
        known = torch.linalg.vector_norm(product(features, self.known_basis.T), dim=-1)
        unknown = torch.linalg.vector_norm(product(features, self.unknown_basis.T), dim=-1)
        return known, unknown


def decompose(class_weights: Tensor) -> Decomposition:
    """Split the feature space by the singular vectors of the classifier weight.

    The first C left singular vectors of the transposed weight are the known space, whatever their
    singular values, as in the released code.

    Args:
        class_weights: [C, D] effective classifier weight rows.

    Raises:
        ValueError: not a matrix, or values that are not finite.
    """
    if class_weights.ndim != 2:
        raise ValueError(f"class_weights must be [C, D], not {tuple(class_weights.shape)}")
    if not torch.isfinite(class_weights).all():
        raise ValueError("class_weights hold values that are not finite")
    rank = min(class_weights.shape)
    left, _, _ = torch.linalg.svd(class_weights.detach().float().T, full_matrices=True)  # [D, D]
    basis = left.T.contiguous()
    return Decomposition(basis[:rank], basis[rank:])
