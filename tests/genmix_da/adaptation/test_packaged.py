"""When the weights of a package stand in for those of a hub."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch

from genmix_da.adaptation import packaged
from genmix_da.adaptation.config import AdaptConfig
from genmix_da.adaptation.packaged import by_package

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
LITE0 = "timm:tf_efficientnet_lite0"


@pytest.fixture(params=[True, False], ids=["installed", "not installed"])
def installed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    file = Path("some.pth") if request.param else None
    monkeypatch.setattr(packaged, "packaged_file", lambda backbone: file)
    return bool(request.param)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[bool], list[Any]]:
    """The server of torchvision's weights, there or not; what was asked of it."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))

    def set_to(there: bool) -> list[Any]:
        asked: list[Any] = []

        def answer(request: Any, timeout: float) -> Any:
            asked.append(request)
            if not there:
                raise URLError("no route")
            return Path(__file__).open("rb")

        monkeypatch.setattr(packaged, "urlopen", answer)
        return asked

    return set_to


def config(**given: Any) -> AdaptConfig:
    return AdaptConfig(src="a", tgt="b", **given)


def test_mini_has_it_where_it_is_installed(
    installed: bool, server: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    asked = server(True)
    assert by_package(config(), "mini", CPU) == installed
    assert asked == []
    (said,) = caplog.messages
    assert ("with the weights of its package" if installed else "genmix-da[models]") in said


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("device", [CPU, CUDA])
def test_folders_have_it_where_nothing_can_be_fetched(
    installed: bool, server: Callable, there: bool, device: torch.device
) -> None:
    asked = server(there)
    assert by_package(config(), "folder", device) == (installed and not there and device == CPU)
    assert len(asked) == (installed and device == CPU)


def test_weights_on_this_machine_win(installed: bool, server: Callable, tmp_path: Path) -> None:
    asked = server(False)
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "resnet50-0676ba61.pth").touch()
    assert not by_package(config(), "folder", CPU)
    assert asked == []


@pytest.mark.parametrize(
    "given", [{"backbone": "resnet18"}, {"weights": "none"}, {"weights": "own.pth"}]
)
@pytest.mark.parametrize("profile", ["mini", "folder"])
def test_what_was_given_is_kept(
    installed: bool, server: Callable, given: dict[str, str], profile: str
) -> None:
    server(False)
    assert not by_package(config(**given), profile, CPU)


def test_published_data_sets_keep_their_backbone(installed: bool, server: Callable) -> None:
    server(False)
    assert not by_package(config(), "office-home", CPU)


def test_asked_for_by_name(server: Callable) -> None:
    given = config(weights="packaged")
    assert by_package(given, "folder", CUDA)
    settled = given.with_profile("folder", packaged=True)
    assert (settled.backbone, settled.freeze_backbone) == (LITE0, False)
    assert settled.source_epochs == 50


def test_what_mini_becomes() -> None:
    there, not_there = (config().with_profile("mini", packaged=p) for p in (True, False))
    assert (there.backbone, there.weights, there.freeze_backbone) == (LITE0, "packaged", True)
    assert there.source_lr == 0.1  # of frozen backbones
    assert not_there.backbone == "timm:resnet10t"
    assert not_there.freeze_backbone is False
    trained = config(freeze_backbone=False).with_profile("mini", packaged=True)
    assert (trained.freeze_backbone, trained.source_lr) == (False, 0.01)
