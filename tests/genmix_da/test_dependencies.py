"""Imports point one way: cli -> genmix_da -> {lead, office_home}, and help stays light."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"torch", "torchvision", "timm", "pandas", "sklearn", "scipy", "numpy", "lead", "PIL"}


def sources(package: str) -> list[Path]:
    found = sorted((ROOT / package).rglob("*.py"))
    assert found
    return found


def imports(file: Path, *, everywhere: bool = True) -> set[str]:
    """Modules and names that a file below ROOT imports; see `imports_of`."""
    package = file.relative_to(ROOT).parent.parts
    return set(imports_of(file.read_text(), package, everywhere=everywhere))


def imports_of(code: str, package: tuple[str, ...], *, everywhere: bool = True) -> Iterator[str]:
    """Absolute names of what a module imports; relative ones are resolved.

    Args:
        code: of the module.
        package: that it lies in.
        everywhere: also inside functions; else what importing the module imports.
    """
    tree = ast.parse(code)
    for node in ast.walk(tree) if everywhere else statements(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*base, *([node.module] if node.module else [])))
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """Nodes that run when the module is imported."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from statements(child)


def top(names: Iterable[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


def label(file: Path) -> str:
    return str(file.relative_to(ROOT))


def test_every_kind_of_import_is_seen() -> None:
    code = "import a.b\nfrom c import d\nfrom . import e\nfrom ..f import g\ndef h():\n  import i\n"
    package = ("office_home", "mini")
    seen = set(imports_of(code, package))
    assert seen >= {"a.b", "c", "c.d", "office_home.mini.e", "office_home.f.g", "i"}
    assert "i" not in set(imports_of(code, package, everywhere=False))


@pytest.mark.parametrize("file", sources("lead"), ids=label)
def test_lead_knows_no_toolkit_and_no_data_set(file: Path) -> None:
    assert top(imports(file)).isdisjoint({"genmix_da", "office_home"})


@pytest.mark.parametrize("file", sources("office_home"), ids=label)
def test_office_home_knows_no_training(file: Path) -> None:
    used = top(imports(file))
    assert used.isdisjoint({"lead", "genmix_da", "torch", "torchvision", "timm", "sklearn"})


@pytest.mark.parametrize("file", sources("genmix_da/cli"), ids=label)
def test_commands_import_no_heavy_library_at_first(file: Path) -> None:
    used = imports(file, everywhere=False)
    assert top(used).isdisjoint(HEAVY | {"office_home", "rich"})
    # Nor by way of a module of this package that does.
    inside = {name for name in used if name.startswith("genmix_da.")}
    assert all(name.startswith("genmix_da.cli") for name in inside)


@pytest.mark.parametrize("file", sources("genmix_da"), ids=label)
def test_nothing_but_the_program_imports_the_command_line(file: Path) -> None:
    if file.parent.name == "cli" or file.name == "__main__.py":
        return
    assert not any(name.startswith("genmix_da.cli") for name in imports(file))
