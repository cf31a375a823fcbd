"""What every method, editor, augmentation and logger is held to, those of other packages as well.

    pytest --pyargs genmix_da.testing

runs these tests on all parts that installed packages bring (`genmix_da.plugins`). A package that
wants them among its own tests derives a class and says what is tested:

    from genmix_da.testing import MethodContract

    class TestVote(MethodContract):
        @pytest.fixture
        def method(self):
            return VOTE

Needs pytest.
"""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite(
    *(f"{__name__}.{module}" for module in ("methods", "editors", "augmentations", "loggers"))
)

from genmix_da.testing.augmentations import AugmentationContract  # noqa: E402
from genmix_da.testing.editors import EditorContract  # noqa: E402
from genmix_da.testing.loggers import LoggerContract  # noqa: E402
from genmix_da.testing.methods import MethodContract  # noqa: E402

__all__ = ["AugmentationContract", "EditorContract", "LoggerContract", "MethodContract"]
