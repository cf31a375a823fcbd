"""Settings: typed, whole, and with the published values where the paper gives them."""

from __future__ import annotations

import pytest

from genmix_da.augment.masks import MASK_KINDS
from genmix_da.augment.settings import AugmentSettings, build_settings
from genmix_da.errors import UserError


def test_defaults_are_published() -> None:
    s = AugmentSettings()
    assert (s.fractal_lambda, s.seam_width, s.sigmas, s.size) == (0.2, 20, 2, 512)
    assert (s.prompts, s.rule, s.masks) == ("domain", "all-pairs", MASK_KINDS)


def test_values_take_the_kind_of_their_setting() -> None:
    s = build_settings({"per_image": "3", "seam_width": 2.5, "fractal_lambda": 0, "prompts": None})
    assert (s.per_image, s.seam_width, s.fractal_lambda, s.prompts) == (3, 2.5, 0.0, "domain")
    assert build_settings({"masks": ["vertical", "patchswap"]}).masks == ("vertical", "patchswap")
    assert build_settings({"masks": "vertical"}).masks == ("vertical",)
    assert build_settings({"masks": []}).masks == ()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"per_imag": 2}, "did you mean 'per_image'"),
        ({"per_image": "two"}, "per_image cannot be 'two'"),
        ({"per_image": 2.7}, "per_image cannot be 2.7"),
        ({"size": float("inf")}, "size cannot be inf"),
        ({"masks": 3}, "masks cannot be 3"),
        ({"masks": ["vertical", "diagonal"]}, "no mask 'diagonal'"),
    ],
)
def test_refused_values(values: dict[str, object], said: str) -> None:
    with pytest.raises(UserError, match=said):
        build_settings(values)


def test_same_values_are_equal_however_they_are_written() -> None:
    assert build_settings({"seam_width": 20}).as_dict() == AugmentSettings().as_dict()
    assert str(build_settings({"seam_width": 20})) == str(AugmentSettings())
