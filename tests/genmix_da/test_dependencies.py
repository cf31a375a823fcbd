"""The plan of the house: imports point one way, no rings, no loose modules; help stays light.

What may import what is read from the tree and from PLAN; docs/architecture.md draws it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Room of genmix_da -> rooms that it may import, also inside functions. A room is a package or one
# of the few modules at the root. docs/architecture.md says what each is for.
GROUND = frozenset(
    {
        "errors",
        "progress",
        "places",
        "config_values",
        "device",
        "sealed",
        "allocation",
        "plugins",
        "hidden_paths",
        "stores",
    }
)
PLAN: dict[str, frozenset[str]] = {
    "errors": frozenset(),
    "progress": frozenset(),
    "places": frozenset({"errors"}),
    "stores": frozenset({"errors", "places", "progress"}),
    "config_values": frozenset({"errors", "places", "stores"}),
    "device": frozenset({"errors"}),
    "sealed": frozenset(),
    "allocation": frozenset(),
    "hidden_paths": frozenset(),
    "plugins": frozenset({"errors"}),
    "data": GROUND,
    "engines": GROUND,
    "frozen": GROUND,
    "methods": GROUND,
    "runs": GROUND,
    "loggers": GROUND | {"runs"},
    "augment": GROUND | {"data", "engines", "frozen", "runs"},
    "tables": GROUND | {"engines", "methods", "runs"},
    "adaptation": GROUND
    | {"augment", "data", "engines", "frozen", "loggers", "methods", "runs", "tables"},
    "classify": GROUND | {"augment", "data", "engines", "frozen", "loggers", "runs", "tables"},
    "selfsupervised": GROUND
    | {"augment", "classify", "data", "engines", "frozen", "loggers", "runs", "tables"},
    "use": GROUND | {"adaptation", "classify", "data", "frozen", "methods", "runs"},
    "reporting": GROUND
    | {"adaptation", "augment", "classify", "data", "methods", "runs", "selfsupervised"}
    | {"tables", "use"},
    "sharing": GROUND | {"augment", "methods", "reporting", "runs", "use"},
    "serving": GROUND | {"adaptation", "data", "reporting", "use"},
    "testing": frozenset({"augment", "classify", "loggers", "methods", "plugins"}),
    "caches": GROUND | {"augment", "data", "frozen"},
    "doctor": GROUND | {"caches", "data", "runs"},
}
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


def room(name: str) -> str:
    """The room of genmix_da that a module lies in; "" for other packages and for its root."""
    parts = name.split(".")
    return parts[1] if parts[0] == "genmix_da" and len(parts) > 1 else ""


def rooms() -> list[str]:
    """Everything below genmix_da that can be imported, but for the command line."""
    found = [path for path in (ROOT / "genmix_da").iterdir() if not path.name.startswith("__")]
    names = {path.stem for path in found if path.suffix == ".py" or any(path.glob("*.py"))}
    assert "cli" in names
    return sorted(names - {"cli"})


def module_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def ring(edges: Mapping[str, set[str]]) -> list[str]:
    """Modules that import one another in a ring; [] where there are none."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


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


def test_the_plan_names_every_room() -> None:
    assert rooms() == sorted(PLAN)


@pytest.mark.parametrize("name", sorted(PLAN))
def test_a_room_imports_what_the_plan_allows(name: str) -> None:
    place = ROOT / "genmix_da" / name
    files = sources(f"genmix_da/{name}") if place.is_dir() else [place.with_suffix(".py")]
    seen = {label(file): {room(used) for used in imports(file)} for file in files}
    known = set(PLAN) | {"cli"}  # other names are those of the root itself: __version__
    outside = {file: (used & known) - PLAN[name] - {name} for file, used in seen.items()}
    assert {file: used for file, used in outside.items() if used} == {}


def test_the_plan_itself_has_no_ring() -> None:
    assert ring({name: set(allowed) for name, allowed in PLAN.items()}) == []


@pytest.mark.parametrize("package", ["genmix_da", "lead", "office_home"])
def test_no_modules_import_one_another_in_a_ring(package: str) -> None:
    modules = {module_of(file): file for file in sources(package)}
    edges = {
        name: {used for used in imports(file) if used in modules and used not in (name, package)}
        for name, file in modules.items()
    }
    # A package's front imports its modules; that these name their package is no import of it.
    for name, used in edges.items():
        used -= {other for other in used if name.startswith(f"{other}.")}
    assert ring(edges) == []


def test_a_ring_is_seen() -> None:
    assert sorted(set(ring({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}))) == ["a", "b", "c"]
    assert ring({"a": {"b"}, "b": {"c"}}) == []
