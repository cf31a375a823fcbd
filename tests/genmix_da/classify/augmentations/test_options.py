"""Names and options: found, converted, or refused in one sentence."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genmix_da.augment.settings import build_settings
from genmix_da.classify.augmentations import (
    AUGMENTATIONS,
    GENMIX_PRESETS,
    Augmentation,
    augmentation_settings,
    find_augmentation,
)
from genmix_da.errors import UserError

Make = Callable[..., Augmentation]


def test_every_name_is_that_of_its_class() -> None:
    assert {name: find_augmentation(name).name for name in AUGMENTATIONS} == {
        name: name for name in AUGMENTATIONS
    }


def test_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UserError, match=r"no augmentation 'cutmx'; did you mean 'cutmix'\?"):
        find_augmentation("cutmx")


def test_unknown_option_suggests_the_nearest(make: Make) -> None:
    with pytest.raises(UserError, match=r"mixup has no option 'alfa'; did you mean 'alpha'\?"):
        make("mixup", options={"alfa": 1})
    with pytest.raises(UserError, match=r"none has no option 'alpha'\. It has none"):
        make("none", options={"alpha": 1})
    with pytest.raises(UserError, match="'setup'"):
        make("mixup", options={"setup": 1})


def test_text_is_converted(make: Make) -> None:
    assert make("mixup", options={"alpha": "0.2"}).settings["alpha"] == 0.2
    assert make("gridmix", options={"cells": "8"}).settings["cells"] == 8
    assert augmentation_settings("randaugment", {"magnitude": 27.0}) == {
        "operations": 2,
        "magnitude": 27,
    }


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("mixup", "alpha", 0),
        ("mixup", "alpha", "nan"),
        ("mixup", "alpha", "much"),
        ("mixup", "alpha", None),
        ("mixup", "alpha", True),
        ("mixup", "alpha", float("inf")),
        ("mixup", "probability", 1.5),
        ("cutmix", "alpha", -1),
        ("cutmix", "probability", -0.1),
        ("manifold-mixup", "alpha", 0),
        ("manifold-mixup", "stages", -1),
        ("resizemix", "smallest", 0.9),
        ("resizemix", "largest", 1.1),
        ("fmix", "decay", -1),
        ("fmix", "alpha", 0),
        ("gridmix", "cells", 1),
        ("gridmix", "cells", 2.5),
        ("gridmix", "cells", 64),
        ("smoothmix", "narrowest", 0.7),
        ("smoothmix", "widest", 0),
        ("saliencymix", "alpha", 0),
        ("guidedmixup", "saliency", "ac"),
        ("guidedmixup", "probability", 2),
        ("snapmix", "alpha", 0),
        ("puzzlemix", "gamma", 1.1),
        ("puzzlemix", "eta", -1),
        ("puzzlemix", "transport_cells", 32),
        ("comixup", "beta", -1),
        ("comixup", "omega", 2),
        ("comixup", "rounds", 0),
        ("comixup", "alpha", 0),
        ("random-erasing", "largest", 1.1),
        ("random-erasing", "smallest", 0.4),
        ("random-erasing", "flattest", 5),
        ("random-erasing", "fill", "black"),
        ("randaugment", "operations", 0),
        ("randaugment", "magnitude", 31),
        ("autoaugment", "policy", "imagnet"),
        ("augmix", "severity", 11),
        ("augmix", "width", 0),
        ("augmix", "depth", 0),
        ("augmix", "alpha", 0),
        ("pixmix", "rounds", -1),
        ("pixmix", "beta", 0),
        ("pixmix", "severity", 11),
        ("ipmix", "chains", 0),
        ("ipmix", "depth", -1),
    ],
)
def test_a_value_that_does_not_fit_is_one_sentence(
    name: str, option: str, value: Any, make: Make
) -> None:
    with pytest.raises(UserError) as caught:
        make(name, options={option: value})
    message = str(caught.value)
    assert name in message
    assert option in message or str(value) in message
    assert "\n" not in message


@pytest.mark.parametrize("name", ["mixup", "cutmix", "fmix", "saliencymix", "gridmix"])
def test_probability_zero_mixes_nothing(name: str, make: Make, batch: Any) -> None:
    import numpy as np

    images, weights = batch()
    mixed, labels = make(name, options={"probability": 0}).batch(
        images, weights, np.random.default_rng(0)
    )
    assert mixed is images
    assert labels is weights


def test_a_mixing_set_of_ones_own(make: Make, tmp_path: Path, photo: Any) -> None:
    from PIL import Image

    with pytest.raises(UserError, match="no image"):
        make("pixmix", options={"fractals": str(tmp_path)}).settings  # noqa: B018
    Image.fromarray(photo(40)).save(tmp_path / "one.png")
    own = make("pixmix", options={"fractals": str(tmp_path)}).settings
    assert own["mixing_set"] != make("pixmix").settings["mixing_set"]


def test_presets_fix_settings_that_genmix_knows() -> None:
    assert set(GENMIX_PRESETS) == {"genmix", "diffusemix"}
    defaults = build_settings({})
    assert build_settings(GENMIX_PRESETS["genmix"]) == defaults
    fixed = build_settings(GENMIX_PRESETS["diffusemix"])
    assert fixed.features == "off"
    assert fixed.seam_width == 0
    assert "patchswap" not in fixed.masks
    assert {"vertical", "horizontal"} <= set(fixed.masks)
    assert fixed.fractal_lambda == 0.2


def test_names_are_known_without_torch() -> None:
    code = (
        "import sys; from genmix_da.classify.augmentations import AUGMENTATIONS; "
        "print(len(AUGMENTATIONS), 'torch' in sys.modules, 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["25", "False", "False"]


def test_the_page_names_every_method_and_its_defaults(style_files: dict[str, str]) -> None:
    """Rows `| name | source | printed as | what is set |` of docs/classification.md."""
    page = (Path(__file__).resolve().parents[4] / "docs" / "classification.md").read_text()
    lines = [line for line in page.splitlines() if line.startswith("| `")]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    said = {name: row[3] for row in rows if len(row) == 4 for name in re.findall("`(.+?)`", row[0])}
    assert set(said) == set(AUGMENTATIONS)
    for name in set(AUGMENTATIONS) - set(GENMIX_PRESETS):
        files = style_files if name == "stylemix" else {}
        settings = augmentation_settings(name, files)
        values = dict(re.findall(r"`(\w+)` ([\w.-]+)", said[name]))
        # The mixing set is described by its content, and a probability of 1 goes without saying.
        assert set(settings) - set(values) <= {
            *("probability", "fractals", "mixing_set"),
            *files,
        }, name
        assert values.keys() <= settings.keys(), name
        assert {key: str(settings[key]) for key in values} == {
            key: value.capitalize()
            if isinstance(settings[key], bool)
            else str(type(settings[key])(value))
            for key, value in values.items()
        }, name
