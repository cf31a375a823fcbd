"""Label sets and settings."""

import pytest

from lead.errors import LeadError, ProtocolError
from lead.protocol import LabelSets, split_classes

CLASSES = [f"c{index}" for index in range(10)]


def test_split_cuts_in_order_and_leaves_the_rest_unused() -> None:
    sets = split_classes(CLASSES, (3, 2, 4))
    assert sets.shared == ("c0", "c1", "c2")
    assert sets.source_private == ("c3", "c4")
    assert sets.target_private == ("c5", "c6", "c7", "c8")
    assert sets.counts == (3, 2, 4)
    assert sets.source_classes == ("c0", "c1", "c2", "c3", "c4")


def test_labels_of_an_open_set() -> None:
    sets = split_classes(CLASSES, (3, 2, 4))
    assert sets.unknown == 5
    assert sets.open_set
    assert sets.evaluation_classes == (0, 1, 2, 5)
    assert [sets.source_label(name) for name in CLASSES] == [0, 1, 2, 3, 4] + [None] * 5
    assert [sets.target_label(name) for name in CLASSES] == [0, 1, 2, None, None] + [5] * 4 + [None]


def test_labels_of_a_closed_set() -> None:
    sets = split_classes(CLASSES, (3, 2, 0))
    assert not sets.open_set
    assert sets.evaluation_classes == (0, 1, 2)
    assert sets.target_label("c5") is None


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ((0, 2, 2), "share no class"),
        ((6, 3, 2), "6/3/2 asks for 11 classes, the data has 10"),
        ((3, -1, 2), "negative"),
    ],
)
def test_impossible_split(counts: tuple[int, int, int], message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        split_classes(CLASSES, counts)


@pytest.mark.parametrize(
    "sets", [(("a", "a"), (), ()), (("a",), ("a",), ()), (("b",), ("a",), ("c", "a"))]
)
def test_class_named_twice(sets: tuple[tuple[str, ...], ...]) -> None:
    with pytest.raises(ProtocolError, match="'a' stands in more than one"):
        LabelSets(*sets)


def test_all_classes_may_be_used() -> None:
    assert split_classes(CLASSES, (4, 3, 3)).counts == (4, 3, 3)


@pytest.mark.parametrize("setting", ["opda", "osda"])
def test_open_setting_accepts_its_sets(setting: str) -> None:
    split_classes(CLASSES, (3, 0, 4)).check_setting(setting)


@pytest.mark.parametrize("setting", ["opda", "pda"])
def test_partial_setting_accepts_its_sets(setting: str) -> None:
    split_classes(CLASSES, (3, 4, 0)).check_setting(setting)


@pytest.mark.parametrize(
    ("setting", "counts", "message"),
    [
        ("osda", (3, 2, 4), "no source-private class, the split has 2"),
        ("pda", (3, 2, 4), "no target-private class, the split has 4"),
        ("uda", (3, 2, 4), "unknown setting 'uda'; choose one of opda, osda, pda"),
    ],
)
def test_setting_that_does_not_fit(
    setting: str, counts: tuple[int, int, int], message: str
) -> None:
    with pytest.raises(ProtocolError, match=message):
        split_classes(CLASSES, counts).check_setting(setting)


def test_errors_are_value_errors() -> None:
    assert issubclass(ProtocolError, LeadError)
    assert issubclass(LeadError, ValueError)
