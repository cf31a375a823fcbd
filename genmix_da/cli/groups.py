"""The headings under which --help lists options; an option is declared under its heading."""

from __future__ import annotations

from functools import partial

import click
import cloup
from cloup import OptionGroup, option

# In the order in which they are listed.
_TITLES = (
    *("Table", "Data", "Network", "Source training", "Method", "Training", "Adaptation"),
    *("Rejection and graph", "GenMix", "Editors with a network", "Running"),
)
_GROUPS = {title: OptionGroup(title) for title in _TITLES}

table = partial(option, group=_GROUPS["Table"])
data = partial(option, group=_GROUPS["Data"])
network = partial(option, group=_GROUPS["Network"])
source_training = partial(option, group=_GROUPS["Source training"])
method = partial(option, group=_GROUPS["Method"])
training = partial(option, group=_GROUPS["Training"])
adaptation = partial(option, group=_GROUPS["Adaptation"])
rejection = partial(option, group=_GROUPS["Rejection and graph"])
genmix = partial(option, group=_GROUPS["GenMix"])
editor = partial(option, group=_GROUPS["Editors with a network"])
running = partial(option, group=_GROUPS["Running"])


class GroupedCommand(cloup.Command):
    """A command whose --help lists its options under their headings."""

    def format_params(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List them; anew, because a heading holds the options of the command made last."""
        self.arguments, found, self.ungrouped_options = self._group_params(self.params)
        self.option_groups = sorted(found, key=lambda group: _TITLES.index(group.title))
        super().format_params(ctx, formatter)
