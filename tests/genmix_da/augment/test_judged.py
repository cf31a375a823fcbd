"""What is held of many edits is what each of them is."""

from __future__ import annotations

import hashlib
import tracemalloc

import numpy as np
import pytest

from genmix_da.augment.jobs import Job, Jobs
from genmix_da.augment.judged import Edit, Edits, counted
from genmix_da.augment.manifest import Digests
from genmix_da.augment.prompts import load_prompts

STYLE = load_prompts("domain").styles[0]
HASHES = [hashlib.sha256(bytes([n])).digest() for n in range(5)]


def plan(name: str, row: int) -> list[Job]:
    return [Job(row, copy, STYLE, copy, copy, f"{name}{copy}") for copy in range(3)]


JOBS = Jobs(b"".join(HASHES), plan, 3)


def test_jobs_are_those_of_the_images_in_order() -> None:
    wanted = [job for row, name in enumerate(HASHES) for job in plan(name.hex(), row)]
    assert (list(JOBS), len(JOBS)) == (wanted, 15)
    assert [JOBS[place] for place in range(-15, 15)] == wanted + wanted
    assert JOBS[3:6] == wanted[3:6] and JOBS[1:14:5] == wanted[1:14:5]
    with pytest.raises(IndexError):
        _ = JOBS[15]


def test_edits_are_kept_dropped_or_failed() -> None:
    similarity = np.linspace(0, 1, 15)
    similarity[4] = np.nan
    found = Edits(JOBS, {4: "black"}, similarity, 0.5)
    wanted = [
        Edit(job, "kept" if near >= 0.5 else "dropped", near)
        for job, near in zip(JOBS, similarity.tolist(), strict=True)
    ]
    wanted[4] = Edit(JOBS[4], "failed", None, "black")
    assert (list(found), found[4], found[-1], found[3:6]) == (
        *(wanted, wanted[4], wanted[-1]),
        wanted[3:6],
    )
    for status in ("kept", "dropped", "failed"):
        assert counted(found, status) == counted(wanted, status)
    unjudged = Edits(JOBS, {4: "black"})
    assert [edit.status for edit in unjudged].count("kept") == counted(unjudged, "kept") == 14
    assert unjudged[0].similarity is None


def test_digests_by_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genmix_da.augment.manifest._TOGETHER", 4)
    found = Digests()
    digests = {f"a/{n}.jpg": hashlib.sha256(f"{n}".encode()).hexdigest() for n in range(30)}
    found.add("a/7.jpg", "an older note")
    for name, digest in digests.items():
        found.add(name, digest)
    assert len(found) == 30
    assert all(found.holds(name) and found.same(name, digests[name]) for name in digests)
    assert not found.holds("a/30.jpg") and not found.same("a/3.jpg", digests["a/4.jpg"])


def test_what_a_million_images_take() -> None:
    count = 50_000
    names = [f"class/{n:08}.jpg.0.a style.jpg" for n in range(2 * count)]
    tracemalloc.start()
    digests = Digests()
    for name in names:
        digests.add(name, "0" * 64)
    edits = Edits(Jobs(bytes(32 * count), plan, 2), {}, np.zeros(2 * count), 0.5)
    assert (len(digests), len(edits)) == (2 * count, 2 * count)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken / count < 32 + 2 * 8 + 2 * 16 + 5
