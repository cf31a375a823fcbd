"""Names of domains and classes as people write them."""

from __future__ import annotations

import pytest

from office_home import OFFICE_HOME_DOMAINS, key, match_domain, short_name

OFFICE_31 = ("amazon", "dslr", "webcam")


@pytest.mark.parametrize(
    ("query", "domain"),
    [
        *((query, "Art") for query in ("Ar", "ar", "Art", "ART", "a")),
        *((query, "Clipart") for query in ("Cl", "cl", "clipart", "Clip")),
        *((query, "Product") for query in ("Pr", "product", "P")),
        *((query, "Real World") for query in ("Re", "Rw", "rw", "real", "Real World")),
        *(
            (query, "Real World")
            for query in ("Real_World", "RealWorld", "Realworld", "real-world")
        ),
    ],
)
def test_every_way_to_write_a_domain(query: str, domain: str) -> None:
    assert match_domain(query, OFFICE_HOME_DOMAINS) == domain


@pytest.mark.parametrize("name", ["Real World", "Real_World", "RealWorld", "Realworld"])
@pytest.mark.parametrize("query", ["Re", "Rw", "Real World", "RealWorld"])
def test_every_way_to_call_the_folder(name: str, query: str) -> None:
    assert match_domain(query, ("Art", name)) == name


@pytest.mark.parametrize(
    ("query", "domain"), [("a", "amazon"), ("DSLR", "dslr"), ("Web", "webcam")]
)
def test_unique_beginning(query: str, domain: str) -> None:
    assert match_domain(query, OFFICE_31) == domain


def test_the_whole_name_wins_over_an_alias_and_a_beginning() -> None:
    assert match_domain("ar", ("Art", "ar")) == "ar"
    assert match_domain("set1", ("set1", "set10", "set11")) == "set1"
    assert match_domain("set_1", ("set1", "set_1")) == "set_1"


def test_ambiguous_beginning_names_the_choices() -> None:
    with pytest.raises(LookupError, match=r"'s' may be sketch or street; name one fully"):
        match_domain("s", ("street", "photo", "sketch"))


def test_unknown_name_suggests_the_nearest_and_lists_all() -> None:
    with pytest.raises(LookupError) as caught:
        match_domain("Clopart", OFFICE_HOME_DOMAINS)
    said = str(caught.value)
    assert "no domain 'Clopart'; did you mean 'Clipart'?" in said
    assert "Art, Clipart, Product, Real World" in said


def test_far_name_suggests_nothing() -> None:
    with pytest.raises(LookupError) as caught:
        match_domain("zzz", OFFICE_HOME_DOMAINS)
    assert "did you mean" not in str(caught.value)


def test_nothing_matches_nothing() -> None:
    with pytest.raises(LookupError, match="none"):
        match_domain("Art", ())
    with pytest.raises(LookupError):
        match_domain("", OFFICE_HOME_DOMAINS)


def test_names_in_any_script_are_told_apart() -> None:
    available = ("写真", "絵画", "Фото", "Ünï 1")
    for name in available:
        assert match_domain(name, available) == name
    assert match_domain("фото", available) == "Фото"
    assert match_domain("絵", available) == "絵画"


def test_composed_and_decomposed_letters_are_one() -> None:
    assert key("Caf\u00e9") == key("cafe\u0301") != key("cafe")
    assert match_domain("caf\u00e9", ("Cafe\u0301",)) == "Cafe\u0301"


def test_key_keeps_letters_and_digits() -> None:
    assert key("Real_World") == key("Real World") == key("real-world!") == "realworld"
    assert key("File_Cabinet 2") == "filecabinet2"


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("Art", "Ar"),
        ("Clipart", "Cl"),
        ("Product", "Pr"),
        ("Real World", "Re"),
        ("RealWorld", "Re"),
    ],
)
def test_short_names(name: str, short: str) -> None:
    assert short_name(name) == short


def test_other_names_stay_as_they_are() -> None:
    assert short_name("web cam") == "web cam"
