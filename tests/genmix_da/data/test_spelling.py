"""One class in two domains has one name, however each spells it."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from genmix_da.data.domain import Domain
from genmix_da.data.folders import folder_domain
from genmix_da.data.spelling import Spelling, class_key, nearly_alike
from genmix_da.errors import UserError

QUICK = ("--source-epochs", 1, "--epochs", 1, "--cluster-estimator", "features")


def domain(*labels: str) -> Domain:
    images = tuple(Path(f"{place}.jpg") for place in range(len(labels)))
    return Domain("d", Path("d"), images, labels, tuple(sorted(set(labels))))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Alarm_Clock", "alarm clock"),
        ("ALARM-CLOCK", "AlarmClock"),
        (unicodedata.normalize("NFC", "café"), unicodedata.normalize("NFD", "CAFÉ")),
        ("STRASSE", "straße"),
        ("0", "00"),
        ("7", "007"),
    ],
)
def test_spellings_of_one_name(one: str, other: str) -> None:
    assert class_key(one) == class_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("C", "C++"), ("F/A-18", "F-16"), ("1", "10"), ("pen", "pencil"), ("①", "1"), ("_", "-")],
)
def test_other_differences_are_differences(one: str, other: str) -> None:
    assert class_key(one) != class_key(other)


def test_classes_are_given_the_first_domain_s_names() -> None:
    spelling = Spelling(("Alarm_Clock", "TV"), {"television": "TV", "telly": "television"})
    applied = spelling.applied(domain("alarm clock", "Television", "telescope"))
    assert applied.labels == ("Alarm_Clock", "TV", "telescope")
    assert set(applied.classes) == {"Alarm_Clock", "TV", "telescope"}
    assert spelling.name("TELLY") == "TV"


@pytest.mark.parametrize("joined", [{"TV": "television"}, {"television": "TV"}])
def test_either_side_of_a_joined_name_may_be_the_known_one(joined: dict[str, str]) -> None:
    assert Spelling(("TV",), joined).name("Television") == "TV"
    assert Spelling(("television",), joined).name("tv") == "television"


def test_two_classes_that_become_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'TV' and 'television', which are one class elsewhere"):
        Spelling(("TV",), {"television": "TV"}).applied(domain("TV", "television"))
    for name in ("hot dog", "Hot_Dog", "cup"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jpg").touch()
    with pytest.raises(UserError, match="'Hot_Dog' and 'hot dog', which differ in spelling alone"):
        folder_domain(tmp_path)


def test_names_that_are_nearly_alike() -> None:
    assert nearly_alike(("headphone", "mug", "pan", "1"), ("Headphones", "pen", "11")) == [
        ("headphone", "Headphones")
    ]


def test_two_spellings_adapt_as_one_class(
    adapt: Callable, make_data: Callable, tmp_path: Path
) -> None:
    root = make_data(tmp_path / "own", ("A",), ("Alarm_Clock", "Mug", "Bike", "Headphone"))
    make_data(root, ("B",), ("alarm clock", "MUG", "bike", "Headphones"))
    arguments = ("--data", root, "--src", "A", "--tgt", "B", *QUICK)
    outcome = adapt(*arguments)
    assert outcome.code == 0, outcome.err
    result = json.loads((tmp_path / "runs" / "run" / "result.json").read_text())
    assert result["split"] == [3, 1, 1]
    assert "'Headphone' of A and 'Headphones' of B are taken for two classes" in outcome.err
    split = tmp_path / "split.yaml"
    split.write_text("shared: [alarm clock, mug, Headphone]\nsource_private: [Bike]\n")
    named = split.read_text() + "target_private: [X]\nnames: {Headphones: Headphone, bike: X}\n"
    split.write_text(named)
    said = adapt(*arguments, "--split", split)
    assert said.code == 2, said.err  # Bike cannot be in two sets
