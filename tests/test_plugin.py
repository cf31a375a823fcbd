"""examples/plugin, installed beside the package as its users would: help, lists, a table, tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import tiny_runs as tiny

EXAMPLE = Path(__file__).parents[1] / "examples" / "plugin"
Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the example is installed in, to be put on Python's path."""
    pytest.importorskip("hatchling", reason="hatchling is not installed")
    place = tmp_path_factory.mktemp("plugin") / "site"
    command = ("-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation")
    source = tmp_path_factory.mktemp("source") / "plugin"
    # Built from a copy: building leaves files behind.
    subprocess.run(["cp", "-r", str(EXAMPLE), str(source)], check=True)
    subprocess.run([sys.executable, *command, "--target", str(place), str(source)], check=True)
    return place


@pytest.fixture
def call(installed: Path, tmp_path: Path) -> Call:
    """A command in a Python that has the example; must end well unless told otherwise."""

    def run(
        *arguments: object, module: str = "genmix_da", also: Path | None = None, code: int = 0
    ) -> subprocess.CompletedProcess[str]:
        places = [str(also)] if also else []
        path = os.pathsep.join([*places, str(installed), *sys.path])
        environment = os.environ | {
            "PYTHONPATH": path,
            "GENMIX_DA_CACHE": str(tmp_path / "cache"),
            "COLUMNS": "100",
        }
        command = [sys.executable, "-m", module, *map(str, arguments)]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert ended.returncode == code, ended.stdout + ended.stderr
        return ended

    return run


def test_help_and_lists_name_what_it_brings(call: Call) -> None:
    assert "Of other packages: infomax." in " ".join(call("table", "--help").stdout.split())
    assert "Of other packages: duotone." in " ".join(call("augment", "--help").stdout.split())
    rows = {row["name"]: row for row in json.loads(call("editors", "list", "--json").stdout)}
    assert rows["duotone"] == {
        "name": "duotone",
        "needs": "the package genmix-da-example",
        "what": "Two colours, one for the shadows and one for the lights",
        "stand_in": True,
    }


def test_its_method_is_a_row_of_a_table_and_its_editor_edits(
    call: Call, data: Path, tmp_path: Path
) -> None:
    call(
        *("table", "--data", data, "--pairs", "Ar2Cl", "--seeds", "1", "--out", tmp_path / "table"),
        *("--methods", "source-only,lead,infomax,infomax+genmix", "--editor", "duotone"),
        *(*tiny.NETWORK, *tiny.SOURCE, *tiny.TARGET),
        *("--features", "off", "--edit-size", "32", "--per-image", "1"),
    )
    text = (tmp_path / "table" / "table.md").read_text()
    for row in ("source-only", "lead", "infomax", "infomax+genmix[duotone]"):
        assert f"| {row} |" in text
    (record,) = (tmp_path / "table").glob("opda/Ar2Cl/infomax-seed1*/result.json")
    result = json.loads(record.read_text())
    assert result["status"] == "done"
    assert result["provenance"]["packages"]["genmix-da-example"] == "0.1.0"
    assert result["scores"]["last"] != result["source_only"]


def test_the_contract_holds_for_it(call: Call, tmp_path: Path) -> None:
    ended = call("--pyargs", "genmix_da.testing", "-q", "-p", "no:cacheprovider", "-c", "/dev/null",
                 "--rootdir", tmp_path, module="pytest")  # fmt: skip
    # Four lists, seven tests of a method, four of an editor; nothing of the other kinds.
    assert " passed" in ended.stdout
    assert int(ended.stdout.rpartition(" passed")[0].split()[-1]) == 15


WRONG = {
    "ends": "ends_all:METHOD",  # calls sys.exit
    "gone": "no_such_module_of_mine:METHOD",
    "Loud": "json:dumps",
    "lead": "json:dumps",
    "number": "math:pi",
}


def install(place: Path, entry_points: str) -> None:
    """A package "broken" that names parts."""
    about = place / "broken-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(entry_points)


def test_one_that_cannot_be_made_is_named(call: Call, data: Path, tmp_path: Path) -> None:
    lines = "".join(
        f"[genmix_da.{group}]\nraises = broken_parts:{part}\n"
        for group, part in (("augmentations", "Mix"), ("editors", "Editor"))
    )
    lines += "three = broken_parts:three\n"  # an editor, too
    install(tmp_path / "broken", lines)
    (tmp_path / "broken" / "broken_parts.py").write_text(
        "from genmix_da.classify.augmentations.base import Augmentation\n"
        "def Editor(request):\n    raise SystemExit('no licence')\n"
        "def three(request):\n    return 3\n"
        "class Mix(Augmentation):\n"
        "    name = 'raises'\n"
        "    def __init__(self, **options):\n        raise RuntimeError('not on\\nthis day')\n"
    )
    for what, command in {
        "genmix_da.editors: 'raises' of the package broken can't be made: SystemExit('no licence')":
            ("augment", data / "Art", tmp_path / "out", "--editor", "raises"),
        "genmix_da.editors: 'three' of the package broken can't be made: int is no editor":
            ("augment", data / "Art", tmp_path / "out", "--editor", "three"),
        "genmix_da.augmentations: 'raises' of the package broken can't be made: not on this day":
            ("classify", "train", "--data", data / "Art", "--augment", "raises"),
    }.items():  # fmt: skip
        ended = call(*command, also=tmp_path / "broken", code=2)
        assert what in ended.stderr and "Traceback" not in ended.stderr


def test_a_wrong_one_is_named_and_left_out(call: Call, data: Path, tmp_path: Path) -> None:
    place = tmp_path / "broken"
    lines = "".join(f"{name} = {value}\n" for name, value in WRONG.items())
    groups = ("methods", "editors", "augmentations", "loggers")
    install(place, "".join(f"[genmix_da.{g}]\n{lines}" for g in groups))
    (place / "ends_all.py").write_text("import sys; sys.exit(3)")
    ended = call(
        *("adapt", "--src", "Art", "--tgt", "Clipart", "--data", data, "--augment", "none"),
        *("--method", "infomax", "--out", tmp_path / "run", *tiny.NETWORK, *tiny.SOURCE),
        *tiny.TARGET,
        also=place,
    )
    said = [line for line in ended.stderr.splitlines() if "is left out" in line]
    assert {line.split("'")[1] for line in said if "genmix_da.methods" in line} == set(WRONG)
    assert "genmix_da.methods: 'gone' of the package broken is left out: No module named" in (
        ended.stderr
    )
    assert "'lead' of the package broken is left out: there is one of this name" in ended.stderr
    assert json.loads((tmp_path / "run" / "result.json").read_text())["method"] == "infomax"
