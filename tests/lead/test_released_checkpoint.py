"""The LEAD authors' checkpoints, their tensors under our names."""

from pathlib import Path

import pytest
import torch
from torch import nn

from lead.checkpoint import is_released_checkpoint, read_released_checkpoint
from lead.errors import WeightsError
from lead.network import Network


def make_network(seed: int = 0) -> Network:
    torch.manual_seed(seed)
    return Network(nn.Linear(6, 5), 5, 3, 4)


def released_tensors() -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(4)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=draw)

    return {
        "backbone_layer.weight": random(5, 6),
        "backbone_layer.bias": random(5),
        "feat_embed_layer.bottleneck.weight": random(4, 5),
        "feat_embed_layer.bottleneck.bias": random(4),
        "feat_embed_layer.bn.weight": random(4),
        "feat_embed_layer.bn.bias": random(4),
        "feat_embed_layer.bn.running_mean": random(4),
        "feat_embed_layer.bn.running_var": random(4).abs() + 0.1,
        "feat_embed_layer.bn.num_batches_tracked": torch.tensor(17),
        "class_layer.fc.bias": random(3),
        "class_layer.fc.weight_g": random(3, 1),
        "class_layer.fc.weight_v": random(3, 4),
    }


@pytest.mark.parametrize("wrapped", [True, False])
def test_released_checkpoint_gives_the_same_outputs(tmp_path: Path, wrapped: bool) -> None:
    theirs = released_tensors()
    path = tmp_path / "latest_source_checkpoint.pth"
    torch.save({"model_state_dict": theirs} if wrapped else theirs, path)
    network = make_network().eval()
    network.load_state_dict(read_released_checkpoint(path), strict=True)
    inputs = torch.randn(7, 6, generator=torch.Generator().manual_seed(1))
    embedding, logits = network(inputs)

    part = {name.split(".", 1)[1]: tensor for name, tensor in theirs.items()}
    hidden = inputs @ part["weight"].T + part["bias"]
    hidden = hidden @ part["bottleneck.weight"].T + part["bottleneck.bias"]
    hidden = (hidden - part["bn.running_mean"]) / torch.sqrt(part["bn.running_var"] + 1e-5)
    hidden = hidden * part["bn.weight"] + part["bn.bias"]
    direction = part["fc.weight_v"]
    rows = part["fc.weight_g"] * direction / direction.norm(dim=1, keepdim=True)
    torch.testing.assert_close(embedding, hidden)
    torch.testing.assert_close(logits, hidden @ rows.T + part["fc.bias"])


def test_naming_tells_released_checkpoints_apart() -> None:
    assert is_released_checkpoint(released_tensors())
    assert not is_released_checkpoint(make_network().state_dict())


def test_other_naming_is_not_a_released_checkpoint(tmp_path: Path) -> None:
    torch.save(released_tensors() | {"netF.weight": torch.ones(1)}, tmp_path / "x.pth")
    with pytest.raises(WeightsError, match=r"not a LEAD checkpoint: unexpected tensor 'netF"):
        read_released_checkpoint(tmp_path / "x.pth")
