"""genmix-da adapt"""

from __future__ import annotations

from typing import Any

import click

from genmix_da.cli import groups
from genmix_da.cli.augment_options import augment_seed_option, genmix_options, join_genmix
from genmix_da.cli.logged import log_option, run_logged
from genmix_da.cli.options import json_option, model_options, target_options
from genmix_da.cli.others import and_others
from genmix_da.cli.profile_help import ProfileCommand


@click.command(name="adapt", cls=ProfileCommand)
@groups.data("--src", help="Labelled source domain: folder name, alias or unique beginning.")
@groups.data("--tgt", help="Unlabelled target domain, or a folder of images.")
@groups.adaptation(
    "--method",
    help="lead, glc, ovanet ...: docs/methods.md; also NAME+genmix [by --augment]."
    + and_others("methods"),
)
@model_options
@target_options
@genmix_options
@augment_seed_option
@groups.running("--devices", help="Several GPUs share the batches, e.g. 0,1 [that of --device].")
@groups.running("--out", help="Run folder [runs/<Source>2<Target>-<setting>-seed<seed>].")
@groups.running("--resume", is_flag=True, help="Go on with an interrupted run.")
@log_option
@json_option
def command(as_json: bool, **options: Any) -> None:
    """Adapt a source domain's model to an unlabelled target and score it.

    Target labels, where there are any, are used for scoring alone.
    """
    from genmix_da.adaptation.run import adapt
    from genmix_da.cli.ending import echo_ending
    from genmix_da.cli.show import echo, echo_result

    result = run_logged(adapt, options.pop("log"), join_genmix(options))
    echo(result.as_dict(), echo_result, as_json=as_json)
    if not as_json:
        echo_ending(result.as_dict(), result.folder)
