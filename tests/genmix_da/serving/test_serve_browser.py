"""The page in headless Chromium: pictures are dropped, judged and explained."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from genmix_da.serving.app import make_app


@pytest.fixture(scope="module")
def address(answerer: Any, served: Callable[[Any], Any]) -> Iterator[str]:
    with served(make_app(answerer)) as found:
        yield found


def wait_for(browser: Any, script: str) -> Any:
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, 30).until(lambda it: it.execute_script(f"return {script}"))


def give(browser: Any, *files: Path) -> None:
    field = browser.find_element("id", "files")
    field.send_keys("\n".join(map(str, files)))


@pytest.mark.parametrize("width", [1280, 390])
def test_pictures_are_judged(
    browser: Any, address: str, photos: list[Path], tmp_path: Path, width: int
) -> None:
    browser.set_window_size(width, 900)
    browser.get(address)
    wait_for(browser, "document.getElementById('name').textContent === 'demo'")
    assert "rejected above an uncertainty of 0.850" in browser.find_element("id", "about").text
    bad = tmp_path / "<img src=x onerror=alert(1)>.png"
    bad.write_bytes(b"no picture")
    give(browser, *photos[:3], bad)
    wait_for(browser, "document.getElementById('state').textContent === '3 judged, 1 not judged'")
    items = browser.find_elements("css selector", "#answers li")
    assert len(items) == 4
    failed = items[0]  # the last that was given
    assert failed.find_element("class name", "file").text == bad.name
    assert failed.find_element("class name", "decision").text == "not judged"
    assert "not an image" in failed.find_element("class name", "why").text
    for item in items[1:]:
        assert item.find_element("class name", "decision").text not in ("", "…")
        assert len(item.find_elements("css selector", ".top dt")) == 3
        shown = item.find_elements("css selector", "img")
        sizes = [browser.execute_script("return arguments[0].naturalWidth", one) for one in shown]
        assert sizes[1] == 32  # the map, of the network's side
        assert sizes[0] > 0
    # Nothing runs over the sides.
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert [entry for entry in browser.get_log("browser") if "422" not in entry["message"]
            and "415" not in entry["message"]] == []  # fmt: skip
    browser.find_element("id", "clear").click()
    assert browser.find_elements("css selector", "#answers li") == []


def test_a_dropped_picture_is_taken(browser: Any, address: str) -> None:
    browser.get(address)
    wait_for(browser, "document.getElementById('name').textContent === 'demo'")
    browser.find_element("id", "cam").click()
    browser.execute_script(
        "const canvas = document.createElement('canvas'); canvas.width = canvas.height = 40;"
        "canvas.toBlob(blob => { const given = new DataTransfer();"
        " given.items.add(new File([blob], 'drawn.png'));"
        " document.dispatchEvent(new DragEvent('drop', {dataTransfer: given})); });"
    )
    wait_for(browser, "document.getElementById('state').textContent === '1 judged'")
    (item,) = browser.find_elements("css selector", "#answers li")
    assert item.find_element("class name", "file").text == "drawn.png"
    assert not item.find_element("class name", "map").is_displayed()
