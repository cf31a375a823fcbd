"""The inverted file finds what faiss's own finds, in the same order, while points are replaced."""

from __future__ import annotations

from pathlib import Path

import faiss
import numpy as np
import pytest

from lead.inverted_file import InvertedFile
from lead.large import files_in

COUNT, WIDTH, LISTS, PROBES = 2000, 24, 60, 8


def unit(points: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(points, axis=1, keepdims=True)
    return np.ascontiguousarray(points / length, dtype=np.float32)


def clustered(draw: np.random.Generator) -> np.ndarray:
    centres = 2 * draw.normal(size=(12, WIDTH))
    points = centres[draw.integers(0, 12, COUNT)] + draw.normal(size=(COUNT, WIDTH))
    points[100:300] = points[300:500]  # equal ones, for ties
    points[500:540] = points[500]
    return unit(points)


def faiss_index(points: np.ndarray) -> faiss.IndexIVFFlat:
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(WIDTH), WIDTH, LISTS, faiss.METRIC_INNER_PRODUCT)
    index.train(points)
    index.nprobe = PROBES
    index.add(points)
    index.make_direct_map()
    return index


@pytest.mark.parametrize("limit", [None, 0])
def test_it_is_faiss_s_with_ties_and_replaced_points(limit: int | None, tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    points = clustered(draw)
    theirs = faiss_index(points)
    with files_in(tmp_path, limit):
        ours = InvertedFile(points, theirs.quantizer)
        for step in range(60):
            rows = draw.choice(COUNT, 64, replace=False)
            queries = points[rows]
            if step % 2:
                queries = unit(queries + 0.3 * draw.normal(size=queries.shape))
            expected = theirs.search(queries, 6)[1]
            assert np.array_equal(ours.search(queries, 6, PROBES), expected)
            theirs.update_vectors(rows, queries)
            ours.replace(rows, queries)


def test_a_list_may_grow_to_hold_all() -> None:
    draw = np.random.default_rng(1)
    points = clustered(draw)
    theirs = faiss_index(points)
    ours = InvertedFile(points, theirs.quantizer)
    for rows in np.split(draw.permutation(COUNT), 20):  # all move to one place
        moved = unit(points[:1] + 0.01 * draw.normal(size=(len(rows), WIDTH)))
        theirs.update_vectors(rows, moved)
        ours.replace(rows, moved)
    assert np.array_equal(ours.search(points, 5, PROBES), theirs.search(points, 5)[1])


def test_what_is_not_found_is_minus_one() -> None:
    points = clustered(np.random.default_rng(2))
    theirs = faiss_index(points)
    found = InvertedFile(points, theirs.quantizer).search(points[:3], COUNT, 1)
    assert found.shape == (3, COUNT)
    assert (found[:, 0] >= 0).all()
    assert (found[:, -1] == -1).all()
