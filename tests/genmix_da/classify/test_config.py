"""The configuration: names, kinds, ranges, and what is filled in where nothing is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from genmix_da.classify.config import EPOCHS, build_classify_config
from genmix_da.errors import UserError

DATA = {"data": "photos"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"lable_smoothing": 0.1}, "did you mean 'label_smoothing'"),
        ({"augment": "mixupp"}, "did you mean 'mixup'"),
        ({"augment": "mixup", "augment_options": {"alhpa": 1}}, "did you mean 'alpha'"),
        ({"genmix": {"lamda": 0.1}}, "unknown GenMix setting 'lamda'"),
        ({"optimizer": "adam"}, "choose one of sgd, adamw"),
        ({"adversarial": "pgd"}, "choose one of none, fast"),
        ({"budget": "time"}, "choose one of steps, epochs"),
        ({"lr": float("nan")}, "lr is nan"),
        ({"lr": float("inf")}, "lr is inf; it must be above 0 and finite"),
        ({"lr": 10**400}, "it must be a number"),
        ({"steps": 0}, "--steps is 0; it must be above 0"),
        ({"image_size": 7}, "--image-size is 7; it must be at least 8"),
        ({"shots": -1}, "--shots is -1"),
        ({"warmup_steps": -1}, "--warmup-steps is -1; it must be 0 or more"),
        ({"weight_decay": float("inf")}, "--weight-decay is inf"),
        ({"momentum": 1.0}, "--momentum is 1.0"),
        ({"test_fraction": 1.0}, "--test-fraction is 1.0; it must be in (0, 1)"),
        ({"batch_size": 1}, "--batch-size is 1; it must be at least 2"),
        ({"label_smoothing": 1}, "--label-smoothing is 1.0"),
        ({"epsilon": 8}, "pixels lie in [0, 1], so give 8/255"),
        ({"epsilon": "8/0"}, "epsilon is '8/0'; it must be a number"),
        ({"fgsm": "8/255,zero"}, "it must be numbers with commas between"),
        ({"fgsm": (8 / 255, 0.0)}, "the radius 0 is not in (0, 1]"),
        ({"shots": 2.5}, "shots is 2.5; it must be a whole number"),
    ],
)
def test_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as caught:
        build_classify_config(DATA | options)
    assert said in str(caught.value)


def test_data_are_required() -> None:
    with pytest.raises(UserError, match="no data; give --data"):
        build_classify_config({"augment": "none"})


def test_radii_are_fractions_or_numbers() -> None:
    config = build_classify_config(DATA | {"epsilon": "4/255", "fgsm": "2/255, 0.01"})
    assert config.epsilon == 4 / 255
    assert config.fgsm == (2 / 255, 0.01)


def test_a_radius_that_is_named_again_is_left_out() -> None:
    config = build_classify_config(DATA | {"fgsm": "8/255,2/255,8/255"})
    assert config.fgsm == (8 / 255, 2 / 255)
    assert config.as_dict()["fgsm"] == [8 / 255, 2 / 255]
    once = build_classify_config(DATA | {"fgsm": "8/255,2/255"})
    assert once.as_dict() == config.as_dict()


@pytest.mark.parametrize(
    ("options", "filled"),
    [
        ({}, (0.01, 0.1, 5e-4)),
        ({"weights": "none"}, (0.02, 1.0, 5e-4)),
        ({"optimizer": "adamw"}, (1e-3, 0.1, 0.05)),
        ({"optimizer": "adamw", "weights": "none"}, (3e-3, 1.0, 0.05)),
        ({"lr": 0.3, "backbone_factor": 0.0, "weight_decay": 0.0}, (0.3, 0.0, 0.0)),
    ],
)
def test_rates_by_optimizer_and_weights(options: dict[str, Any], filled: tuple[float, ...]) -> None:
    config = build_classify_config(DATA | options).resolved()
    assert (config.lr, config.backbone_factor, config.weight_decay) == filled


def test_steps_win_over_epochs() -> None:
    assert build_classify_config(DATA).resolved().epochs == EPOCHS
    assert build_classify_config(DATA | {"steps": 60, "epochs": 5}).resolved().epochs is None


def test_genmix_takes_the_styles_for_classification() -> None:
    config = build_classify_config(DATA | {"genmix": {"seed": 3}})
    assert (config.genmix_settings().prompts, config.genmix_settings().seed) == (
        "classification",
        3,
    )
    own = build_classify_config(DATA | {"genmix": {"prompts": "domain"}})
    assert own.genmix_settings().prompts == "domain"


def test_what_a_method_fixes_wins() -> None:
    given = {"features": "backbone", "seam_width": 9.0, "per_image": 3}
    settings = build_classify_config(
        DATA | {"augment": "diffusemix", "genmix": given}
    ).genmix_settings()
    assert settings.features == "off"
    assert settings.seam_width == 0
    assert settings.per_image == 3
    assert "patchswap" not in settings.masks


def test_a_saved_configuration_is_the_same_again(tmp_path: Path) -> None:
    options = {"augment": "mixup", "augment_options": {"alpha": 0.4}, "fgsm": "8/255", "steps": 9}
    config = build_classify_config(DATA | options).resolved()
    file = tmp_path / "config.yaml"
    recorded = {"identity": "0" * 16, "classes": ["a"], "contents": {}, "method": "mixup"}
    file.write_text(yaml.safe_dump(config.as_dict() | recorded))
    assert build_classify_config({}, file) == config
