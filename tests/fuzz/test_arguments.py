"""The arguments of every command: options of the wrong kind, out of range, twice, of no sense."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tiny_runs as tiny
from budget import examples
from fuzzed import call, check_kept, files_in
from genmix_da.cli import cli

_SOURCE = (
    *("--src", "Art", "--tgt", "Clipart", "--data", "{home}/data", "--split", "3/1/2"),
    *(*tiny.NETWORK, *tiny.SOURCE, *tiny.GENMIX, "--augment", "none"),
)
_CLASSIFY = (
    *("--data", "{home}/data/Art", *tiny.NETWORK, *tiny.GENMIX, "--epochs", "3", "--lr", "0.05"),
    *("--out", "{out}/run"),
)
_PRETRAIN = (
    *("--data", "{home}/data/Art", *tiny.NETWORK, *tiny.GENMIX, "--epochs", "2"),
    *("--out", "{out}/run"),
)
# Command -> what it takes: places in their order, then options; those that are tried come after
# them and win.
TAKEN: dict[str, tuple[str, ...]] = {
    "adapt": (*_SOURCE, *tiny.TARGET, "--out", "{out}/run"),
    "source": (*_SOURCE, "--out", "{out}/sources"),
    "table": (
        *("--pairs", "Ar2Cl", "--methods", "source-only,lead", "--seeds", "1", "--data"),
        *("{home}/data", *tiny.NETWORK, *tiny.SOURCE, *tiny.TARGET, *tiny.GENMIX),
        *("--out", "{out}/table"),
    ),
    "graph": ("{home}/adapt/run", "--out", "{out}/graph.csv"),
    "report": ("{home}/adapt/run", "-o", "{out}/report.html"),
    "augment": ("{home}/data/Art", "{out}/augmented", *tiny.GENMIX),
    "preview": ("{home}/data/Art", "--sheet", "{out}/sheet.png", "--images", "1", *tiny.GENMIX),
    "editors list": (),
    "editors compare": (
        *("{home}/data/Art", "--variants", "fast", "--images", "1", "--out", "{out}/compare"),
        *("--editor", "filters", "--features", "off", "--edit-size", "32"),
    ),
    "prompts list": (),
    "prompts check": ("domain",),
    "classify train": (*_CLASSIFY, "--augment", "none"),
    "classify table": (*_CLASSIFY, "--methods", "none", "--seeds", "1"),
    "classify attack": ("{home}/classify/run", "--pgd-steps", "1", "--radii", "1/255"),
    "ssl train": (*_PRETRAIN, "--augment", "none"),
    "ssl probe": ("{home}/ssl/run", "--data", "{home}/data/Art"),
    "ssl table": (
        *(*_PRETRAIN, "--methods", "simsiam", "--augments", "none", "--seeds", "1"),
        *("--out", "{out}/table"),
    ),
    "evaluate": ("{home}/adapt/run", "--tgt", "Clipart", "--data", "{home}/data"),
    "predict": ("{home}/adapt/run", "{home}/data/Clipart", "--out", "{out}/predictions.csv"),
    "export": ("{home}/adapt/run", "--to", "torchscript", "--out", "{out}/model.pt"),
    "serve": ("{home}/adapt/run", "--port", "0"),
    "card": ("{home}/adapt/run", "--out", "{out}/card.md"),
    "push": ("{home}/adapt/run", "some/name", "--stage", "{out}/stage"),
    "data check": ("{home}/data",),
    "data get": ("office-home", "--from", "{home}/data", "--out", "{out}/got"),
    "data mini": ("--out", "{out}/mini"),
    "cache list": (),
    "cache prune": ("--kind", "images", "--dry-run"),
    "cache verify": (),
    "doctor": (),
}
ONE_FILE = {
    "graph": "graph.csv",
    "report": "report.html",
    "preview": "sheet.png",
    "export": "model.pt",
}
# How a command ends that is neither 0 nor interrupted: what it takes is not all there.
ENDS = {"editors compare": 2, "data get": 1}
SLOW = ("report", "graph")

TEXTS = (
    *("", " ", "-", "--", "x", "none", "auto", "genmix", "otsu:", "otsu:2", "lead", "resnet18"),
    *("timm:", "timm:x", "transformers:x", "diffusers:x", "six", "mini", "folder", "pda", "osda"),
    *("http://", "http://h/a.zip", "https://[/x", "office-31", "pacs", "Real World"),
    *("x=", "=x", "x=1", "alpha=nan", "neighbours=0", "neighbours=99999999999999999999", "views=x"),
    *("1,2", ",", "1,,1", "1/2", "0/0/0", "3/1", "99999999999/1/1", "³/1/1", "٣", "é", "\udcff"),
    *(
        "\u202e",
        "a" * 300,
        "a" * 5000,
        "9" * 4000,
        "9" * 5000,
        "a;b",
        ";",
        "[",
        "{",
        "*",
        "?",
        "%s",
    ),
    *("{out}", "{out}/missing/file", "{file}", "{file}/below", "{home}/data/Art", ".", "/dev/null"),
    *("datasets:", "datasets:?x=1", "datasets:{file}", "datasets:{home}/data?label=x", "30d"),
    *("~", "~nobody/x", "$HOME/x", "..", "Art/", "Art,Clipart", "Ar,Ar", "cpu", "cuda", "cuda:99"),
)
NUMBERS = (
    *(
        "0",
        "-0",
        "-1",
        "1",
        "2",
        "3",
        "1.5",
        "1e3",
        "nan",
        "inf",
        "-inf",
        "1e-320",
        "1e308",
        "1e999",
    ),
    *("2147483648", "-2147483649", "4294967296", "9223372036854775808", "18446744073709551616"),
    *("1" + "0" * 40, "99999999", "100000", "0x10", "1_0", " 1", "1/0", "8/255", "true"),
)
# What would start processes is decided elsewhere; these only have to be refused.
PROCESSES = ("", "x", "ray:x", "workers:", "workers:0", "workers:-1", "workers:x", "workers:1.5")
FEW = ("0", "-1", "1", "2", "x", "", "1.5", "nan")
ANY_TEXT = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=20)


def commands(
    group: click.Group = cli, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, click.Command]]:
    """Every command with its name as it is typed."""
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


COMMANDS = dict(commands())


def test_every_command_is_tried() -> None:
    assert sorted(TAKEN) == sorted(COMMANDS)


@st.composite
def hostile(draw: st.DrawFn, name: str) -> list[str]:
    """A command with one to three of its places and options tried."""
    taken = list(TAKEN[name])
    values = st.sampled_from(TEXTS) | st.sampled_from(NUMBERS) | ANY_TEXT
    parameters = COMMANDS[name].params
    places = [parameter for parameter in parameters if isinstance(parameter, click.Argument)]
    for parameter in draw(st.lists(st.sampled_from(parameters), min_size=1, max_size=3)):
        if isinstance(parameter, click.Argument):
            taken[places.index(parameter)] = draw(values)
            continue
        taken.append(draw(st.sampled_from([*parameter.opts, *parameter.secondary_opts])))
        if getattr(parameter, "is_flag", False):
            continue
        if parameter.name in ("engine", "devices"):
            taken.append(draw(st.sampled_from(PROCESSES)))
        elif parameter.name == "pgd_steps":  # that many are made, however long it takes
            taken.append(draw(st.sampled_from(FEW)))
        elif parameter.type.name in ("integer", "float", "integer range"):
            taken.append(draw(st.sampled_from(NUMBERS) | values))
        else:
            taken.append(draw(values))
    return [*name.split(), *taken]


def placed(arguments: Sequence[str], home: Path, out: Path) -> list[str]:
    """Arguments with the places that they name."""
    named = {"{home}": home, "{out}": out, "{file}": out / "file"}
    for mark, place in named.items():
        arguments = [argument.replace(mark, str(place)) for argument in arguments]
    return list(arguments)


@pytest.mark.usefixtures("stopped_when_at_work")
@pytest.mark.parametrize("name", TAKEN)
def test_what_a_command_takes_is_taken(
    name: str, workshop: Path, fresh: Callable[[], Path]
) -> None:
    ended = call("good arguments", *name.split(), *placed(TAKEN[name], workshop, fresh()))
    assert ended.code in ((ENDS[name],) if name in ENDS else (0, 130)), ended


@pytest.mark.usefixtures("stopped_when_at_work")
@pytest.mark.parametrize("name", [name for name, command in COMMANDS.items() if command.params])
def test_arguments(name: str, workshop: Path, fresh: Callable[[], Path]) -> None:
    @examples(5 if name in SLOW else 25)
    @given(hostile(name))
    def holds(found: list[str]) -> None:
        out = fresh()
        (out / "file").write_text("nothing of sense\n")
        before = files_in(out)
        ended = call(f"arguments of {name}", *placed(found, workshop, out))
        check_kept(before, files_in(out))
        if ended.code not in (0, 1) and name in ONE_FILE:
            assert not (out / ONE_FILE[name]).exists(), ended

    holds()
