"""The run folder: configuration, metrics, log, result and training state of one run.

Every file is replaced as a whole (temporary name, then rename), so that a run killed at any moment
can be resumed from it. Where the path stands for a URL, all of them are there, too.
"""

from __future__ import annotations

import csv
import json
import logging
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from genmix_da.config_values import load_yaml
from genmix_da.errors import UserError
from genmix_da.places import place_name
from genmix_da.runs.tracking import Silent, Tracker
from genmix_da.stores.copies import fetch, push, pushed, remove
from lead.checkpoint import load_state, save_state
from lead.files import write_atomically

CHECKPOINT = "checkpoint.safetensors"
STATE = "state.pt"
EARLIER = "state_before.pt"


class RunFolder:
    """Files of one run.

    Args:
        path: the folder, made where it is missing, fetched where it stands for a URL.
        tracker: that is told of every epoch, too.

    Raises:
        UserError: a store can't be read or written.
    """

    def __init__(self, path: Path, tracker: Tracker | None = None) -> None:
        self.path = path
        self.tracker = tracker or Silent()
        fetch(path)
        path.mkdir(parents=True, exist_ok=True)
        push(path)  # what an earlier process of this machine wrote and could not send

    @property
    def checkpoint(self) -> Path:
        """The finished model; its description lies beside it with .json."""
        return self.path / CHECKPOINT

    def open(self, identity: str, config: Mapping[str, Any], *, resume: bool) -> None:
        """Claim the folder for a run, or make sure it belongs to the same run.

        Raises:
            UserError: it holds another run, or the same run and `resume` was not asked for.
        """
        held = self.held_config()
        if held is None:
            content = {"identity": identity, **config}
            self.write_text("config.yaml", yaml.safe_dump(content, sort_keys=False))
            return
        if held.get("identity") != identity:
            raise UserError(
                f"{place_name(self.path)} holds another run ({_difference(held, config)}); "
                "choose another --out, or remove that folder."
            )
        if not resume:
            state = "a finished run" if self.result() is not None else "an unfinished run"
            raise UserError(
                f"{place_name(self.path)} already holds {state} of these settings; add --resume to "
                "go on with it, or choose another --out."
            )

    def held_config(self) -> dict[str, Any] | None:
        """The content of config.yaml; None: no run was begun here.

        Raises:
            UserError: it cannot be read.
        """
        file = self.path / "config.yaml"
        if not file.is_file():
            return None
        try:
            content = load_yaml(file.read_text())
        except (UnicodeDecodeError, yaml.YAMLError) as error:
            raise UserError(f"{file} cannot be read: {error}") from error
        return content if isinstance(content, dict) else {}

    def result(self) -> dict[str, Any] | None:
        """The result of a finished run, else None.

        Raises:
            UserError: result.json was damaged or edited into something that is not JSON.
        """
        file = self.path / "result.json"
        if not file.is_file():
            return None
        try:
            content = json.loads(file.read_text())
        except (ValueError, RecursionError) as error:  # not JSON, or not even text
            raise UserError(
                f"{file} is not valid JSON ({error}); remove it to redo the run."
            ) from error
        done = isinstance(content, dict) and content.get("status") == "done"
        return content if done else None

    def write_text(self, name: str, text: str) -> None:
        """Replace one file."""
        write_atomically(self.path / name, lambda file: file.write_text(text))

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Replace one file by JSON; NaN is refused."""
        self.write_text(name, json.dumps(content, indent=2, allow_nan=False) + "\n")

    def save_state(self, state: Mapping[str, Any], metrics: list[dict[str, Any]]) -> None:
        """Keep the training state and the metrics so far, together, then show the metrics."""
        save_state(self.path / STATE, {**state, "metrics": json.dumps(metrics)})
        self.show_metrics(metrics)
        self.tracker.epoch(metrics[-1])
        push(self.path)  # what grows line by line

    def show_metrics(self, metrics: list[dict[str, Any]]) -> None:
        """Replace metrics.jsonl."""
        self.write_text("metrics.jsonl", "".join(json.dumps(row) + "\n" for row in metrics))

    def shown_metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl; none where it is gone.

        Raises:
            UserError: it is damaged.
        """
        file = self.path / "metrics.jsonl"
        try:
            return [json.loads(line) for line in file.read_text().splitlines()]
        except FileNotFoundError:
            return []
        except (ValueError, RecursionError) as error:
            raise UserError(
                f"{file} is damaged ({error}); remove it, only a report reads it."
            ) from error

    def keep_state(self) -> None:
        """Keep the saved state, if any, as the one before that which is saved next.

        A second name for the same file, so that it costs no time; where there are no such names, a
        copy. There is a state to go on from at every moment.
        """
        state = self.path / STATE
        if not state.is_file():
            return

        def duplicate(file: Path) -> None:
            try:
                os.link(state, file)
            except OSError:
                shutil.copyfile(state, file)

        write_atomically(self.path / EARLIER, duplicate)

    def has_state(self) -> bool:
        """Whether there is a training state to go on from."""
        return (self.path / STATE).is_file()

    def load_state(
        self, *, earlier: bool = False
    ) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
        """The training state to go on from and its metrics, or (None, []).

        Args:
            earlier: the one before, see `keep_state`.

        Raises:
            WeightsError: it cannot be read.
        """
        file = self.path / (EARLIER if earlier else STATE)
        if not file.is_file():
            return None, []
        state = load_state(file)
        return state, json.loads(state.pop("metrics"))

    def drop_state(self) -> None:
        """Remove the training states of a finished run."""
        for name in (STATE, EARLIER):
            remove(self.path / name)

    @contextmanager
    def logging(self) -> Iterator[None]:
        """Copy this package's log messages to log.txt while the context lasts."""
        handler = logging.FileHandler(
            self.path / "log.txt", encoding="utf-8", errors="backslashreplace"
        )
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        package = logging.getLogger("genmix_da")
        level = package.level
        if level == logging.NOTSET:  # used from Python: the root's level would keep the file empty
            package.setLevel(logging.INFO)
        package.addHandler(handler)
        try:
            with pushed(self.path):  # log.txt, which grows line by line
                yield
        finally:
            package.removeHandler(handler)
            package.setLevel(level)
            handler.close()


def _difference(held: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """The first settings in which two configurations differ."""
    keys = [key for key in wanted if held.get(key) != wanted[key]]
    if not keys:
        return "its data or weights have changed"
    shown = [f"{key} {held.get(key)!r} instead of {wanted[key]!r}" for key in keys[:2]]
    return ", ".join(shown) + (" ..." if len(keys) > 2 else "")


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a CSV file atomically."""

    def write(file: Path) -> None:
        # File names need not be UTF-8; they are written as the bytes they are.
        with file.open("w", newline="", encoding="utf-8", errors="surrogateescape") as handle:
            writer = csv.writer(handle)
            writer.writerow(header)
            writer.writerows(rows)

    write_atomically(path, write)
