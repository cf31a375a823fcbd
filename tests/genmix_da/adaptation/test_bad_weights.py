"""Backbones and weights that cannot be had, do not fit, or are no weights: one line each."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

OPDA = ("--split", "3/1/2")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("resnet51", "did you mean 'resnet50'"),
        ("timm:mobilenetv3_smal_050", "did you mean 'mobilenetv3_small_050'"),
        ("hub:resnet50", "timm:NAME"),
    ],
)
def test_unknown_backbone(refused: Callable, name: str, hint: str) -> None:
    said = refused(*OPDA, "--backbone", name)
    assert name.removeprefix("timm:") in said
    assert hint in said


def test_backbone_argument_that_it_does_not_take(refused: Callable) -> None:
    said = refused(*OPDA, "--backbone-arg", "bogus=1")
    assert "bogus" in said


def test_missing_weights_file(refused: Callable, tmp_path: Path) -> None:
    said = refused(*OPDA, "--weights", tmp_path / "no.pth")
    assert str(tmp_path / "no.pth") in said
    assert "--weights" in said


def test_weights_that_do_not_fit(
    refused: Callable, tmp_path: Path, result_of: Callable[[], dict[str, Any]]
) -> None:
    import timm

    file = tmp_path / "other.pth"
    torch.save(timm.create_model("test_efficientnet_gn").state_dict(), file)
    said = refused(*OPDA, "--weights", file)
    assert "do not fit backbone 'timm:test_efficientnet'" in said
    assert "--backbone" in said
    result = result_of()
    assert result["status"] == "failed"
    assert "do not fit" in result["reason"]


@pytest.mark.parametrize("name", ["garbage.pth", "garbage.safetensors"])
def test_weights_that_are_no_weights(refused: Callable, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"garbage" * 50)
    assert str(tmp_path / name) in refused(*OPDA, "--weights", tmp_path / name)


class Payload:
    """What a hostile checkpoint would hold."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os._exit, (77,))


def test_weights_cannot_run_code(refused: Callable, tmp_path: Path) -> None:
    torch.save({"weight": Payload()}, tmp_path / "evil.pth")
    assert "could run code" in refused(*OPDA, "--weights", tmp_path / "evil.pth")


def test_source_checkpoint_that_does_not_fit(
    refused: Callable, finished: Any, tmp_path: Path
) -> None:
    checkpoint = finished.folder / "checkpoint.safetensors"
    said = refused("--split", "3/2/1", "--source-checkpoint", checkpoint)
    assert "other classes" in said
    missing = tmp_path / "no.safetensors"
    assert str(missing) in refused("--source-checkpoint", missing, *OPDA, "--seed", 1)
