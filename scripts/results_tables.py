"""Tables of the pages in docs/results from what `table` and `classify table` have written.

    python scripts/results_tables.py FOLDER [FOLDER ...] [--cells last:h_score,oracle:h_score]
        [--by last:h_score] [--against METHOD] [--one] [--overhead FILE.csv]

FOLDER holds a table: its runs.csv has a value a run, block and metric. For every setting it prints,
in percent, rows in the order of the table:

- a table of averages: of each cell the mean over columns (pairs or data sets), with the standard
  deviation over seeds, and the seconds of a run without its source model and the images' features
  (`timing` of its result.json; rows of the graph step have none);
- with --by a table of one cell by column, mean over seeds;
- with --against a line a method: its difference to METHOD in that cell, mean over columns, and on
  how many of them it is above.

With --one it is one table instead: the columns of --by, each with its deviation over seeds, their
average, then the averages of --cells; of --overhead, what scripts/bench/classify.py --all has
written, the median AO(%) over rounds. Cells that a setting has not are left out of its tables.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

_CELLS = "last:h_score,last:auroc,last:oscr,selected:h_score,oracle:h_score"
_SHARED = ("source", "features", "generate")  # stages whose work other runs share


def read_runs(folder: Path) -> pd.DataFrame:
    """Runs that are done: setting, method, pair, seed, cell ("block:metric"), value, seconds."""
    file = folder / "runs.csv"
    if not file.is_file():
        raise SystemExit(f"{folder} has no runs.csv; give the folder of a table.")
    runs = pd.read_csv(file)
    runs = runs[runs["state"] == "done"].assign(cell=runs["block"] + ":" + runs["metric"])
    seconds = dict(_seconds(folder))
    return runs.assign(seconds=runs["identity"].map(seconds))


def _seconds(folder: Path) -> Iterator[tuple[str, float]]:
    """Identity of every record below a folder, and seconds of its own stages."""
    for file in folder.rglob("result.json"):
        record = json.loads(file.read_text())
        stages = (record.get("timing") or {}).get("seconds") or {}
        yield record["identity"], sum(s for stage, s in stages.items() if stage not in _SHARED)


def over_seeds(rows: pd.DataFrame) -> pd.Series:
    """Method -> "mean ± deviation over seeds" of the mean over columns, in percent."""
    of_seed = 100 * rows.groupby(["method", "seed"])["value"].mean().unstack("seed")
    return of_seed.apply(lambda row: f"{row.mean():.1f} ± {row.std():.1f}", axis=1)


def averages(runs: pd.DataFrame, cells: list[str]) -> pd.DataFrame:
    """Methods x cells, "mean ± deviation over seeds", and seconds."""
    methods = list(dict.fromkeys(runs["method"]))
    found = pd.DataFrame(index=pd.Index(methods, name="method"))
    for cell in cells:
        rows = runs[runs["cell"] == cell]
        if len(rows):
            found[cell] = over_seeds(rows).reindex(methods)
    alone = runs[~runs["method"].str.contains("+graph", regex=False)]
    seconds = alone.drop_duplicates("identity").groupby("method")["seconds"].mean()
    found["seconds"] = seconds.reindex(methods).map("{:.1f}".format, na_action="ignore")
    return found.fillna("")


def by_column(runs: pd.DataFrame, cell: str) -> pd.DataFrame:
    """Methods x columns of one cell, in percent, mean over seeds; the last is the average."""
    rows = runs[runs["cell"] == cell]
    table = 100 * rows.groupby(["method", "pair"])["value"].mean().unstack("pair")
    table = table.reindex(index=list(dict.fromkeys(rows["method"])))
    table = table[list(dict.fromkeys(rows["pair"]))]
    return table.assign(Avg=table.mean(axis=1))


def one_table(runs: pd.DataFrame, by: str, cells: list[str], overhead: Path | None) -> pd.DataFrame:
    """Methods x columns of a cell with their deviation, its average, other cells, AO."""
    rows = runs[runs["cell"] == by]
    columns = list(dict.fromkeys(rows["pair"]))
    found = pd.DataFrame({name: over_seeds(rows[rows["pair"] == name]) for name in columns})
    found = found.reindex(list(dict.fromkeys(rows["method"])))
    found["Avg"] = over_seeds(rows)
    for cell in dict.fromkeys(cells):
        own = runs[runs["cell"] == cell]
        if len(own) and cell != by:
            found[cell] = over_seeds(own)
    if overhead is not None:
        middle = 100 * pd.read_csv(overhead).groupby("method")["overhead"].median()
        plain = found.index.str.replace(r"\[.*\]", "", regex=True)
        found["AO(%)"] = middle.reindex(plain).map("{:.0f}".format, na_action="ignore").to_numpy()
    return found.fillna("")


def differences(table: pd.DataFrame, against: str) -> Iterator[str]:
    """A line a method: its mean difference to another, and on how many columns it is above."""
    columns = table.drop(columns="Avg")
    for method, row in columns.iterrows():
        if method != against:
            apart: Any = (row - columns.loc[against]).dropna()
            above = sum(value > 0 for value in apart)
            yield f"{method}: {apart.mean():+.1f}, above on {above} of {len(apart)}"


def markdown(table: pd.DataFrame) -> str:
    """A table whose cells are text."""
    lines = [["method", *table.columns], ["---", *["---:"] * table.shape[1]]]
    lines += [[str(method), *row] for method, row in zip(table.index, table.values, strict=True)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--cells", default=_CELLS)
    parser.add_argument("--by")
    parser.add_argument("--against")
    parser.add_argument("--one", action="store_true")
    parser.add_argument("--overhead", type=Path)
    given = parser.parse_args()
    if (given.one and not given.by) or (given.overhead and not given.one):
        parser.error("--one needs --by, and --overhead needs --one")
    runs = pd.concat([read_runs(folder) for folder in given.folders])
    for setting, own in runs.groupby("setting", sort=False):
        print(f"## {str(setting).upper()}\n")
        cells, has_columns = given.cells.split(","), given.by in set(own["cell"])
        if has_columns and given.one:
            print(markdown(one_table(own, given.by, cells, given.overhead)))
        else:
            print(markdown(averages(own, cells)))
        if has_columns:
            table = by_column(own, given.by)
            if not given.one:
                print(markdown(table.map("{:.1f}".format)))
            if given.against in table.index:
                print(*differences(table, given.against), sep="\n", end="\n\n")


if __name__ == "__main__":
    main()
