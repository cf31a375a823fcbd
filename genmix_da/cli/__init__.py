"""The command line. One file per command; each parses, calls one function and prints.

Heavy libraries are imported by the command that needs them, so that --help answers at once.
"""

from __future__ import annotations

import io
import logging
import sys
from importlib import import_module
from typing import Any

import click

_COMMANDS = {
    "adapt": "Adapt a source domain's model to an unlabelled target and score it.",
    "table": "Run and print a table: methods x pairs x seeds.",
    "graph": "What each part of the step over the target's neighbours is worth.",
    "report": "Write one HTML page on runs or a table: scores, curves, pictures, provenance.",
    "augment": "Augment a folder of class folders with GenMix.",
    "preview": "Show every step of GenMix on a few images.",
    "editors": "List the image editors; compare their speed and faithfulness.",
    "prompts": "Show the published prompt sets; check a prompt file.",
    "classify": "Train a classifier with any augmentation; attack it.",
    "ssl": "Pre-train a backbone without labels, with GenMix or without; probe it.",
    "source": "Train the source model once, for all its targets.",
    "evaluate": "Score a checkpoint on a labelled domain.",
    "predict": "Classify a folder of images, with rejection as unknown.",
    "export": "Write a checkpoint as one file for other programs: ONNX and others.",
    "card": "Write the model card of a run, or the data card of augmented images.",
    "push": "Send a run or augmented images to the hub, with a card.",
    "serve": "A page and a JSON endpoint that judge pictures with a checkpoint.",
    "data": "Check a data folder; get a published data set; make Mini Office-Home.",
    "cache": "List, verify and prune what is kept between runs.",
    "doctor": "Show versions, device, caches and what is missing.",
}


class _LazyGroup(click.Group):
    """Imports a command's module when it is run, not when help lists it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"genmix_da.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from genmix_da.errors import nearest_name

        name = args[0] if args else ""
        near = nearest_name(name, _COMMANDS)
        if near and name not in _COMMANDS and not name.startswith("-"):
            ctx.fail(f"no command {name!r}; did you mean {near!r}?")
        return super().resolve_command(ctx, args)


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="genmix-da")
def cli() -> None:
    """GenMix augmentation and LEAD: source-free universal domain adaptation.

    Start with: genmix-da adapt --src Ar --tgt Cl --setting opda
    """


class _Messages(logging.StreamHandler[Any]):
    """Writes to standard error as it is at that moment: progress lines put another in its place."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)

    def format(self, record: logging.LogRecord) -> str:
        """With URLs for the paths in the cache that stand for them."""
        from genmix_da.places import with_addresses

        return with_addresses(super().format(record))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0, 1, 2 (bad input) or 130 (interrupted)."""
    from genmix_da.allocation import keep_freed_memory
    from genmix_da.cli.wording import typed_command, worded
    from genmix_da.errors import user_message
    from genmix_da.places import expanded, with_addresses

    handler = _Messages()
    handler.setLevel(logging.INFO)
    handler.setFormatter(logging.Formatter("%(message)s"))
    loggers = [logging.getLogger(name) for name in ("genmix_da", "lead")]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
        logger.addHandler(handler)
        logger.propagate = False
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # what a terminal can't show
    keep_freed_memory()
    given = sys.argv[1:] if arguments is None else arguments
    try:
        code: Any = cli.main(
            args=[expanded(argument) for argument in given],
            prog_name="genmix-da",
            standalone_mode=False,
        )
        return code if isinstance(code, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 0
    except click.ClickException as error:
        vars(error)["message"] = _one_line(error.message)  # which click quotes as it was typed
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt) as error:
        if isinstance(error.__cause__, EOFError):  # click takes it for the end of what was typed
            click.echo(f"genmix-da: {user_message(error.__cause__)}", err=True)
            return 2
        click.echo(
            "genmix-da: interrupted; what was finished is kept and the same command goes on "
            "(adapt, augment, classify train and ssl train: with --resume)",
            err=True,
        )
        return 130
    except Exception as error:
        message = user_message(error)
        if message is None:
            raise
        message = worded(with_addresses(message), typed_command(cli, given))
        click.echo(f"genmix-da: {_one_line(message)}", err=True)
        return 2
    finally:
        for logger in loggers:
            logger.removeHandler(handler)


def _one_line(message: str) -> str:
    """A message that quotes a library or what was typed, without line breaks and control codes."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in " ".join(message.split())
    )
