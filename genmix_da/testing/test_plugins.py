"""The parts that installed packages bring, each held to the contract of its kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from genmix_da.augment.editors import EDITORS, Editor, Request
from genmix_da.classify.augmentations import AUGMENTATIONS, Augmentation
from genmix_da.loggers import LOGGERS
from genmix_da.loggers.base import Logger
from genmix_da.methods import METHODS
from genmix_da.methods.base import Method
from genmix_da.plugins import KINDS, Registry, offered
from genmix_da.testing import (
    AugmentationContract,
    EditorContract,
    LoggerContract,
    MethodContract,
)

_HELD: dict[str, Registry[Any]] = {
    "methods": METHODS,
    "editors": EDITORS,
    "augmentations": AUGMENTATIONS,
    "loggers": LOGGERS,
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_part_that_is_offered_was_taken(kind: str) -> None:
    """One that was left out is named in a warning, which this shows."""
    assert [entry.name for entry in offered(kind)] == sorted(_HELD[kind].plugged)


@pytest.mark.parametrize("name", sorted(METHODS.plugged))
class TestMethods(MethodContract):
    """Methods."""

    @pytest.fixture
    def method(self, name: str) -> Method:
        """By its name."""
        return METHODS[name]


@pytest.mark.parametrize("name", sorted(EDITORS.plugged))
class TestEditors(EditorContract):
    """Editors, as they are without options."""

    @pytest.fixture
    def maker(self, name: str) -> Callable[[], Editor]:
        """By its name."""
        return lambda: EDITORS[name](Request(device="cpu"))


@pytest.mark.parametrize("name", sorted(AUGMENTATIONS.plugged))
class TestAugmentations(AugmentationContract):
    """Augmentations."""

    @pytest.fixture
    def kind(self, name: str) -> type[Augmentation]:
        """By its name."""
        found = AUGMENTATIONS[name]
        assert not isinstance(found, str)
        return found


@pytest.mark.parametrize("name", sorted(LOGGERS.plugged))
class TestLoggers(LoggerContract):
    """Loggers."""

    @pytest.fixture
    def make(self, name: str) -> Callable[[], Logger]:
        """By its name."""
        return LOGGERS[name]
