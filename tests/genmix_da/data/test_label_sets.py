"""Label sets: published, from --split, or from the classes that two domains share."""

from __future__ import annotations

from pathlib import Path

import pytest

from genmix_da.data.domain import Domain
from genmix_da.data.label_sets import resolve_label_sets
from genmix_da.errors import UserError
from lead.errors import ProtocolError
from lead.protocol import LabelSets
from office_home import BENCHMARKS, OFFICE_HOME_CLASSES
from office_home.benchmarks import OFFICE_31_CLASSES


def domain(name: str, *classes: str, labelled: bool = True) -> Domain:
    images = tuple(Path(name, c, "x.jpg") for c in classes)
    if not labelled:
        return Domain(name, Path(name), (Path("x.jpg"),), None, ())
    return Domain(name, Path(name), images, classes, classes)


def resolve(
    source: Domain, target: Domain, setting: str = "opda", split: str | None = None, **more: object
) -> LabelSets:
    benchmark = more.pop("benchmark", None)
    return resolve_label_sets(source, target, setting, split, benchmark, **more)  # type: ignore[arg-type]


ABC = domain("L", "a", "b", "c")
BCX = domain("R", "b", "c", "x")


def test_split_counts_in_sorted_order() -> None:
    sets = resolve(domain("L", "B", "a", "c"), domain("R", "B", "a", "c"), split=" 1/1/1 ")
    assert sets == LabelSets(("B",), ("a",), ("c",))


def test_split_counts_in_the_order_of_the_lists() -> None:
    listed = domain("L", "z", "a", "m"), domain("R", "z", "a", "m")
    assert resolve(*listed, split="1/1/1") == LabelSets(("z",), ("a",), ("m",))


def test_common_classes() -> None:
    assert resolve(ABC, BCX) == LabelSets(("b", "c"), ("a",), ("x",))
    assert resolve(ABC, BCX, "osda") == LabelSets(("b", "c"), (), ("x",))
    assert resolve(ABC, BCX, "pda") == LabelSets(("b", "c"), ("a",), ())


def test_unlabelled_target_may_hold_every_source_class() -> None:
    target = domain("R", labelled=False)
    assert resolve(ABC, target).shared == ("a", "b", "c")
    assert resolve(ABC, target).open_set
    assert not resolve(ABC, target, "pda").open_set


def test_published_sets() -> None:
    home = BENCHMARKS["office-home"]
    pair = domain("L", *OFFICE_HOME_CLASSES), domain("R", *OFFICE_HOME_CLASSES)
    sets = resolve(*pair, "osda", benchmark=home)
    assert sets.counts == (25, 0, 40)
    assert sets.shared == OFFICE_HOME_CLASSES[:25]


def test_split_wins_over_the_published_sets() -> None:
    pair = domain("L", *OFFICE_31_CLASSES), domain("R", *OFFICE_31_CLASSES)
    sets = resolve(*pair, split="2/1/3", benchmark=BENCHMARKS["office-31"])
    assert sets.counts == (2, 1, 3)
    assert sets.shared == OFFICE_31_CLASSES[:2]  # the order is the published one all the same


def test_setting_without_published_sets_falls_back_to_common_classes() -> None:
    classes = tuple(f"c{index:03}" for index in range(345))
    pair = domain("L", *classes), domain("R", *classes)
    sets = resolve(*pair, "pda", benchmark=BENCHMARKS["domainnet"])
    assert sets.counts == (345, 0, 0)


def test_mini_splits_are_for_the_setting() -> None:
    splits = {"opda": (1, 1, 1), "pda": (2, 1, 0)}
    pair = domain("L", "a", "b", "c"), domain("R", "a", "b", "c")
    assert resolve(*pair, "pda", mini_splits=splits).counts == (2, 1, 0)


def test_target_may_lack_a_private_class(tmp_path: Path) -> None:
    file = tmp_path / "split.yaml"
    file.write_text("shared: [b]\nsource_private: [a]\ntarget_private: [x, y]\n")
    assert resolve(ABC, BCX, split=str(file)).target_private == ("x", "y")


def test_target_must_have_the_shared_classes() -> None:
    with pytest.raises(UserError, match=r"R has no images of 1 .*\(a\)"):
        resolve(ABC, BCX, split="2/1/0")


def test_source_must_have_its_private_classes() -> None:
    with pytest.raises(UserError, match=r"L has no images of 2 .*\(x, y\)"):
        resolve(domain("L", "a"), domain("R", "a", "x", "y"), split="1/2/0")


def test_sets_must_fit_the_setting() -> None:
    with pytest.raises(ProtocolError):
        resolve(ABC, ABC, "pda", split="1/1/1")
