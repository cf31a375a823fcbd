"""genmix-da doctor"""

from __future__ import annotations

import click

from genmix_da.cli.options import json_option


@click.command(name="doctor")
@click.option("--verify-cache", is_flag=True, help="Hold cached files against their checksums.")
@json_option
def command(verify_cache: bool, as_json: bool) -> None:
    """Show versions, device, cache folders, and what is missing and how to get it."""
    import dataclasses

    from genmix_da.cli.show import echo_json
    from genmix_da.doctor import examine

    findings = examine(verify_cache=verify_cache)
    if as_json:
        echo_json([dataclasses.asdict(finding) for finding in findings])
        return
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        click.echo(f"{finding.name:{width}}  {finding.value}")
        if finding.advice:
            click.echo(f"{'':{width}}  -> {finding.advice}")
