"""What tables of every kind read alike of what was typed: options, lists, seeds."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from genmix_da.config_values import read_config
from genmix_da.errors import UserError

logger = logging.getLogger(__name__)


def run_options(
    options: Mapping[str, Any],
    recorded: Collection[str],
    decided: Mapping[str, tuple[str, str]],
) -> dict[str, Any]:
    """The options of every run, those of a configuration file among them.

    Args:
        options: from the command line; None where not given.
        recorded: see `read_config`, which reads the file.
        decided: settings that the table decides itself -> (their option, what to use instead); one
            that stands in the file alone is left out, and said.

    Raises:
        UserError: the file cannot be read, or an option is decided by the table.
    """
    given = {key: value for key, value in options.items() if value not in (None, {}, ())}
    file = given.pop("config", None)
    found = read_config(Path(file), recorded) if file else {}
    values = found | given
    left = [name for name in decided if found.get(name) is not None]
    if left:
        logger.info("%s: left out, for the table decides them: %s", file, ", ".join(left))
    for name, (option, instead) in decided.items():
        if values.pop(name, None) is not None and name in given:
            raise UserError(f"{option} is decided by the table; use {instead}.")
    return values


def check_edit_shards(number: int | None) -> None:
    """Refuse a number of jobs below one."""
    if number is not None and number < 1:
        raise UserError(f"--edit-shards is {number}; it must be at least 1.")


def parse_seeds(text: str) -> list[int]:
    """Seeds in the order given.

    Raises:
        UserError: something that is not a whole number, or a seed named twice.
    """
    seeds: list[int] = []
    for part in listed(text, "--seeds"):
        if not part.isdecimal():
            raise UserError(f"--seeds: {part!r} is no whole number of 0 or more; give e.g. 1,2,3.")
        if int(part) in seeds:
            raise UserError(f"--seeds names {int(part)} twice.")
        seeds.append(int(part))
    return seeds


def listed(text: str, option: str) -> list[str]:
    """The parts of a list with commas between.

    Raises:
        UserError: there is none.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise UserError(f"{option} is empty.")
    return parts
