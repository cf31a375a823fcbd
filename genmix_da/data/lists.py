"""Image lists as people write them: "path label" lines, CSV, with or without a header.

Separated by blanks, tabs, commas or semicolons; paths with blanks in them, quoted or not; further
columns; # comments; UTF-8 with or without a mark, UTF-16, Latin-1; either slash. Labels are class
names or numbers. Columns are told apart by a header (path, label, domain, part) or, without one, by
what they hold: the path ends like an image, the label comes next to it.
"""

from __future__ import annotations

import codecs
import csv
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from genmix_da.data.entries import IMAGE_SUFFIXES
from genmix_da.errors import UserError

logger = logging.getLogger(__name__)

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HEADINGS = {
    "path": "path file filename filepath filepaths image imagepath img imgpath imagename imageid "
    "name images",
    "label": "label class classname target category labels classid y labelname classlabel labelid",
    "domain": "domain domainname style",
    "part": "part split subset fold set",
}
_ENDS = "|".join(re.escape(suffix) for suffix in sorted(IMAGE_SUFFIXES, key=len, reverse=True))
# The path ends with the last ending of an image that a blank or a separator follows.
_LINE = re.compile(rf"^(.*(?:{_ENDS}))[\"']?\s*([,;\t ])\s*(\S.*)$", re.IGNORECASE)
_IMAGE = re.compile(rf"(?:{_ENDS})[\"']?\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Line:
    """One image of a list.

    Attributes:
        number: of the line, from 1.
        path: as written.
        label: class name or number, as written.
        domain, part: where the list has such columns, else None.
    """

    number: int
    path: str
    label: str
    domain: str | None = None
    part: str | None = None


def read_text(file: Path) -> str:
    """The text of a file in whatever encoding it is likely to have.

    Raises:
        OSError: it cannot be read.
    """
    content = file.read_bytes()
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        logger.info("%s is not UTF-8 and is read as Latin-1", file)
        return content.decode("latin-1")


def is_list(file: Path) -> bool:
    """Whether a text file has a line that names an image and its label."""
    return any(_LINE.match(line) for line in _beginning(file))


def is_table(file: Path) -> bool:
    """Whether a text file has a header that names the columns of paths and labels."""
    first = next(iter(_beginning(file)), "")
    return any(_header(next(csv.reader([first], delimiter=mark))) for mark in ",;\t" if first)


def _beginning(file: Path) -> list[str]:
    """The first lines of a file that are no comments; none where it can't be read."""
    try:
        with file.open("rb") as handle:
            start = handle.read(4096)
    except OSError:
        return []
    encoding = next((name for mark, name in _MARKS if start.startswith(mark)), "latin-1")
    lines = (line.strip() for line in start.decode(encoding, "replace").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def read_list(file: Path) -> list[Line]:
    """The images of a list, in order.

    Raises:
        UserError: it cannot be read, is empty, or has a line that is not understood.
    """
    try:
        text = read_text(file)
    except OSError as error:
        raise UserError(f"cannot read the image list {file}: {error.strerror}.") from error
    lines = [
        (number, line.strip("\ufeff\x00 \r\n"))
        for number, line in enumerate(re.split("\r\n|\r|\n", text), start=1)
        if line.strip("\ufeff\x00 \t\r\n") and not line.lstrip().startswith("#")
    ]
    if not lines:
        raise UserError(f"the image list {file} is empty.")
    mark = _mark([line for _, line in lines])
    parsed = list(_blanks(lines, file) if mark == " " else _table(lines, mark, file))
    if not parsed:
        raise UserError(f"the image list {file} has a header and no image.")
    return parsed


def _mark(lines: list[str]) -> str:
    """What stands between the columns: after the first path there is, or before it."""
    found = next((match for line in lines if (match := _LINE.match(line))), None)
    if found is not None:
        return found[2]
    first = next((line for line in lines if _IMAGE.search(line)), "")
    return next((mark for mark in "\t;," if mark in first), " ")


def _blanks(lines: list[tuple[int, str]], file: Path) -> Iterator[Line]:
    """Lines of a path, blanks, a label and whatever else."""
    for place, (number, line) in enumerate(lines):
        match = _LINE.match(line)
        if match is not None:
            first = match[3].split()[0].strip("\"'")
            # Further columns follow a number; a class name may have blanks.
            label = first if first.isdecimal() else match[3].strip("\"' ")
            yield Line(number, _clean(match[1]), label)
            continue
        words = line.rsplit(maxsplit=1)
        if place == 0 and len(lines) > 1 and {word.lower() for word in line.split()} <= _WORDS:
            continue  # a header
        if len(words) != 2 or not (Path(words[0]).suffix or words[1].isdecimal()):
            raise _not_understood(number, line, file)
        yield Line(number, _clean(words[0]), words[1])


_DIGITS = 100
# Characters of a line that a message quotes.
_SHOWN = 200
_WORDS = {word for words in _HEADINGS.values() for word in words.split()}


def _table(lines: list[tuple[int, str]], mark: str, file: Path) -> Iterator[Line]:
    """Lines of columns, the first of which may be a header."""
    columns: dict[str, int] = {}
    for place, (number, line) in enumerate(lines):
        try:
            cells = [cell.strip() for cell in next(csv.reader([line], delimiter=mark))]
        except csv.Error as error:  # a cell of more than 131,072 characters
            raise _not_understood(number, line, file) from error
        if place == 0:
            columns = _header(cells) or _by_content(cells)
            if columns and not any(_IMAGE.search(cell) for cell in cells):
                continue
        wanted = {role: at for role, at in columns.items() if at < len(cells)}
        if not {"path", "label"} <= set(wanted) or not all(
            cells[wanted[role]] for role in ("path", "label")
        ):
            raise _not_understood(number, line, file)
        values = {role: cells[at] for role, at in wanted.items()}
        yield Line(
            number,
            _clean(values["path"]),
            values["label"],
            values.get("domain") or None,
            values.get("part") or None,
        )


def _header(cells: list[str]) -> dict[str, int]:
    """Role -> column of a header; empty where the first line is none."""
    words = [re.sub(r"[\s_-]", "", cell.lower()) for cell in cells]
    found = {}
    for role, names in _HEADINGS.items():
        at = next((words.index(name) for name in names.split() if name in words), None)
        if at is not None:
            found[role] = at
    return found if {"path", "label"} <= set(found) else {}


def _by_content(cells: list[str]) -> dict[str, int]:
    """The same for a table without a header."""
    at = next((at for at, cell in enumerate(cells) if _IMAGE.search(cell)), None)
    if at is None or len(cells) < 2:
        return {}
    return {"path": at, "label": at + 1 if at + 1 < len(cells) else at - 1}


def _clean(path: str) -> str:
    return path.strip().strip("\"'")


def _not_understood(number: int, line: str, file: Path) -> UserError:
    shown = line if len(line) <= _SHOWN else f"{line[:_SHOWN]} ..."
    return UserError(f"line {number} of {file} is not 'path label': {shown!r}.")


def label_numbers(lines: list[Line], file: Path) -> list[int] | None:
    """The labels as numbers; None where they are class names.

    Raises:
        UserError: some are numbers and some are not, or one has more digits than any label.
    """
    numeric = [line.label.isascii() and line.label.isdigit() for line in lines]
    for line, number in zip(lines, numeric, strict=True):
        if number and len(line.label) > _DIGITS:
            raise UserError(
                f"line {line.number} of {file} has a label of {len(line.label)} digits; mend it."
            )
    if all(numeric):
        return [int(line.label) for line in lines]
    if any(numeric):
        odd = lines[numeric.index(False)]
        raise UserError(
            f"line {odd.number} of {file} has the label {odd.label!r}, where others are numbers; "
            "mend it."
        )
    return None
