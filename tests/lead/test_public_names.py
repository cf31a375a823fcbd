"""`import lead` answers at once and has every public name."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import lead


@pytest.mark.parametrize("name", lead.__all__)
def test_every_public_name_is_there(name: str) -> None:
    own = import_module(f"lead.{lead._HOME[name]}")
    assert getattr(lead, name) is getattr(own, {"adapt": "adapt_target"}.get(name, name))
    assert name in dir(lead)


def test_what_type_checkers_see_is_what_is_there() -> None:
    source = Path(lead.__file__).read_text()
    declared = source.partition("if TYPE_CHECKING:")[2].partition("# Name ->")[0]
    words = [line.split("#")[0].split()[-1] for line in declared.splitlines() if line.strip()]
    assert sorted(words) == sorted(lead.__all__)


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'adept'"):
        lead.adept  # noqa: B018


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    code = "import sys, lead, lead.rejection; print({'torch', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
