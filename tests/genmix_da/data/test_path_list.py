"""Paths that take little memory are the paths they were made of."""

from __future__ import annotations

import pickle
import tracemalloc
from pathlib import Path

import pytest

from genmix_da.data.domain import Domain
from genmix_da.data.path_list import PathList

PATHS = [
    *("a.jpg", "/a.jpg", "x/y/ü 1.png", "x/y/b.png", "../up/c.png", "/x/\udcff.png", "/r/s/t.png"),
]


def test_it_is_the_sequence_it_was_made_of() -> None:
    wanted = [Path(path) for path in PATHS]
    found = PathList(wanted)
    assert (list(found), len(found), bool(PathList())) == (wanted, len(wanted), False)
    assert [found[i] for i in range(-7, 7)] == wanted + wanted
    assert found[2:6:3] == wanted[2:6:3] and found[::-1] == tuple(reversed(wanted))
    assert found == wanted and found != wanted[:-1] and found != wanted[::-1] and found != 3
    assert Path("x/y/b.png") in found and Path("b.png") not in found
    assert pickle.loads(pickle.dumps(found)) == wanted
    for place in (7, -8):
        with pytest.raises(IndexError, match="no path"):
            _ = found[place]


def test_what_is_added_stands_at_the_end() -> None:
    found = PathList([Path("a/1.jpg")])
    found += [Path("b/1.jpg")]
    found.append(Path("a/2.jpg"))
    assert found == [Path("a/1.jpg"), Path("b/1.jpg"), Path("a/2.jpg")]
    assert repr(found) == "PathList(['a/1.jpg', 'b/1.jpg', 'a/2.jpg'], 3 paths)"


def test_a_path_takes_its_name_and_a_few_bytes() -> None:
    count = 20_000
    tracemalloc.start()
    found = PathList()
    for number in range(count):  # no `Path`: Python's table of all words may grow at any of them
        found.add("/d/c/", f"{number:08}.jpg")
    domain = Domain("d", Path("d"), found, None, ())
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken / count < 12 + len("00000000.jpg") + 8  # what a growing array has in reserve
    part = domain.part([5, 3])
    assert part.images == (Path("/d/c/00000005.jpg"), Path("/d/c/00000003.jpg"))
    assert isinstance(part.images, PathList)
