"""The page of `data check --html`."""

from __future__ import annotations

import base64
import io
import re
import shutil
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

EVIL = "<script>alert(1)<"  # no name of a file has a slash


@pytest.fixture
def page(run: Callable, tmp_path: Path) -> Callable[..., str]:
    """The text of the page that the command writes."""

    def make(root: Path, code: int = 0) -> str:
        out = tmp_path / "pages" / "data.html"
        outcome = run("data", "check", root, "--html", out)
        assert outcome.code == code, outcome.err
        assert outcome.out.splitlines()[-1] == str(out)
        return out.read_text(encoding="utf-8")

    return make


@pytest.fixture
def uneven(make_data: Callable, tmp_path: Path) -> Path:
    """Two domains of which one lacks a class and has another spelt in its own way."""
    root = make_data(tmp_path / "own", ("Art",), ("Alarm_Clock", "mug", EVIL), 2)
    make_data(root, ("Photo",), ("alarm clock", "mug"), 2)
    shutil.copytree(root / "Art" / "mug", root / "Flat")
    (root / "Art" / "mug" / 'zero"<b>.png').touch()
    return Path(root)


def test_deep_grey_has_the_range_of_its_domain(page: Callable, tmp_path: Path) -> None:
    for name, top in (("dim", 1000), ("bright", 4000)):
        file = tmp_path / "own" / "Scans" / name / "1.tif"
        file.parent.mkdir(parents=True)
        Image.fromarray(np.full((8, 8), top, np.uint16)).save(file)
    text = page(tmp_path / "own")
    for name, shade in (("dim", 62), ("bright", 250)):
        (cell,) = cells(text, name)
        (picture,) = re.findall(r"data:image/jpeg;base64,([^\"]+)", cell)
        with Image.open(io.BytesIO(base64.b64decode(picture))) as image:
            assert abs(np.asarray(image).mean() - shade) < 3


def test_what_is_twice_is_listed(page: Callable, uneven: Path) -> None:
    for copy in ("Art", "Photo"):
        shutil.copy(uneven / "Art" / "mug" / "00.jpg", uneven / copy / "mug" / "again.jpg")
    text = page(uneven, 1)
    for title in ("several domains", "Art"):
        (listed,) = re.findall(rf"Same bytes in {title}: \d+</h3>(.*?)</ul>", text, re.DOTALL)
        assert str(uneven / "Art" / "mug" / "again.jpg") in listed


def cells(text: str, name: str) -> list[str]:
    row = re.search(rf'<tr><th scope="row">{re.escape(name)}</th>(.*?)</tr>', text, re.DOTALL)
    assert row is not None
    return re.findall(r"<td>(.*?)</td>", row[1], re.DOTALL)


def test_a_picture_of_every_class_and_domain(page: Callable, uneven: Path) -> None:
    text = page(uneven, 1)
    assert text.count('src="data:image/jpeg;base64,') == 3 + 2 + 1
    first, second = cells(text, "Alarm_Clock")
    assert 'alt="Alarm_Clock, Art"' in first
    assert 'alt="alarm clock, Photo"' in second
    assert "alarm clock</span>" in second
    assert first.rstrip().endswith(">2")
    evil = cells(text, "&lt;script&gt;alert(1)&lt;")
    assert "<img" in evil[0]
    assert evil[1] == '<span class="missing">missing</span>'
    assert "Flat: 2</figcaption>" in text


def test_what_is_skipped_is_on_the_page_and_escaped(page: Callable, uneven: Path) -> None:
    text = page(uneven, 1)
    assert "<script" not in text
    assert "<b>" not in text
    assert f"<code>{uneven}/Art/mug/zero&#34;&lt;b&gt;.png</code> zero bytes" in text
    assert "Something was left out" in text
    said = "Files: 13 = 12 read + 1 skipped + 0 lists + 0 not images + 0 hidden."
    assert said in unescape(text)


def test_a_clean_folder_says_so(page: Callable, data: Path) -> None:
    text = page(data)
    assert "Something was left out" not in text
    assert "Every image is read." in text
    assert text.count("<img") == 18


def test_a_class_that_cannot_be_read_has_no_picture(
    page: Callable, make_data: Callable, tmp_path: Path
) -> None:
    root = make_data(tmp_path / "own", ("Art",), ("a", "b"), 1)
    (root / "Art" / "a" / "00.jpg").write_bytes(b"junk")
    (cell,) = cells(page(root, 1), "a")
    assert "unreadable" in cell
    assert "<img" not in cell


def test_parts_are_counted_in_the_cells(
    page: Callable, make_data: Callable, tmp_path: Path
) -> None:
    root = make_data(tmp_path / "own", ("train", "test"), ("a", "b"), 2)
    (root / "test" / "a" / "00.jpg").unlink()
    assert "train 2, test 1" in cells(page(root), "a")[0]


def test_the_page_is_quiet_and_fits_a_telephone(
    page: Callable, uneven: Path, browser: Any, tmp_path: Path
) -> None:
    page(uneven, 1)
    file = tmp_path / "pages" / "data.html"
    frame = tmp_path / "frame.html"
    frame.write_text(f'<iframe src="{file.as_uri()}" width="400" height="900"></iframe>')
    for address in (file, frame):
        browser.get(address.as_uri())
        if address == frame:
            browser.switch_to.frame(0)
        wide = "return document.documentElement.scrollWidth <= window.innerWidth"
        assert browser.execute_script(wide)
        loaded = "return Array.from(document.images).every(i => i.complete && i.naturalWidth > 0)"
        assert browser.execute_script(loaded)
        assert browser.execute_script("return document.images.length") == 6
    assert browser.get_log("browser") == []
