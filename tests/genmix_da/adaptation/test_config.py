"""Configuration: precedence, unknown keys, identity, and the published profiles."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genmix_da.adaptation.config import AdaptConfig, build_config
from genmix_da.adaptation.profiles import PROFILES
from genmix_da.config_values import identity
from genmix_da.errors import UserError

BOTH = {"src": "a", "tgt": "b"}
DATASETS = {
    "Office": "office-31",
    "OfficeHome": "office-home",
    "VisDA": "visda-c",
    "DomainNet": "domainnet",
}


def test_option_wins_over_file_and_file_over_profile(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("src: x\ntgt: b\nepochs: 7\nlr: 0.5\nsetting: osda\n")
    config = build_config({"src": "a", "epochs": 3, "seed": None}, file).with_profile("visda-c")
    assert (config.src, config.tgt) == ("a", "b")
    assert config.epochs == 3  # option
    assert config.lr == 0.5  # file
    assert config.setting == "osda"  # file, over the default
    assert config.source_epochs == 10  # profile
    assert config.seed == 2021  # default


def test_a_zero_is_a_given_value() -> None:
    config = build_config(BOTH | {"label_smoothing": 0.0, "seed": 0}).with_profile("folder")
    assert config.label_smoothing == 0.0
    assert config.seed == 0


def test_false_is_a_given_value(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("subsample_estimation: false\nmixed_precision: true\n")
    config = build_config(BOTH | {"mixed_precision": False}, file).with_profile("visda-c")
    assert config.subsample_estimation is False
    assert config.mixed_precision is False


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_settles_every_setting(profile: str) -> None:
    config = AdaptConfig(**BOTH).with_profile(profile)
    assert config.profile == profile
    settled = {key for key, value in config.as_dict().items() if value is not None}
    missing = {field.name for field in dataclasses.fields(AdaptConfig)} - settled
    assert missing <= {"data", "split", "part", "source_checkpoint", "image_size", "unknown_share"}


@pytest.mark.parametrize(
    ("key", "hint"), [("epoch", "epochs"), ("learning_rate", None), ("sead", "seed")]
)
def test_unknown_key(key: str, hint: str | None) -> None:
    with pytest.raises(UserError, match=f"unknown setting '{key}'") as caught:
        build_config(BOTH | {key: 1})
    assert hint is None or f"did you mean '{hint}'" in str(caught.value)


def test_yaml_text_of_a_number_is_a_number(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("lr: 1e-3\nlambda_psd: 2\n")  # YAML 1.1 takes 1e-3 for text
    config = build_config(BOTH, file)
    assert config.lr == 0.001
    assert isinstance(config.lambda_psd, float)


@pytest.mark.parametrize(
    "text", ["lr: 2024-13-45", "seed: " + "9" * 5000, "genmix: " + "[" * 5000, "lr: 12:00:99:"]
)
def test_yaml_that_holds_what_cannot_be(tmp_path: Path, text: str) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(text)
    with pytest.raises(UserError, match=r"c\.yaml"):
        build_config(BOTH, file)


def test_numbers_that_are_equal_have_one_identity() -> None:
    whole, broken = (build_config(BOTH | {"lambda_psd": value}) for value in (2, 2.0))
    assert identity(whole.as_dict()) == identity(broken.as_dict())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("epochs", value) for value in ("3", 2.5, True, [3])),
        *(("lr", value) for value in ("fast", True, {})[:2]),
        *(("mixed_precision", value) for value in (1, "yes")),
        *(("src", value) for value in (["a"], True)),
        ("backbone_arguments", ["k=v"]),
    ],
)
def test_value_of_another_kind(key: str, value: Any) -> None:
    with pytest.raises(UserError, match=f"{key} is .*it must be"):
        build_config(BOTH | {key: value})


def test_null_is_no_value(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("src: null\ntgt: b\nepochs: null\n")
    with pytest.raises(UserError, match="--src"):
        build_config({}, file)
    assert build_config({"src": "a"}, file).epochs is None
    file.write_text("seed: null\n")
    with pytest.raises(UserError, match="seed is None"):
        build_config(BOTH, file)


def test_identity_does_not_depend_on_the_order_of_keys() -> None:
    values = {"a": 1, "b": {"x": [1, 2], "y": None}}
    turned = {"b": {"y": None, "x": [1, 2]}, "a": 1}
    assert identity(values) == identity(turned)
    assert len(identity(values)) == 16
    assert identity(values) != identity(values | {"a": 2})
    assert identity({"l": [1, 2]}) != identity({"l": [2, 1]})


def test_configuration_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        AdaptConfig(**BOTH).seed = 3  # type: ignore[misc]


def test_profiles_are_the_published_settings(golden: Callable[[str], Any]) -> None:
    runs = golden("protocol.json")["runs"]
    assert {run["dataset"] for run in runs} == set(DATASETS)
    for run in runs:
        profile = PROFILES[DATASETS[run["dataset"]]]
        stage = "source_" if run["stage"] == "source" else ""
        assert profile[f"{stage}lr"] == run["lr"], run
        assert profile[f"{stage}epochs"] == run["epochs"], run
        assert profile["batch_size"] == run["batch_size"], run
        assert profile["backbone"] == run["backbone"], run
        assert profile["bottleneck_dim"] == run["embedding_dim"], run
        config = AdaptConfig(**BOTH)
        assert config.seed == run["seed"]
        if run["stage"] == "source":
            assert config.label_smoothing == run["label_smoothing"]
        else:
            assert profile["lambda_psd"] == run["pseudo_loss_weight"], run
            assert profile["threshold"] == run["entropy_threshold_used"], run


def test_optimiser_settings_are_the_published_ones(golden: Callable[[str], Any]) -> None:
    common = golden("protocol.json")["common"]
    published = ("office-home", "office-31", "visda-c", "domainnet")
    factors = {PROFILES[name]["source_backbone_factor"] for name in published}
    assert factors == {common["backbone_lr_factor"]}
    subsampled = [name for name in published if PROFILES[name]["subsample_estimation"]]
    assert subsampled == ["visda-c"]


def test_genmix_options_join_those_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("src: A\ntgt: B\ngenmix: {prompts: classification, per_image: 4}\n")
    config = build_config({"genmix": {"fractal_lambda": 0.1}}, file)
    assert config.genmix == {"prompts": "classification", "per_image": 4, "fractal_lambda": 0.1}
    assert config.genmix_settings().per_image == 4
