"""What a method fixes and a user gave otherwise is said."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest

from genmix_da.classify.run import _warn_about_fixed


@pytest.mark.parametrize(
    ("augment", "given", "said"),
    [
        ("diffusemix", {"seam_width": 30.0}, "diffusemix fixes seam_width"),
        ("diffusemix", {"seam_width": 0.0, "per_image": 3}, ""),
        ("genmix", {"seam_width": 30.0}, ""),
        ("mixup", {"seam_width": 30.0}, ""),
    ],
)
def test_a_setting_that_the_method_fixes_is_named(
    augment: str, given: dict[str, float], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    task = SimpleNamespace(config=SimpleNamespace(augment=augment, genmix=given))
    with caplog.at_level(logging.WARNING, logger="genmix_da"):
        _warn_about_fixed(task)  # type: ignore[arg-type]
    assert (said in caplog.text) if said else not caplog.text
