"""--help with the defaults of the profile that would apply to what was typed beside it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from genmix_da.cli.groups import GroupedCommand

_TYPED = "genmix_da.typed"


class ProfileCommand(GroupedCommand):
    """A command with settings whose defaults are a profile's."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Remember what was typed: --help is answered before anything else is read."""
        ctx.meta[_TYPED] = list(args)
        return super().parse_args(ctx, args)

    def get_help(self, ctx: click.Context) -> str:
        """The help, each default of the profile behind its option."""
        from genmix_da.adaptation.profiles import profile_settings

        typed = self._typed(ctx)
        profile, why = _profile(typed)
        values = profile_settings(
            profile, packaged=_packaged(profile, typed), frozen=typed.get("freeze_backbone")
        )
        options = [p for p in self.params if isinstance(p, click.Option) and p.name in values]
        plain = [option.help or "" for option in options]
        for option, about in zip(options, plain, strict=True):
            shown = _shown(values[option.name or ""])
            option.help = f"{about.removesuffix('.')} [{shown}]."
        self.epilog = (
            "Defaults stand in [brackets]; those that are a profile's are of "
            f"{profile!r} here ({why}). --help behind your --data or --profile shows yours."
        )
        try:
            return super().get_help(ctx)
        finally:  # the next help may be of another profile
            for option, about in zip(options, plain, strict=True):
                option.help = about

    def _typed(self, ctx: click.Context) -> dict[str, Any]:
        """The options beside --help as typed, those of a --config below them."""
        from genmix_da.config_values import read_config
        from genmix_da.errors import UserError

        typed = dict(self.make_parser(ctx).parse_args(list(ctx.meta.get(_TYPED, [])))[0])
        try:
            file = read_config(Path(typed["config"]), ()) if typed.get("config") else {}
        except UserError:  # said when it is run
            file = {}
        return file | typed


def _shown(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _profile(typed: Mapping[str, Any]) -> tuple[str, str]:
    """The profile that would apply, and why: by name, else by the class folders of the data."""
    from genmix_da.adaptation.profiles import PROFILES
    from genmix_da.places import default_data, expanded

    if typed.get("profile") in PROFILES:
        return typed["profile"], "--profile"
    data = typed.get("data") or default_data()
    if not data:
        return "mini", "no --data"
    root = Path(expanded(data))
    if (root / "mini_office_home.json").is_file():
        return "mini", data
    return _by_classes(root) or "folder", data


def _by_classes(root: Path) -> str | None:
    """The published data set whose classes the folders of a folder of domains are."""
    from office_home import identify

    try:
        domains = [domain for domain in root.iterdir() if domain.is_dir()]
        classes = {path.name for domain in domains for path in domain.iterdir() if path.is_dir()}
    except OSError:
        return None
    benchmark = identify(sorted(classes))
    return benchmark.name if benchmark else None


def _packaged(profile: str, typed: Mapping[str, Any]) -> bool:
    """Whether the packaged backbone's settings are meant, as far as can be told without a run.

    For other data than Mini that hangs on what can be fetched, too, where no weights are named.
    """
    if typed.get("backbone") or profile not in ("mini", "folder"):
        return False
    if typed.get("weights"):
        return bool(typed["weights"] == "packaged")
    return profile == "mini" and _has_package()


def _has_package() -> bool:
    from genmix_da.adaptation.profiles import PACKAGE

    return find_spec(PACKAGE) is not None
