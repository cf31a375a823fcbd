"""Large arrays lie in files without names, with the values that they have in memory."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lead.decomposition import decompose
from lead.evaluation import evaluate, observe
from lead.feature_views import FeatureViews
from lead.graph import TargetGraph
from lead.large import BLOCK, Rows, copied, empty, empty_tensor, files_in, product, taken
from lead.network import Network
from lead.pseudo_labels import assign_pseudo_labels
from lead.selection import mutual_information

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="is told by /proc")


def is_file(values: np.ndarray | torch.Tensor) -> bool:
    """Whether memory is a map of a file, by what Linux says of the process."""
    address = torch.as_tensor(values).data_ptr()
    for line in Path("/proc/self/maps").read_text().splitlines():
        start, end = (int(part, 16) for part in line.split()[0].split("-"))
        if start <= address < end:
            return line.endswith("(deleted)")
    return False


def test_above_the_limit_an_array_is_a_file_without_a_name(tmp_path: Path) -> None:
    with files_in(tmp_path, 1000):
        small, large = empty((250,)), empty((251,))
        of_tensor = empty_tensor(torch.zeros(3, dtype=torch.float64), (126, 1))
    assert not is_file(small)
    assert is_file(large)
    assert is_file(of_tensor)
    assert (of_tensor.dtype, tuple(of_tensor.shape)) == (torch.float64, (126, 1))
    large[:] = 1.0
    assert large.sum() == 251
    assert list(tmp_path.iterdir()) == []


def test_outside_nothing_is_a_file(tmp_path: Path) -> None:
    with files_in(tmp_path, 0):
        pass
    assert not is_file(empty((10_000_000,)))


def test_an_empty_array_is_no_file(tmp_path: Path) -> None:
    with files_in(tmp_path, 0):
        assert empty((0, 5)).shape == (0, 5)


@pytest.mark.parametrize("limit", [0, 300, 10_000])
def test_rows_are_those_of_the_batches(tmp_path: Path, limit: int) -> None:
    batches = [torch.randn(count, 2, 3) for count in (4, 4, 1)]
    with files_in(tmp_path, limit):
        rows = Rows()
        for batch in batches:
            rows.append(batch)
        whole = rows.whole()
    assert len(rows) == 9
    assert torch.equal(whole, torch.cat(batches))
    assert is_file(whole) is (limit < 9 * 24)


def test_products_copies_and_choices_are_those_in_memory(tmp_path: Path) -> None:
    left, right, rows = torch.randn(70, 33), torch.randn(33, 9), torch.randint(70, (5, 8))
    with files_in(tmp_path, 0):
        assert torch.equal(product(left, right), left @ right)
        assert torch.equal(copied(left), left)
        assert torch.equal(taken(left, rows), left[rows])


def test_gradients_flow_through_a_product(tmp_path: Path) -> None:
    left = torch.randn(4, 3, requires_grad=True)
    with files_in(tmp_path, 0):
        product(left, torch.ones(3, 2)).sum().backward()
    assert left.grad is not None


@pytest.mark.parametrize(
    "use", [lambda: empty((10,)), lambda: Rows().append(torch.ones(10))], ids=["array", "rows"]
)
@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="space is not reserved here")
def test_a_full_disk_is_said_with_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, use: Callable[[], object]
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with files_in(tmp_path, 0), pytest.raises(OSError, match="space") as caught:
        use()
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(tmp_path))


def passes() -> dict[str, Any]:
    """Everything that an epoch makes of more images than a block has."""
    draw = np.random.default_rng(0)
    centres = 2 * draw.normal(size=(9, 48))
    features = centres[draw.integers(0, 9, BLOCK + 100)][:, np.newaxis]
    features = (features + draw.normal(size=(len(features), 6, 48))).astype(np.float32)
    features[50:90] = features[10:50]  # equal images are one node
    torch.manual_seed(0)
    network = Network(torch.nn.Identity(), 48, class_count=7, bottleneck_dim=32)
    views = FeatureViews(features, torch.device("cpu"))
    found, seen = evaluate(network, views), observe(network, views)
    weights = network.classifier.class_weights
    labels = assign_pseudo_labels(found.features, found.probability, weights, decompose(weights), 9)
    graph = TargetGraph(seen.features.numpy())
    smoothed = graph.smooth(seen.probability)
    return {
        **{f"evaluation {name}": value for name, value in vars(found).items()},
        **{f"observation {name}": value for name, value in vars(seen).items()},
        **{f"labels {name}": value for name, value in vars(labels).items()},
        **{f"graph {name}": value for name, value in vars(smoothed).items()},
        "points": graph.points,
        "selection": mutual_information(found.probability, open_set=True),
    }


def test_an_epoch_s_arrays_are_the_same_in_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = passes()
    monkeypatch.setattr("lead.feature_views.IN_MEMORY", 0)
    with files_in(tmp_path, 0):
        found = passes()
    assert is_file(found["points"])
    assert is_file(found["evaluation features"])
    for name, value in expected.items():
        same = value is None or np.array_equal(np.asarray(value), np.asarray(found[name]))
        assert same, name
    assert list(tmp_path.iterdir()) == []
