"""Classes of several domains side by side."""

from __future__ import annotations

from pathlib import Path

from genmix_da.data.class_match import Private, match_classes
from genmix_da.data.domain import Domain


def domain(name: str, *classes: str) -> Domain:
    images = tuple(Path(name, own, "1.jpg") for own in classes)
    return Domain(name, Path(name), images, classes, classes)


def test_spellings_are_joined_under_the_first() -> None:
    found = match_classes(
        [domain("Art", "Alarm_Clock", "Bed"), domain("Pen", "alarm clock", "Bed")]
    )
    assert found.names == ("Alarm_Clock", "Bed")
    assert found.everywhere == 2
    assert found.spelt == {"Alarm_Clock": {"Art": "Alarm_Clock", "Pen": "alarm clock"}}
    assert found.missing == {}
    assert found.private == ()


def test_private_and_missing_classes() -> None:
    art, pen = domain("Art", "a", "b"), domain("Pen", "b", "c")
    found = match_classes([art, pen, domain("Oil", "b")])
    assert found.everywhere == 1
    assert found.missing == {"a": ("Pen", "Oil"), "c": ("Art", "Oil")}
    assert found.private == (
        Private("Art", "Pen", ("a",)),
        Private("Art", "Oil", ("a",)),
        Private("Pen", "Art", ("c",)),
        Private("Pen", "Oil", ("c",)),
    )


def test_private_names_that_are_nearly_alike() -> None:
    found = match_classes([domain("Art", "Headphone", "mug"), domain("Pen", "headphones", "mug")])
    assert found.alike == (("Art", "Headphone", "Pen", "headphones"),)


def test_names_of_other_numbers_are_no_misspelling() -> None:
    found = match_classes([domain("Art", "class 012", "x"), domain("Pen", "class 021", "x")])
    assert found.alike == ()


def test_a_domain_without_classes_lacks_none() -> None:
    flat = Domain("Flat", Path("Flat"), (Path("Flat/1.jpg"),), None, ())
    found = match_classes([domain("Art", "a"), flat])
    assert (found.everywhere, found.missing) == (1, {})


def test_private_classes_keep_their_own_spelling() -> None:
    found = match_classes([domain("Art", "a"), domain("Pen", "A", "Two Words")])
    assert found.private == (Private("Pen", "Art", ("Two Words",)),)
