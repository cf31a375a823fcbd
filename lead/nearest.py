"""Nearest neighbours by inner product, with faiss; on CUDA by blocks of one product.

Exact up to `EXACT_LIMIT` points and always on CUDA; above it an inverted file (faiss IVF) is
searched, which finds nearly all of them in a small part of the time.
Source: Johnson et al., "Billion-scale similarity search with GPUs", IEEE Trans. Big Data 2021.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

EXACT_LIMIT = 20_000
_PROBES = 16  # lists of the inverted file that are searched for each query
_LISTS = 24  # that are searched for all points of a list together
_BLOCK = 4096  # queries at once: memory grows with block x points, or stays with faiss


class Neighbours:
    """Points that can be searched.

    Args:
        points: [N, F] float32.
        device: CUDA to search there, else faiss on the CPU.
        exact: search all points; None: where there are at most `EXACT_LIMIT`.
    """

    def __init__(
        self,
        points: NDArray[np.float32],
        device: torch.device | None = None,
        *,
        exact: bool | None = None,
    ) -> None:
        self._points = np.ascontiguousarray(points, dtype=np.float32)
        self._device = device if device is not None and device.type == "cuda" else None
        wanted = len(points) <= EXACT_LIMIT if exact is None else exact
        self.exact = wanted or self._device is not None
        self._index: Any = None

    def search(self, queries: NDArray[np.float32], count: int) -> NDArray[np.int64]:
        """[Q, min(count, N)] numbers of the points nearest to each query [Q, F], nearest first.

        An inverted file may find fewer than asked for; -1 stands for those.
        """
        count = min(count, len(self._points))
        if count == 0 or len(queries) == 0:
            return np.empty((len(queries), count), dtype=np.int64)
        if self._device is not None:
            return self._on_cuda(queries, count)
        import faiss

        # As many threads as torch has been given: workers share the cores of a machine.
        faiss.omp_set_num_threads(torch.get_num_threads())
        index = self._built(faiss)
        blocks = [
            index.search(np.ascontiguousarray(queries[start : start + _BLOCK]), count)[1]
            for start in range(0, len(queries), _BLOCK)
        ]
        return np.concatenate(blocks).astype(np.int64)

    def among(self, count: int) -> NDArray[np.int64]:
        """[N, min(count, N)]: `search` of all points among themselves.

        With an inverted file the points of a list are searched together, in the lists whose centres
        are nearest to its own: a few large products instead of as many scans of memory as points.
        """
        if self.exact:
            return self.search(self._points, count)
        import faiss

        faiss.omp_set_num_threads(torch.get_num_threads())
        lists = self._index or self._lists(faiss)  # held: faiss's centres are gone with it
        quantizer = lists.quantizer
        centres = torch.from_numpy(quantizer.reconstruct_n(0, quantizer.ntotal))
        near = torch.topk(centres @ centres.T, min(_LISTS, len(centres)), dim=1).indices.numpy()
        list_of = quantizer.search(self._points, 1)[1][:, 0]
        order = np.argsort(list_of, kind="stable")
        bounds = np.searchsorted(list_of[order], np.arange(len(centres) + 1))
        members = [order[bounds[own] : bounds[own + 1]] for own in range(len(centres))]
        found = np.full((len(self._points), min(count, len(self._points))), -1, np.int64)
        for own, rows in enumerate(members):
            others = np.concatenate([members[other] for other in near[own]])
            points = torch.from_numpy(self._points[others])
            for start in range(0, len(rows), _BLOCK):
                part = rows[start : start + _BLOCK]
                similarity = torch.from_numpy(self._points[part]) @ points.T
                nearest = similarity.topk(min(count, len(others)), dim=1).indices.numpy()
                found[part, : nearest.shape[1]] = others[nearest]
        return found

    def _built(self, faiss: Any) -> Any:
        if self._index is None:
            self._index = self._build(faiss)
        return self._index

    def replace(self, rows: NDArray[np.int64], points: NDArray[np.float32]) -> None:
        """Put other points [B, F] in the place of some rows [B]."""
        self._points[rows] = points
        if self.exact:
            self._index = None
        elif self._index is not None:
            self._index.update_vectors(rows, np.ascontiguousarray(points))

    def _build(self, faiss: Any) -> Any:
        """Faiss's index; it holds the points a second time."""
        index = faiss.IndexFlatIP(self._points.shape[1]) if self.exact else self._lists(faiss)
        index.add(self._points)
        if not self.exact:
            index.make_direct_map()  # so that points can be replaced
        return index

    def _lists(self, faiss: Any) -> Any:
        """The inverted file without points: the centres of its lists."""
        count, width = self._points.shape
        lists = min(count, int(2 * np.sqrt(count)))
        index = faiss.IndexIVFFlat(
            faiss.IndexFlatIP(width), width, lists, faiss.METRIC_INNER_PRODUCT
        )
        index.cp.seed = 0
        index.cp.niter = 4
        index.cp.max_points_per_centroid = 16
        index.cp.min_points_per_centroid = 1  # a few points each do; else faiss warns
        index.train(self._points)
        index.nprobe = min(_PROBES, lists)
        return index

    @torch.no_grad()
    def _on_cuda(self, queries: NDArray[np.float32], count: int) -> NDArray[np.int64]:
        points = torch.from_numpy(self._points).to(self._device)
        found = []
        for start in range(0, len(queries), _BLOCK):
            block = torch.from_numpy(np.ascontiguousarray(queries[start : start + _BLOCK]))
            similarity = block.to(self._device) @ points.T
            found.append(similarity.topk(count, dim=1).indices.cpu().numpy())
        return np.concatenate(found).astype(np.int64)
