"""The published data sets: every one is listed and described, and its facts agree."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from genmix_da.data.published_sets import SETS, PublishedSet, published_set
from genmix_da.errors import UserError


def test_every_set_is_listed_and_described(run: Callable) -> None:
    listed = run("data", "get")
    assert listed.code == 0
    assert {row["name"] for row in run("data", "get", "--json").json()} == set(SETS)
    for name, published in SETS.items():
        assert f"{name} " in listed.out
        outcome = run("data", "get", name)
        assert outcome.code == 0
        assert published.home in outcome.out and published.terms in outcome.out
        facts = run("data", "get", name, "--json").json()
        assert (facts["title"], facts["home"]) == (published.title, published.home)
        for archive in published.archives:
            assert (archive.md5 or "no checksum is published") in outcome.out


@pytest.mark.parametrize("published", SETS.values(), ids=list(SETS))
def test_the_facts_agree_with_one_another(published: PublishedSet) -> None:
    assert set(published.images) in (set(), set(published.domains))
    for domain, others in published.domains.items():
        for name in (domain, domain.upper(), *others):
            assert published.domain_named(name) == domain
    for archive in published.archives:
        assert archive.domain in (None, *published.domains)
        assert archive.url is None or archive.url.endswith(f"/{archive.name}")
        assert archive.md5 is None or len(archive.md5) == 32
    for domain, counts in published.per_class().items():
        assert sum(counts.values()) == published.images[domain]
        assert len(counts) == published.classes


def test_names_are_read_in_any_way() -> None:
    assert published_set("OFFICE_31") is SETS["office-31"]
    assert published_set("VisDA-C") is SETS["visda-2017"]
    with pytest.raises(UserError, match="classify train"):
        published_set("flowers102")
