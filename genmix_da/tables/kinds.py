"""What tables of one kind of run have: scores, columns, a baseline, and the words for them.

Everything else about a table (seeds, states, averages, formats) is the same for all kinds. A kind
is described where its runs are at home, and registered by the packages that make such tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from genmix_da.tables.cells import PublishedRow, Run


@dataclass(frozen=True)
class Kind:
    """How the runs of some settings are tabulated.

    Attributes:
        headlines: setting -> the metric that it reports, shown in all three blocks.
        others: metrics that are shown of the last epoch beside it.
        metric_names: metric -> words.
        block_titles: block -> words.
        block_meanings: score column of a run -> what it means, in the order in which to read them.
        columns: what the columns are, plural.
        columns_are: a sentence on how their heads read.
        oracle: a sentence on what the oracle is.
        beyond: what intervals over columns say nothing of.
        independence: a sentence on why they are too narrow.
        roles: (use of images, field of a record that names them, key of their fingerprint in its
            provenance), for all images of a run.
        published: printed rows to set beside the runs of one setting and the columns of their
            table (without the average); none where they would not compare.
        published_note: what a reader has to know of them, with {sources}.
        by_design: settings in which runs of a table differ by design: what its rows and columns
            are, and names of files, whose contents are recorded elsewhere. Others are said.
        scored: whether runs have scores of their own; those without are in no table.
        pairs: whether a column is a source and a target; else it is one data set.
        smaller_is_better: metrics whose best is the smallest.
        optional_blocks: blocks that are left out where no run has them.
        baseline: the method that all others are compared with; None: "X" for "X+genmix".
        parts: settings of records that lie inside of its runs' folders as a part of them.
        trait_names, traits: columns behind the method's name in the headline table, and what a row
            has there.
    """

    headlines: Mapping[str, str]
    others: tuple[str, ...]
    metric_names: Mapping[str, str]
    block_titles: Mapping[str, str]
    block_meanings: Mapping[str, str]
    columns: str
    columns_are: str
    oracle: str
    beyond: str
    independence: str
    roles: tuple[tuple[str, str, str], ...]
    published: Callable[[Sequence[Run], Sequence[str]], list[PublishedRow]]
    published_note: str
    by_design: frozenset[str]
    scored: bool = True
    pairs: bool = True
    smaller_is_better: frozenset[str] = frozenset()
    optional_blocks: frozenset[str] = frozenset()
    baseline: str | None = None
    parts: frozenset[str] = frozenset()
    trait_names: tuple[str, ...] = ()
    traits: Callable[[str], tuple[str, ...]] = lambda _: ()

    def title(self, setting: str) -> str:
        """The setting's name in heads and sentences."""
        return setting.upper() if self.pairs else setting.capitalize()

    def base_of(self, methods: Iterable[str]) -> str | None:
        """The baseline as the rows call it, which may have a note behind its name; or None."""
        name = self.baseline
        fits = (m for m in methods if name and (m == name or m.startswith(f"{name} (")))
        return next(fits, None)


_KINDS: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    """Make a kind known to everything that makes tables."""
    _KINDS.update(dict.fromkeys(kind.headlines, kind))


def is_setting(name: object) -> bool:
    """Whether a setting is of a registered kind."""
    return name in _KINDS


def kind_of(setting: str) -> Kind:
    """The kind of run that a setting belongs to.

    Raises:
        KeyError: unknown setting, or a kind whose package was not imported.
    """
    return _KINDS[setting]


def headline(setting: str) -> str:
    """The metric that a setting reports."""
    return kind_of(setting).headlines[setting]
