"""Error sentences in the words of the command that was typed."""

from __future__ import annotations

import re
from collections.abc import Sequence

import click

# Option that a sentence may name -> what commands without it have in its place.
_INSTEAD = {
    "--data": ("src", "folder"),
    "--augment-seed": ("seed",),
    "--src": ("pairs",),
    "--tgt": ("pairs",),
}


def typed_command(group: click.Group, arguments: Sequence[str]) -> click.Command | None:
    """The command that arguments begin with; None where they name none."""
    context = click.Context(group)
    found: click.Command | None = group
    for argument in arguments:
        if not isinstance(found, click.Group):
            break
        found = found.get_command(context, argument)
    return None if isinstance(found, click.Group) else found


def worded(message: str, command: click.Command | None) -> str:
    """The message with options that the command doesn't have named as those it has.

    Args:
        message: of an error, which knows no command.
        command: that was typed.
    """
    if command is None:
        return message
    own = {parameter.name: parameter for parameter in command.params}
    spelled = {option for parameter in command.params for option in parameter.opts}
    for option, instead in _INSTEAD.items():
        there = next((own[name] for name in instead if name in own), None)
        if option not in spelled and there is not None:
            name = there.opts[0] if isinstance(there, click.Option) else (there.name or "").upper()
            message = re.sub(rf"{option}(?![\w-])", name, message)
    return message
