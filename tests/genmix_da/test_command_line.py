"""The command line itself: it answers at once, suggests, and ends with the right exit code."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import genmix_da
from genmix_da import doctor
from genmix_da.runs.result import RunResult

COMMANDS = (
    "adapt",
    "table",
    "report",
    "augment",
    "preview",
    "editors",
    "prompts",
    "source",
    "evaluate",
    "predict",
    "data",
    "doctor",
)
HEAVY = ("torch", "torchvision", "timm", "pandas", "sklearn", "scipy", "PIL")


def python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    ).stdout


@pytest.mark.parametrize("arguments", [["--help"], *([command, "--help"] for command in COMMANDS)])
def test_help_imports_no_heavy_library(arguments: list[str]) -> None:
    seen = python(
        "import sys\n"
        "from genmix_da.cli import main\n"
        f"assert main({arguments!r}) == 0\n"
        "print('MODULES', *sys.modules)"
    )
    loaded = set(seen.rpartition("MODULES")[2].split())
    assert "click" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_help_lists_every_command(run: Callable) -> None:
    outcome = run("--help")
    assert outcome.code == 0
    assert all(f"\n  {command} " in outcome.out for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(run: Callable, command: str) -> None:
    outcome = run(command, "--help")
    assert outcome.code == 0
    assert outcome.out.startswith(f"Usage: genmix-da {command}")


def test_without_a_command_help_is_shown(run: Callable) -> None:
    outcome = run()
    assert outcome.code == 0
    assert "Commands:" in outcome.out + outcome.err


def test_module_runs_as_a_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "genmix_da", "--version"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0
    assert genmix_da.__version__ in done.stdout


def test_module_returns_the_exit_code() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "genmix_da", "adpt"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["adpt"], "did you mean 'adapt'"),
        (["nonsense"], "nonsense"),
        (["adapt", "--epoch", "3"], "--epoch"),
        (["adapt", "--epochs", "many"], "many"),
        (["adapt", "--backbone-arg", "plain"], "KEY=VALUE"),
        (["adapt", "--backbone-arg", "key=["], "not YAML"),
        (["evaluate"], "CHECKPOINT"),
    ],
)
def test_wrong_usage_is_exit_code_two(run: Callable, arguments: list[str], hint: str) -> None:
    outcome = run(*arguments)
    assert outcome.code == 2
    assert hint in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    "arguments", [("prompts", "check", "a", "b\x1b[2J\nc"), ("prompts", "check", "x\x1b[2J\n/y")]
)
def test_what_was_typed_is_quoted_on_one_line_without_control_codes(
    run: Callable, arguments: tuple[str, ...]
) -> None:
    outcome = run(*arguments)
    assert outcome.code == 2
    last = outcome.err.splitlines()[-1]
    assert "\\x1b[2J" in last
    assert last.startswith(("Error: ", "genmix-da: "))


def test_backbone_arguments_are_yaml(monkeypatch: pytest.MonkeyPatch, run: Callable) -> None:
    seen: dict[str, Any] = {}

    def adapt(**options: Any) -> RunResult:
        seen.update(options)
        return RunResult({}, Path())

    monkeypatch.setattr("genmix_da.adaptation.run.adapt", adapt)
    arguments = ("pad_type=same", "img_size=160", "dynamic=true", "text=a=b")
    outcome = run("adapt", "--json", *(x for a in arguments for x in ("--backbone-arg", a)))
    assert outcome.code == 0
    expected = {"pad_type": "same", "img_size": 160, "dynamic": True, "text": "a=b"}
    assert seen["backbone_arguments"] == expected


def test_interrupt_is_exit_code_130(monkeypatch: pytest.MonkeyPatch, run: Callable) -> None:
    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("genmix_da.doctor.examine", interrupted)
    outcome = run("doctor")
    assert outcome.code == 130
    assert len(outcome.complaints) == 1
    assert "--resume" in outcome.complaints[0]


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch, run: Callable) -> None:
    monkeypatch.setattr("genmix_da.doctor.examine", lambda **_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run("doctor")


def test_log_handlers_do_not_pile_up(run: Callable) -> None:
    before = list(logging.getLogger("genmix_da").handlers)
    run("adapt")
    run("--help")
    assert logging.getLogger("genmix_da").handlers == before


def test_doctor_names_device_and_versions(run: Callable, tmp_path: Path) -> None:
    outcome = run("doctor", "--json")
    found = {line["name"]: line for line in outcome.json()}
    assert found["device"]["value"].split(",")[0].split(":")[0] in ("cpu", "cuda")
    assert found["genmix-da"]["value"] == genmix_da.__version__
    assert found["torch"]["value"]
    assert str(tmp_path / "cache") in found["cache"]["value"]
    assert not (tmp_path / "cache").exists()  # looking changes nothing
    assert "synthetic" in found["data"]["value"]


def test_doctor_asks_torch_only_where_a_gpu_could_be(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import sys\nfrom genmix_da import doctor\n"
        "doctor._driver_is_here = lambda: False\ndoctor.examine()\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    asked: list[bool] = []
    monkeypatch.setattr("genmix_da.doctor._driver_is_here", lambda: True)
    monkeypatch.setattr("torch.cuda.is_available", lambda: bool(asked.append(True)))  # type: ignore[func-returns-value]
    found = {finding.name: finding for finding in doctor.examine()}
    assert asked and found["device"].value.startswith("cpu")


def test_doctor_prints_what_is_missing(
    run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENMIX_DA_DATA", str(tmp_path / "nowhere"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    outcome = run("doctor")
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("data "))
    assert "GENMIX_DA_DATA" in lines[at + 1]
    at = next(i for i, line in enumerate(lines) if line.startswith("ResNet-50 weights"))
    assert str(tmp_path / "torch") in lines[at + 1]


def test_doctor_finds_weights_and_data(
    run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    (folder / "resnet50-0676ba61.pth").touch()
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "file").write_bytes(bytes(3 * 2**20))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("GENMIX_DA_DATA", str(tmp_path))
    found = {line["name"]: line for line in json.loads(run("doctor", "--json").out)}
    assert found["ResNet-50 weights"]["advice"] == ""
    assert found["data"] == {"name": "data", "value": str(tmp_path), "advice": ""}
    assert "3 MiB" in found["cache"]["value"]
