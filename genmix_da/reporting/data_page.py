"""A data folder on one page: a picture of every class in every domain, counts, what is left out."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genmix_da.data.check import Checked
from genmix_da.data.checked import DataReport
from genmix_da.data.grey import GreyRange
from genmix_da.data.pixels import pil_warnings_ignored, read_image
from genmix_da.data.spelling import Spelling
from genmix_da.progress import track
from genmix_da.reporting.html import environment, page_file, source
from genmix_da.reporting.pictures import data_uri
from lead.files import write_atomically

SIDE = 96  # longest side of a picture in pixels; two thousand of them make some 10 MB
_QUALITY = 70
_LISTED = 200  # lines of each list


@dataclass(frozen=True)
class Cell:
    """A class in a domain.

    Attributes:
        images: number of readable ones.
        name: as the domain spells it.
        parts: "train 12, test 3", or "".
        picture: data URI of one of them; None where none can be read.
    """

    images: int
    name: str
    parts: str
    picture: str | None


@dataclass(frozen=True)
class Row:
    """A class.

    Attributes:
        name: of the class.
        cells: of the domains in order; None where a domain lacks it.
    """

    name: str
    cells: tuple[Cell | None, ...]


def write_data_page(checked: Checked, out: str | Path, lines: Iterable[str]) -> Path:
    """Write the page.

    Args:
        checked: a folder that was looked over.
        out: HTML file to write.
        lines: sentences on what was found, as the command prints them.

    Returns:
        The HTML file.

    Raises:
        UserError: `out` is no name for a file.
    """
    path = page_file(out, "--html")
    report, pictures = checked.report, _pictures(checked)
    text = (
        environment()
        .get_template("data.html.j2")
        .render(
            report=report,
            name=Path(report.root).resolve().name,
            rows=_rows(report, pictures),
            unlabelled=[
                (d, pictures.get(d.example or "")) for d in report.domains if not d.classes
            ],
            labelled=[domain for domain in report.domains if domain.classes],
            lines=list(lines),
            near=[
                (f"{cosine:.3f}", one, other)
                for group in (report.near.groups if report.near else ())
                for one, other, cosine in group.pairs
            ],
            listed=_LISTED,
            css=source("page.css") + source("data.css"),
        )
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    content = text.encode("utf-8", "replace")  # names of files need not be UTF-8
    write_atomically(path, lambda file: file.write_bytes(content))
    return path


def _rows(report: DataReport, pictures: dict[str, str | None]) -> list[Row]:
    """The classes of all domains in order."""
    spelling = Spelling(report.classes.names)
    cells = [
        {
            spelling.name(found.name): Cell(
                found.images,
                found.name,
                ", ".join(f"{part} {count}" for part, count in found.parts.items()),
                pictures.get(found.example or ""),
            )
            for found in domain.class_list
        }
        for domain in report.domains
        if domain.classes
    ]
    return [Row(name, tuple(own.get(name) for own in cells)) for name in report.classes.names]


def _pictures(checked: Checked) -> dict[str, str | None]:
    """Path -> data URI of the examples, deep grey in the range of its domain."""
    wanted: dict[str, GreyRange] = {}
    for domain, one in zip(checked.report.domains, checked.everything.held, strict=True):
        paths = [found.example for found in domain.class_list] or [domain.example]
        wanted |= {path: one.domain.grey for path in paths if path is not None}
    with pil_warnings_ignored(), ThreadPoolExecutor(os.cpu_count()) as pool:
        drawn = pool.map(_picture, wanted, wanted.values())
        made = list(track(drawn, "drawing the page", len(wanted)))
        return dict(zip(wanted, made, strict=True))


def _picture(path: str, grey: GreyRange) -> str | None:
    try:
        image = read_image(Path(path).read_bytes(), grey)
    except (OSError, ValueError):  # it could be read a moment ago
        return None
    image.thumbnail((SIDE, SIDE))
    return data_uri(np.asarray(image), _QUALITY)
