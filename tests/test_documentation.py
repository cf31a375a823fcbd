"""Every block on the pages is run here as it is written, or says above itself that it is not.

Commands get a tiny network, few epochs and small pictures behind what they say, and their folders
hold drawn images. `<!-- not run here: needs ... -->` marks the others: their commands and options
exist all the same. Lines that install or call make name an extra or a target that there is.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest

import genmix_da
import genmix_da.classify
import genmix_da.selfsupervised
from documented import BLOCKS, PAGES, ROOT, Block, blocks_of, page_name
from genmix_da.cli import cli, main
from small_data import CLASSES, draw, write_data
from tiny_runs import few_small_fractals

# What the last Python block of a page prints: a loss; how many of its 100 images are rejected.
PRINTED = {"README.md": r"[\d.]+\n", "docs/graph.md": r"[1-9]\d? tensor"}
LANGUAGES = {"sh", "python", "text", "yaml"}
# docs/architecture.md shows modules, which tests/test_architecture.py puts where they belong.
ELSEWHERE = {"docs/architecture.md"}

_NETWORK = (*("--backbone", "timm:test_efficientnet", "--weights", "none"), "--image-size", "32")
_GENMIX = (*("--editor", "filters", "--features", "off"), "--edit-size", "32", "--per-image", "1")
_ADAPT = (
    *(*_NETWORK, *_GENMIX, "--batch-size", "8", "--device", "cpu", "--epochs", "1"),
    *("--source-epochs", "1", "--cluster-estimator", "features"),
)
_CLASSIFY = (*_NETWORK, *_GENMIX, "--batch-size", "8", "--device", "cpu", "--steps", "2")
# What is put behind a command; of an option that is given twice the later one counts.
SMALLER: dict[str, tuple[str, ...]] = {
    "adapt": _ADAPT,
    "table": (*_ADAPT, "--pairs", "Ar2Cl", "--seeds", "1"),
    "classify train": (*_CLASSIFY, "--shots", "4"),
    "classify table": (*_CLASSIFY, "--seeds", "1", "--shots", "4", "--test-limit", "6"),
    "ssl train": (*_NETWORK, *_GENMIX, "--batch-size", "8", "--device", "cpu", "--epochs", "1"),
    "ssl table": (
        *(*_NETWORK, *_GENMIX, "--batch-size", "8", "--device", "cpu", "--epochs", "1"),
        *("--methods", "simsiam", "--seeds", "1", "--shots", "4", "--test-limit", "6"),
    ),
    "augment": _GENMIX,
    "preview": (*_GENMIX, "--images", "1"),
}
# These take seconds, show a finished run, and have tests of all their options: one line of each
# is run, the others are parsed.
ONCE = {"report", "export"}
_NEAR = ("--backbone", "timm:test_efficientnet", "--weights", "none")
_OPTIONS: dict[str, Any] = {
    **{"backbone": "timm:test_efficientnet", "weights": "none", "image_size": 32},
    **{"batch_size": 8, "device": "cpu"},
    "genmix": {"editor": "filters", "features": "off", "size": 32, "per_image": 1},
}


def ours(block: Block) -> list[list[str]]:
    """The arguments of its lines that call genmix-da."""
    return [words[1:] for words in block.commands if words[0] == "genmix-da"]


def parsed(arguments: list[str]) -> str:
    """The name of the command that arguments call, which understands them."""
    context, command = click.Context(cli, info_name="genmix-da", **cli.context_settings), cli
    rest, names = list(arguments), []
    while isinstance(command, click.Group):
        name, found, rest = command.resolve_command(context, rest)
        assert name and found
        names.append(name)
        context, command = click.Context(found, parent=context, info_name=name), found
    # Options alone: what they name need not be here.
    command.make_parser(context).parse_args(rest)
    return " ".join(names)


def test_every_block_says_what_it_is() -> None:
    assert len(BLOCKS) > 50
    unknown = [block.place for block in BLOCKS if block.language not in LANGUAGES]
    assert not unknown, f"a language behind the fence: {', '.join(sorted(LANGUAGES))}"
    marks = {block.place: block.mark for block in BLOCKS if block.mark}
    assert all(mark.startswith("needs ") for mark in marks.values()), marks


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.place)
def test_what_a_block_names_exists(block: Block) -> None:
    if block.language == "python":
        compile(block.code, block.place, "exec")
    if block.language != "sh":
        return
    for words in block.commands:
        if words[0] == "genmix-da":
            parsed(words[1:])
        elif words[0] == "make":
            assert set(words[1:]) <= targets(), block.place
        elif words[:2] == ["pip", "install"]:
            named = {extra for word in words for extra in re.findall(r"\[(\w+)\]", word)}
            assert block.mark or named <= extras(), block.place
        elif words[0] == "python":
            assert (ROOT / words[1]).is_file(), block.place
        else:
            assert block.mark, f"{block.place}: {words[0]} is not run by any test"


def targets() -> set[str]:
    """Of the Makefile."""
    rules = re.findall(r"^(\w[\w ]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return {name for rule in rules for name in rule.split()}


def extras() -> set[str]:
    """Of the package."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return set(project["optional-dependencies"])


def test_commands_that_are_named_in_the_text_exist() -> None:
    texts = [page.read_text() for page in PAGES]
    named = {name for text in texts for name in re.findall(r"`genmix-da ([a-z]+)", text)}
    assert {"adapt", "augment", "data"} <= named
    context = click.Context(cli, **cli.context_settings)
    assert not [name for name in named if cli.get_command(context, name) is None]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Domains, each of the first two without one class of the other."""
    root = tmp_path_factory.mktemp("images")
    write_data(root, ("Art", "Clipart", "Amazon", "Caltech"))
    for domain, name in (("Art", "fig"), ("Clipart", "elder")):
        shutil.rmtree(root / domain / name)
    return root


@pytest.fixture(scope="module")
def demo(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run from Art to Clipart."""
    folder = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENMIX_DA_CACHE", str(folder / "cache"))
        arguments = ("adapt", "--data", images, "--src", "Art", "--tgt", "Clipart", *_ADAPT)
        out = ("--augment", "none", "--out", folder / "run")
        assert main([str(argument) for argument in (*arguments, *out)]) == 0
    return folder / "run"


@pytest.fixture
def place(images: Path, demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that has what the pages name, as the current one."""
    folder = tmp_path / "place"
    folder.mkdir()
    for name in ("ROOT", "DATA", "FOLDER"):
        (folder / name).symlink_to(images)
    shutil.copytree(images / "Amazon", folder / "photos")  # runs are named by where a link leads
    (folder / "unlabelled").mkdir()
    for number in range(16):
        draw(number % len(CLASSES), 1, number).save(folder / "unlabelled" / f"{number}.png")
    for run in ("demo", "lead", "genmix", "table-office_home/run"):
        shutil.copytree(demo, folder / "runs" / run)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("GENMIX_DA_DATA", str(images))
    monkeypatch.setattr(click, "launch", lambda page: None)
    return folder


def run_commands(block: Block, costly: set[str]) -> None:
    """Run its lines; `costly` are the commands of ONCE that are yet to be run."""
    for arguments in ours(block):
        name = parsed(arguments)
        if name in ONCE:
            if name not in costly:
                continue
            costly.remove(name)
        smaller = SMALLER.get(name, ())
        if name == "data check" and "--near" in arguments:
            smaller = _NEAR
        made = Path(arguments[arguments.index("--out") + 1]) if "--out" in arguments else None
        if made and name == "adapt" and made.is_dir():
            shutil.rmtree(made)  # the one that other pages find
        assert main([*arguments, *smaller]) == 0, f"{block.place}: genmix-da {arguments}"


@pytest.fixture(scope="module")
def costly() -> set[str]:
    """Commands of ONCE that no page has run yet."""
    return set(ONCE)


def run_python(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    adapt, train = genmix_da.adapt, genmix_da.classify.train
    pretrain = genmix_da.selfsupervised.train

    def adapted(**given: Any) -> Any:
        return adapt(**(_OPTIONS | {"epochs": 1, "source_epochs": 1} | given))

    def trained(**given: Any) -> Any:
        return train(**(_OPTIONS | {"shots": 4} | given | {"steps": 2}))

    def pretrained(**given: Any) -> Any:
        return pretrain(**(_OPTIONS | given))

    monkeypatch.setattr(genmix_da.selfsupervised, "train", pretrained, raising=False)
    monkeypatch.setattr(genmix_da, "adapt", adapted, raising=False)
    monkeypatch.setattr(genmix_da.classify, "train", trained, raising=False)
    exec(compile(block.code, block.place, "exec"), {"__name__": "__main__"})


def is_run(block: Block) -> bool:
    return block.mark is None and (block.language == "python" or bool(ours(block)))


RUN = [
    page
    for page in PAGES
    if page_name(page) not in ELSEWHERE and any(is_run(block) for block in blocks_of(page))
]


@pytest.mark.parametrize("page", RUN, ids=page_name)
def test_what_a_page_shows_runs(
    page: Path, place: Path, costly: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with few_small_fractals():
        for block in blocks_of(page):
            if block.language == "yaml":
                (place / "classes.yaml").write_text(block.code)
            elif is_run(block) and block.language == "sh":
                run_commands(block, costly)
            elif is_run(block):
                capsys.readouterr()
                with pytest.MonkeyPatch.context() as patch:
                    run_python(block, patch)
    wanted = PRINTED.get(page_name(page))
    assert wanted is None or re.match(wanted, capsys.readouterr().out)


@pytest.mark.slow
def test_the_site_is_built(tmp_path: Path) -> None:
    for module in ("mkdocs", "material", "mkdocstrings_handlers"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed (extra docs)")
    command = (sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path / "site")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    pages = [page.read_text() for page in (tmp_path / "site").rglob("*.html")]
    loaded = {
        address
        for page in pages
        for address in re.findall(r'(?:src=|<link[^>]+href=)"(https?:[^"]*)"', page)
    }
    assert len(pages) > 30 and not loaded, "the site loads nothing from elsewhere"


@pytest.mark.slow
def test_the_notebook_runs(tmp_path: Path) -> None:
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(ROOT / "notebooks" / "start.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    fewer = "from office_home.mini import catalogue\n\ncatalogue.FEWEST, catalogue.MOST = 3, 5"
    notebook.cells.insert(0, nbformat.v4.new_code_cell(fewer))
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    nbclient.NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    ).execute(env=os.environ | {"PYTHONPATH": path})
    shown = [str(output) for cell in notebook.cells for output in cell.get("outputs", ())]
    assert any("h_score" in text for text in shown)
    assert sum("image/png" in text for text in shown) >= 5
