"""genmix-da ssl train | probe | table"""

from __future__ import annotations

from typing import Any

import click

from genmix_da.cli import groups
from genmix_da.cli.logged import log_option, run_logged
from genmix_da.cli.options import json_option
from genmix_da.cli.ssl_options import join_ssl, split_options, ssl_genmix_options, ssl_options
from genmix_da.cli.ssl_table import command as table


@click.group(name="ssl")
def command() -> None:
    """Pre-train a backbone on images without labels; probe what it has learned."""


@command.command(name="train", cls=groups.GroupedCommand)
@ssl_options
@ssl_genmix_options
@groups.running("--out", help="Run folder [runs/<dataset>-<method>-<augment>-seed<seed>].")
@groups.running("--augmented", help="Folder of made images [augmented, beside the run folder].")
@groups.running("--resume", is_flag=True, help="Go on with an interrupted run.")
@log_option
@json_option
def train(as_json: bool, **options: Any) -> None:
    """Pre-train a backbone by MoCo v2 or SimSiam on a folder of images, with classes or without.

    Its checkpoint.safetensors is what --weights takes elsewhere.
    """
    from genmix_da.cli.show import echo
    from genmix_da.cli.show_ssl import echo_pretraining
    from genmix_da.selfsupervised import train as run

    result = run_logged(run, options.pop("log"), join_ssl(options))
    echo(result.as_dict(), echo_pretraining, as_json=as_json)


@command.command(name="probe", cls=groups.GroupedCommand)
@click.argument("run")
@split_options
@groups.method("--neighbours", type=int, help="That vote, at most all training images [200].")
@groups.method("--temperature", type=float, help="Of their votes [0.07].")
@groups.running("--device", help="auto, cpu or cuda [the run's].")
@json_option
def probe(as_json: bool, run: str, **options: Any) -> None:
    """Linear probe and nearest neighbours on the backbone of the finished run folder RUN.

    Beside it the same backbone before pre-training. Writes probe.json in RUN, which keeps the
    probes of several data sets.
    """
    from genmix_da.cli.show import echo
    from genmix_da.cli.show_ssl import echo_probe
    from genmix_da.selfsupervised import probe as run_probe

    given = {name: value for name, value in options.items() if value is not None}
    echo(run_probe(run, **given).as_dict(), echo_probe, as_json=as_json)


command.add_command(table)
