"""Bad splits, settings and configuration files: one line that says what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml

OPDA = ("--split", "3/1/2")
QUICK = (*OPDA, "--source-epochs", 1, "--epochs", 1, "--cluster-estimator", "features")


def test_split_that_asks_for_too_many_classes(refused: Callable) -> None:
    said = refused("--split", "5/3/2")
    assert "5/3/2" in said
    assert "10 classes" in said
    assert "6" in said


@pytest.mark.parametrize("split", ["3-1-2", "3/1", "-3/1/2", "a/b/c", ""])
def test_malformed_split(refused: Callable, split: str) -> None:
    said = refused(f"--split={split}")
    assert "S/P/T" in said or "split" in said


@pytest.mark.parametrize(
    "content",
    [
        "shared: [apple]\nprivate: [fig]\n",
        "shared: apple\n",
        "- apple\n",
        "",
    ],
)
def test_split_file_with_other_keys(refused: Callable, tmp_path: Path, content: str) -> None:
    file = tmp_path / "split.yaml"
    file.write_text(content)
    said = refused("--split", file)
    assert str(file) in said
    assert "shared, source_private, target_private" in said


@pytest.mark.parametrize("content", [b"shared: [apple\nx: {", b"\xff\xfe\x00"])
def test_split_file_that_is_not_yaml(refused: Callable, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "split.yaml"
    file.write_bytes(content)
    assert f"cannot read the split file {file}" in refused("--split", file)


def test_split_file_that_is_a_folder(refused: Callable, tmp_path: Path) -> None:
    assert f"cannot read the split file {tmp_path}" in refused("--split", tmp_path)


def test_split_file_with_a_class_that_is_not_there(refused: Callable, tmp_path: Path) -> None:
    file = tmp_path / "split.yaml"
    file.write_text("shared: [apple, kiwi]\n")
    said = refused("--split", file)
    assert "Art has no images of" in said
    assert "kiwi" in said


def test_split_without_a_shared_class(refused: Callable) -> None:
    assert "share no class" in refused("--split", "0/3/3")


def test_class_in_two_sets(refused: Callable, tmp_path: Path) -> None:
    file = tmp_path / "split.yaml"
    file.write_text("shared: [apple]\ntarget_private: [apple]\n")
    assert "'apple'" in refused("--split", file)


def test_pda_with_target_private_classes(refused: Callable) -> None:
    said = refused("--split", "3/1/2", "--setting", "pda")
    assert "no target-private class, the split has 2" in said
    assert "S/P/0" in said


def test_osda_with_source_private_classes(refused: Callable) -> None:
    said = refused("--split", "3/1/2", "--setting", "osda")
    assert "no source-private class, the split has 1" in said
    assert "S/0/T" in said


def test_unknown_setting(refused: Callable) -> None:
    said = refused("--setting", "opd")
    assert "'opd'" in said
    assert "opda, osda, pda" in said


def test_unknown_profile(refused: Callable) -> None:
    said = refused("--profile", "office")
    assert "no profile 'office'" in said
    assert "office-home, office-31" in said


def test_profile_of_a_data_set_without_data(run: Callable, complaint: Callable) -> None:
    said = complaint(run("adapt", "--src", "a", "--tgt", "b", "--profile", "visda-c"))
    assert "--profile visda-c needs its images" in said
    assert "--data" in said


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--epochs", 0),
        ("--source-epochs", -1),
        ("--batch-size", 1),
        ("--bottleneck-dim", 0),
        ("--image-size", 0),
        ("--lr", 0),
        ("--lr", "nan"),
        ("--source-lr", -1),
        ("--label-smoothing", 1),
        ("--threshold", "nan"),
        ("--threshold", 0),
        ("--threshold", 1.5),
        ("--threshold", "otsu:2"),
        ("--graph-threshold", -0.1),
        ("--graph-arg alpha", 1),
        ("--seed", -1),
        ("--augment-seed", -1),
        ("--sigmas", 0),
        ("--unknown-share", 1),
    ],
)
def test_number_out_of_range(refused: Callable, option: str, value: object) -> None:
    flag, _, key = option.partition(" ")
    said = refused(*OPDA, flag, f"{key}={value}" if key else value)
    assert f"{option} is " in said
    assert "must be" in said


def test_unknown_option_value(refused: Callable) -> None:
    for option, value in (("--cluster-estimator", "umap"), ("--confident-weight", "x")):
        assert f"{option} is" in refused(option, value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA is there")
def test_cuda_where_there_is_none(refused: Callable) -> None:
    said = refused(*OPDA, "--device", "cuda")
    assert "--device cpu" in said


def test_config_file_with_an_unknown_key(refused: Callable, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("ephocs: 3\n")
    assert "'ephocs'; did you mean 'epochs'?" in refused("--config", file)


@pytest.mark.parametrize("content", [b"a: [b\nc: {d\n", b"\xff\xfe\x00", b"- epochs\n", b""])
def test_config_file_that_cannot_be_read(refused: Callable, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "config.yaml"
    file.write_bytes(content)
    assert str(file) in refused("--config", file)


def test_config_file_that_is_missing(refused: Callable, tmp_path: Path) -> None:
    assert str(tmp_path / "no.yaml") in refused("--config", tmp_path / "no.yaml")


@pytest.mark.parametrize(
    "line", ["bottleneck_dim: wide", "label_smoothing: [1]", "seed: true", "mixed_precision: maybe"]
)
def test_config_file_with_a_value_of_another_kind(
    refused: Callable, tmp_path: Path, line: str
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(line)
    assert f"{line.partition(':')[0]} is " in refused("--config", file)


def test_split_file_keeps_yaml_names_as_text(
    adapt: Callable, make_data: Callable, tmp_path: Path
) -> None:
    # YAML reads unquoted digits as numbers; the folders are still called that.
    root = make_data(tmp_path / "digits", classes=("1", "2", "3"))
    file = tmp_path / "split.yaml"
    file.write_text(yaml.safe_dump({"shared": [1, 2], "target_private": [3]}))
    outcome = adapt("--data", root, *QUICK, "--split", file, "--setting", "osda")
    assert outcome.code == 0, outcome.err


@pytest.mark.parametrize("option", ["--image-size", "--bottleneck-dim"])
@pytest.mark.parametrize("value", [100_000, 2**31, 2**63])
def test_sizes_that_no_machine_holds(refused: Callable, option: str, value: int) -> None:
    assert "it must be at most" in refused(option, value)
