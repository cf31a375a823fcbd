"""The contract of every method, and how methods are named."""

from __future__ import annotations

import pytest

from genmix_da.errors import UserError
from genmix_da.methods import METHODS, Method, find_method
from genmix_da.testing import MethodContract


@pytest.mark.parametrize("name", list(METHODS))
class TestEveryMethod(MethodContract):
    @pytest.fixture
    def method(self, name: str) -> Method:
        return METHODS[name]

    def test_it_is_found_by_its_name(self, method: Method) -> None:
        assert find_method(method.name) is method
        if method.joint is not None and not method.joint.source:
            return  # there is no source to make images of
        mixed = find_method(f"{method.name}+genmix")
        kept = (method.settings, method.joint)
        assert (mixed.augment, mixed.settings, mixed.joint) == ("genmix", *kept)


def test_the_budget_plays_a_part_where_source_data_are_trained_on_alone() -> None:
    using = {name for name, method in METHODS.items() if method.uses("joint_budget")}
    assert using == {"ovanet", "dance", "uniot", "dcc", "cmu", "clip-distill"}


def test_unknown_method_suggests() -> None:
    with pytest.raises(UserError, match=r"did you mean 'lead\+genmix'"):
        find_method("lead+genmx")
