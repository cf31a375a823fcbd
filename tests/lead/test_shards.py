"""A batch on two processes: what one process with the same batch gives, within rounding."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.multiprocessing import spawn

from lead import shards
from lead.network import Network
from lead.precision import Precision

CPU = torch.device("cpu")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def network() -> Network:
    torch.manual_seed(3)
    backbone = nn.Sequential(
        *(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU()),
        *(nn.Conv2d(8, 8, 3), nn.BatchNorm2d(8), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    )
    return Network(backbone, 8, 4, 6)


def train(count: int) -> dict[str, torch.Tensor]:
    """Weights after some steps on batches of `count`, and what evaluation gives of 7 and of 1."""
    own = network()
    shards.share_out(own.backbone, CPU)
    draw = torch.Generator().manual_seed(5)
    optimizer = torch.optim.SGD(own.parameters(), lr=0.05, momentum=0.9)
    precision = Precision(CPU)
    own.train()
    for _ in range(4):
        images = torch.randn(count, 3, 10, 10, generator=draw)
        labels = torch.randint(4, (count,), generator=draw)
        _, logits = own(images)
        precision.step(nn.functional.cross_entropy(logits, labels), optimizer)
    own.eval()
    with torch.no_grad():
        seen = {f"of {n}": own(torch.randn(n, 3, 10, 10, generator=draw))[1] for n in (7, 1)}
    return own.state_dict() | seen


def work(rank: int, port: int, count: int, out: str) -> None:
    torch.set_num_threads(1)
    os.environ |= {
        shards.RANK: str(rank),
        shards.WORLD: "2",
        shards.MEETING: f"tcp://127.0.0.1:{port}",
    }
    torch.save(train(count), f"{out}/{rank}.pt")
    assert shards.is_joined()
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize("count", [8, 9])
def test_two_processes_train_as_one_does(tmp_path: Path, count: int) -> None:
    spawn(work, args=(free_port(), count, str(tmp_path)), nprocs=2)
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1))
    alone = train(count)
    assert not shards.is_joined()
    for name, value in alone.items():
        assert torch.equal(first[name], second[name]), name
        torch.testing.assert_close(first[name], value, atol=2e-5, rtol=1e-4, msg=name)


def test_a_batch_that_cannot_be_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards.dist, "get_world_size", lambda: 2)
    with pytest.raises(ValueError, match="a batch of 3 is too small for 2 devices"):
        shards._Pass().begin(nn.Identity(), (torch.zeros(3, 2),))


def test_alone_nothing_is_done() -> None:
    own: Any = network()
    shards.share_out(own.backbone, CPU)
    assert not own.backbone._forward_hooks
    shards.sum_gradients(own.parameters())
