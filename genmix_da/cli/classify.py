"""genmix-da classify train | attack | table"""

from __future__ import annotations

from typing import Any

import click

from genmix_da.cli import groups
from genmix_da.cli.classify_options import (
    classify_genmix_options,
    classify_options,
    join_classify,
)
from genmix_da.cli.classify_table import command as table
from genmix_da.cli.logged import log_option, run_logged
from genmix_da.cli.options import json_option
from genmix_da.cli.others import and_others


@click.group(name="classify")
def command() -> None:
    """Train classifiers: does GenMix beat the augmentation you use now, and at what price?"""


@command.command(name="train", cls=groups.GroupedCommand)
@groups.method(
    "--augment",
    help="none, mixup, cutmix, puzzlemix, ..., diffusemix, genmix [genmix]."
    + and_others("augmentations"),
)
@classify_options
@classify_genmix_options
@groups.running("--devices", help="Several GPUs share the batches, e.g. 0,1 [that of --device].")
@groups.running("--out", help="Run folder [runs/<dataset>-<method>-seed<seed>].")
@groups.running("--augmented", help="Folder of GenMix's images [augmented, beside the run folder].")
@groups.running("--resume", is_flag=True, help="Go on with an interrupted run.")
@log_option
@json_option
def train(as_json: bool, **options: Any) -> None:
    """Train a classifier on class folders and score it on images it has not seen.

    Every method gets the same number of optimiser steps.
    """
    from genmix_da.classify import train as run
    from genmix_da.cli.show import echo, echo_classification

    result = run_logged(run, options.pop("log"), join_classify(options))
    echo(result.as_dict(), echo_classification, as_json=as_json)


def _radii(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[float, ...] | None:
    """8/255, or several with commas between."""
    if value is None:
        return None
    from genmix_da.config_values import fractions

    try:
        return fractions(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not a number such as 8/255") from error


def _radius(context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """8/255 or another number."""
    found = _radii(context, parameter, value)
    if found is not None and len(found) != 1:
        raise click.BadParameter(f"{value!r} is not one number such as 8/255")
    return found[0] if found else None


@command.command(name="attack")
@click.argument("run")
@click.option("--epsilon", callback=_radius, help="Radius of PGD in pixels of [0, 1] [8/255].")
@click.option("--radii", callback=_radii, help="Of FGSM [1/255,2/255,4/255,8/255].")
@click.option("--pgd-steps", type=int, help="Steps of PGD [10].")
@click.option("--pgd-step-size", callback=_radius, help="Of each [2.5 radii over all steps].")
@click.option(
    "--pgd-restarts", type=int, help="Further starts of PGD, up two losses: the strong check [0]."
)
@click.option("--data", help="The run's images, if they have moved.")
@click.option("--test-data", help="The run's test images, if they have moved.")
@click.option("--batch-size", type=int, help="Images at once [64].")
@click.option("--device", help="auto, cpu or cuda [the run's].")
@json_option
def attack(as_json: bool, run: str, **options: Any) -> None:
    """Attack the classifier of the finished run folder RUN with FGSM and PGD; writes attack.json.

    PGD is a check: where it errs less often than FGSM, the network hides its gradients.
    """
    from genmix_da.classify import attack as run_attack
    from genmix_da.cli.show import echo, echo_attack

    given = {name: value for name, value in options.items() if value is not None}
    echo(run_attack(run, **given), echo_attack, as_json=as_json)


command.add_command(table)
