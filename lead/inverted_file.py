"""Points in lists by their nearest centre, of which a query searches a few: faiss's IVF, in a file.

Faiss keeps the points of such an index in memory, a second time beside the caller's. Here they lie
list by list in one array, which is a file where it is large (`lead.large`); products, heaps and the
order of their entries are faiss's own, so that the same points are found, also among equally near
ones.
Source: Johnson et al., "Billion-scale similarity search with GPUs", IEEE Trans. Big Data 2021.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lead.large import empty

_TOGETHER = 64  # queries: their candidates are a matrix
_LEAST = 8  # places that a list has free, beside a quarter of its length

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]


class InvertedFile:
    """Points that can be searched by inner product, and replaced.

    Args:
        points: [N, F] float32.
        centres: faiss's index of the centres of K lists.
    """

    def __init__(self, points: Floats, centres: Any) -> None:
        self._centres = centres
        self._list_of = self._nearest(points, 1)[:, 0].astype(np.int32)
        self._place = np.empty(len(points), np.int32)  # of each point among the places of all lists
        order = np.argsort(self._list_of, kind="stable")
        sizes = np.bincount(self._list_of, minlength=centres.ntotal)
        self._lay_out(points, np.split(order, np.cumsum(sizes)[:-1]), order)

    def _nearest(self, points: Floats, count: int) -> Rows:
        found: Rows = self._centres.search(np.ascontiguousarray(points), count)[1]
        return found

    def _lay_out(self, content: Floats, lists: list[Rows], rows: Rows) -> None:
        """Put the points of each list side by side, with room behind them.

        Args:
            content: [M, F].
            lists: where in it the points of each list are, in their order.
            rows: [N] numbers of these points, list by list.
        """
        self._size = [len(where) for where in lists]
        self._room = [size + size // 4 + _LEAST for size in self._size]
        begin = np.cumsum([0, *self._room]).tolist()
        self._begin, self._free = begin[:-1], begin[-1]
        # Behind them a list that is full is moved to.
        places = self._free + len(rows) // 4 + 2 * max(self._room)
        held, row = empty((places, content.shape[1])), np.zeros(places, np.int64)
        done = 0
        for start, where in zip(self._begin, lists, strict=True):
            taken = np.arange(start, start + len(where))
            held[taken] = content[where]
            row[taken] = rows[done : done + len(where)]
            self._place[row[taken]] = taken
            done += len(where)
        self._held, self._row = held, row  # [P, F], and [P] the point at each place

    def search(self, queries: Floats, count: int, probes: int) -> Rows:
        """[Q, count] numbers of points near to each query [Q, F], nearest first; -1 for none.

        Args:
            queries: [Q, F].
            count: of points wanted.
            probes: lists that are searched for each.
        """
        near = self._nearest(queries, min(probes, len(self._size)))
        parts = [slice(start, start + _TOGETHER) for start in range(0, len(queries), _TOGETHER)]
        return np.concatenate([self._search(queries[part], count, near[part]) for part in parts])

    def _search(self, queries: Floats, count: int, lists: Rows) -> Rows:
        import faiss

        near, queries = lists.tolist(), np.ascontiguousarray(queries)
        found = [np.concatenate([self._places(number) for number in row]) for row in near]
        shape = (len(queries), max(1, *map(len, found)))
        places = np.full(shape, -1, np.int64)
        for row, own in zip(places, found, strict=True):
            row[: len(own)] = own
        none = places < 0
        rows, products = np.where(none, -1, self._row[places]), np.empty(shape, np.float32)
        best = np.empty((len(queries), count), np.float32)
        nearest = np.empty(best.shape, np.int64)
        at = faiss.swig_ptr
        faiss.fvec_inner_products_by_idx(  # type: ignore[attr-defined]
            *(at(products), at(queries), at(self._held), at(places), self._held.shape[1], *shape)
        )
        products[none] = -np.inf
        heaps = faiss.float_minheap_array_t()
        heaps.nh, heaps.k, heaps.val, heaps.ids = len(queries), count, at(best), at(nearest)
        heaps.heapify()
        heaps.addn_with_ids(shape[1], at(products), at(rows), shape[1])
        heaps.reorder()
        return nearest

    def _places(self, number: int) -> Rows:
        begin = self._begin[number]
        return np.arange(begin, begin + self._size[number])

    def replace(self, rows: Rows, points: Floats) -> None:
        """Put other points [B, F] in the place of some rows [B]."""
        lists = self._nearest(points, 1)[:, 0].tolist()
        for row, new, point in zip(rows.tolist(), lists, points, strict=True):
            old, hole = int(self._list_of[row]), int(self._place[row])
            self._size[old] -= 1  # the last of the list fills the hole
            last = self._begin[old] + self._size[old]
            self._put(hole, int(self._row[last]), self._held[last])
            if self._size[new] == self._room[new]:
                self._make_room(new)
            self._put(self._begin[new] + self._size[new], row, point)
            self._size[new] += 1
            self._list_of[row] = new

    def _put(self, place: int, row: int, point: Floats) -> None:
        self._held[place], self._row[place], self._place[row] = point, row, place

    def _make_room(self, number: int) -> None:
        """Move a list behind the others; where there is no room left, all are laid out anew."""
        places, room = self._places(number), 2 * self._room[number]
        if self._free + room > len(self._held):
            lists = [self._places(each) for each in range(len(self._size))]
            self._lay_out(self._held, lists, self._row[np.concatenate(lists)])
            return
        for target, place in enumerate(places.tolist(), start=self._free):
            self._put(target, int(self._row[place]), self._held[place])
        self._begin[number], self._room[number] = self._free, room
        self._free += room
