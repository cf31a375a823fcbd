"""All that is printed of a set of runs, in one object that every format is made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from genmix_da.tables.aggregate import INCOMPLETE, UNDEFINED, Table, build_tables, match_runs
from genmix_da.tables.cells import PublishedRow, Run, Wanted
from genmix_da.tables.columns import AVERAGE, short_domains
from genmix_da.tables.difference import Difference, coverage, differences
from genmix_da.tables.kinds import kind_of
from genmix_da.tables.origin import Origin, build_origin
from genmix_da.tables.overhead import NOTE as OVERHEAD_NOTE
from genmix_da.tables.overhead import OVERHEAD
from genmix_da.tables.records import Problem, Record

_SHOWN = 10  # of a list of runs or files in the notes; JSON and runs.csv hold all


@dataclass(frozen=True)
class Summary:
    """Tables of a set of runs, and what a reader has to know about them.

    Attributes:
        runs: every wanted run and what became of it.
        tables: see `build_tables`.
        differences: of the headline, in all three blocks.
        published: setting -> printed rows of other work, [] where they do not compare.
        problems: files that are not used.
        origin: provenance.
        marks: what nobody may miss: stand-in editors, synthetic data.
        notes: how to read the tables, what is missing, what differs between the runs.
    """

    runs: tuple[Run, ...]
    tables: tuple[Table, ...]
    differences: tuple[Difference, ...]
    published: dict[str, list[PublishedRow]]
    problems: tuple[Problem, ...]
    origin: Origin
    marks: tuple[str, ...]
    notes: tuple[str, ...]


def summarise(
    wanted: Sequence[Wanted],
    records: Sequence[Record],
    problems: Sequence[Problem] = (),
    *,
    command: Sequence[str],
    root: Path | None = None,
) -> Summary:
    """Aggregate the records of the wanted runs; other records are not used.

    Args:
        wanted: runs of the table, in the order of its rows and columns.
        records, problems: of `read_records`.
        command: that makes the table, with its arguments.
        root: files are named relative to it.

    Raises:
        ValueError: nothing is wanted, or one run twice with different identities.
    """
    if not wanted:
        raise ValueError("a table needs at least one wanted run")
    problems = [
        Problem(_relative(problem.path, root), _plain(problem, root)) for problem in problems
    ]
    runs = match_runs(wanted, {record.identity: record for record in records})
    tables = build_tables(runs)
    headline = {table.setting: table for table in tables if table.is_headline}
    published = {
        setting: kind_of(setting).published(
            [run for run in runs if run.wanted.setting == setting],
            [column for column in table.columns if column != AVERAGE],
        )
        for setting, table in headline.items()
    }
    found = [item for table in tables if table.is_headline for item in differences(table)]
    origin = build_origin(runs, command)
    identities = {item.identity for item in wanted}
    parts = {name for item in wanted for name in kind_of(item.setting).parts}
    others = (record for record in records if record.content["setting"] not in parts)
    unused = sum(record.identity not in identities for record in others)
    notes = (
        *_reading(tables, found, runs),
        *_attack_notes(tables, runs),
        *_overhead_notes(tables, origin),
        *_published_notes(published),
        *_missing(runs),
        *_problem_notes(problems),
        *([f"Records of other runs in the folder, not used: {unused}."] if unused else []),
        *(f"Note: {sentence}." for sentence in origin.differences),
        *([f"{origin.skipped} unreadable images were skipped."] if origin.skipped else []),
    )
    return Summary(
        tuple(runs),
        tuple(tables),
        tuple(found),
        published,
        tuple(problems),
        origin,
        _marks(origin),
        notes,
    )


def _relative(path: Path, root: Path | None) -> Path:
    return path.relative_to(root) if root is not None and path.is_relative_to(root) else path


def _plain(problem: Problem, root: Path | None) -> str:
    """The reason, in which another file may be named."""
    return problem.reason if root is None else problem.reason.replace(f"{root}/", "")


def _marks(origin: Origin) -> tuple[str, ...]:
    marks = list(origin.editor_notes)
    if origin.synthetic:
        marks.append("SYNTHETIC DATA: the images are drawn; these numbers compare with nothing")
    return tuple(marks)


def _reading(
    tables: Sequence[Table], found: Sequence[Difference], runs: Sequence[Run]
) -> list[str]:
    cells = [cell for table in tables for row in table.rows for cell in row.cells.values()]
    states = {cell.state for cell in cells}
    kind = kind_of(runs[0].wanted.setting)
    notes = [
        "Percent. A cell is the mean and, for two seeds or more, ± the sample standard deviation "
        f"(n - 1) over seeds; Avg is the mean over all {kind.columns} of each seed, then mean and "
        "standard deviation over seeds. The best mean of a column is marked (equal as printed: "
        "all).",
        f"{kind.columns_are}{_short_names(runs) if kind.pairs else ''}.",
        f"The headline is the last epoch. {kind.oracle}",
    ]
    if INCOMPLETE in states:
        notes.append(
            "'inc. k/n': k of n seeds are there (Avg: on every "
            f"{kind.columns.removesuffix('s')}); never averaged over fewer."
        )
    if UNDEFINED in states:
        notes.append("'n/a': the method does not define the setting, or the metric has no value.")
    if any(item.low is not None for item in found):
        notes.append(coverage(kind))
    return notes


def _short_names(runs: Sequence[Run]) -> str:
    """ ": Ar = Art, ..." for the names of domains that are shortened."""
    domains = [domain for run in runs for domain in (run.wanted.source, run.wanted.target)]
    short = {name: domain for domain, name in short_domains(domains).items() if name != domain}
    listed = ", ".join(f"{name} = {domain}" for name, domain in short.items())
    return f": {listed}" if listed else ""


def _attack_notes(tables: Sequence[Table], runs: Sequence[Run]) -> list[str]:
    """What the FGSM error is, where there is one."""
    if not any(table.metric == "fgsm_error" and table.has_values for table in tables):
        return []
    configs = [run.record.content["provenance"].get("config") or {} for run in runs if run.record]
    found = sorted({config["epsilon"] for config in configs if config.get("epsilon")})
    radii = " and ".join(f"{255 * radius:.3g}/255" for radius in found) or "not recorded"
    return [
        "FGSM error: share of test images that are misclassified after one step of the attack "
        f"(radius {radii} in pixels of [0, 1]), those that were so before included; smaller is "
        "better."
    ]


def _overhead_notes(tables: Sequence[Table], origin: Origin) -> list[str]:
    timed = next((t for t in tables if t.metric == OVERHEAD and t.has_values), None)
    if timed is None:
        return []
    baseline = kind_of(timed.setting).baseline
    return [OVERHEAD_NOTE.format(baseline=baseline, devices=" and ".join(origin.devices))]


def _published_notes(published: Mapping[str, Sequence[PublishedRow]]) -> list[str]:
    """What a reader has to know of the printed rows: a sentence for each kind of runs."""
    sources: dict[str, dict[str, None]] = {}
    for setting, rows in published.items():
        note = kind_of(setting).published_note
        if rows:
            sources.setdefault(note, {}).update(dict.fromkeys(row.source for row in rows))
    return [note.format(sources="; ".join(named)) for note, named in sources.items()]


def _missing(runs: Sequence[Run]) -> list[str]:
    # A run is counted once, however many rows have their numbers from it.
    each = {run.wanted.identity: run for run in reversed(runs)}
    left = [run for run in reversed(each.values()) if run.state not in ("done", UNDEFINED)]
    if not left:
        return []
    counts = Counter(run.state for run in left)
    named = [run for run in left if run.state in ("failed", "excluded")]
    shown = [
        f"{run.wanted.method} {run.wanted.setting} {run.column} seed {run.wanted.seed}: "
        f"{run.state}" + (f", {run.reason}" if run.reason else "")
        for run in named
    ]
    listed = ", ".join(f"{count} {state}" for state, count in counts.items())
    return [f"Runs without a number: {listed}.", *_capped("Not used", shown)]


def _problem_notes(problems: Sequence[Problem]) -> list[str]:
    return _capped("File not used", [f"{item.path} {item.reason}" for item in problems])


def _capped(title: str, items: Sequence[str]) -> list[str]:
    notes = [f"{title}: {item.rstrip('.')}." for item in items[:_SHOWN]]
    if len(items) > _SHOWN:
        notes.append(f"{title}: {len(items) - _SHOWN} more (all in table.json).")
    return notes
