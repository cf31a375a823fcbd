"""genmix-da prompts"""

from __future__ import annotations

import click


@click.group(name="prompts")
def command() -> None:
    """Show the published prompt sets; check a prompt file."""


@command.command(name="list")
def list_prompts() -> None:
    """The two published sets."""
    from genmix_da.augment.prompts import PUBLISHED, load_prompts

    for name in PUBLISHED:
        prompts = load_prompts(name)
        click.echo(f"{name}:")
        for style in prompts.styles:
            click.echo(f"  {style.name:20} {style.text}")


@command.command()
@click.argument("file")
def check(file: str) -> None:
    """Validate FILE (or a set's name) and warn of prompts that are likely to fail."""
    from genmix_da.augment.prompts import load_prompts, prompt_warnings

    prompts = load_prompts(file)
    for style in prompts.styles:
        click.echo(f"{style.name:20} {style.text}")
    for warning in prompt_warnings(prompts):
        click.echo(f"warning: {warning}")
