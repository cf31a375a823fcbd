"""The page in headless Chromium: it loads quietly, sorts, and can be used from the keyboard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def page(
    finished: Any, genmix_run: Any, browser: Any, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A report of two runs, one of which was renamed to something that no page should run."""
    import shutil

    from genmix_da.reporting import write_report
    from genmix_da.runs.seal import seal

    folder = tmp_path_factory.mktemp("page")
    shutil.copytree(finished.folder, folder / "evil")
    content = json.loads((folder / "evil" / "result.json").read_text())
    content["method"] = f"lead {EVIL}"
    content["provenance"]["config"]["label_sets"]["shared"][0] = EVIL
    (folder / "evil" / "result.json").write_text(json.dumps(seal(content)))
    out: Path = write_report([folder / "evil", genmix_run.folder], folder / "report.html")
    return out


@pytest.fixture
def opened(page: Path, browser: Any) -> Any:
    """The browser with the page open at desktop width."""
    browser.set_window_size(1280, 900)
    browser.get(page.as_uri())
    return browser


def column(browser: Any, table: int, place: int) -> list[str]:
    found: list[str] = browser.execute_script(
        "return Array.from(document.querySelectorAll('table.sortable')[arguments[0]]"
        ".tBodies[0].rows).map(r => r.cells[arguments[1]].textContent.trim())",
        table,
        place,
    )
    return found


def test_console_is_silent_and_no_dialog_opens(opened: Any) -> None:
    from selenium.common.exceptions import NoAlertPresentException

    assert opened.get_log("browser") == []
    with pytest.raises(NoAlertPresentException):
        _ = opened.switch_to.alert.text


def test_all_pictures_load(opened: Any) -> None:
    opened.execute_script("for (const i of document.images) { i.loading = 'eager'; }")
    broken = opened.execute_async_script(
        "const done = arguments[0];"
        "const tried = i => i.decode().then(() => null, () => i.alt);"
        "Promise.all(Array.from(document.images).map(tried))"
        ".then(all => done([all.length, all.filter(x => x !== null)]))"
    )
    assert broken[0] > 10
    assert broken[1] == []


def test_every_drawing_has_a_size(opened: Any) -> None:
    sizes = opened.execute_script(
        "return Array.from(document.querySelectorAll('figure svg')).map(s => {"
        "const r = s.getBoundingClientRect(); return [r.width, r.height]; })"
    )
    assert len(sizes) > 20
    assert all(width > 200 and height > 60 for width, height in sizes)


def test_numbers_are_those_of_the_record(opened: Any, finished: Any) -> None:
    shown = opened.execute_script(
        "const all = {}; for (const e of document.querySelectorAll('#result [data-score]')) {"
        " all[e.dataset.score] = all[e.dataset.score] || [];"
        " all[e.dataset.score].push([e.dataset.value, e.textContent.trim()]); } return all;"
    )
    scores = finished.result["scores"]
    for name in ("last", "selected", "oracle"):
        value = scores[name]["h_score"]
        assert [str(value), f"{100 * value:.1f} %"] in shown[name]


def test_evil_names_stay_text(opened: Any) -> None:
    headings = [heading.text for heading in opened.find_elements("tag name", "h2")]
    assert f"Art to Clipart, OPDA 3/1/2, lead {EVIL}, seed 2021" in headings
    texts = opened.execute_script(
        "return Array.from(document.querySelectorAll('svg text')).map(t => t.textContent)"
    )
    assert any(EVIL[:10] in text for text in texts)
    assert opened.execute_script("return document.scripts.length") == 1


def test_sorting_by_click(opened: Any) -> None:
    before = column(opened, 0, 3)  # behind the name, SF and CF
    button = opened.find_element("css selector", "table.sortable th:nth-child(4) button")
    head = opened.find_element("css selector", "table.sortable th:nth-child(4)")
    button.click()
    assert head.get_attribute("aria-sort") == "descending"
    down = column(opened, 0, 3)
    button.click()
    assert head.get_attribute("aria-sort") == "ascending"
    up = column(opened, 0, 3)
    numbers = [float(text.rstrip("*")) for text in up]
    assert len(set(numbers)) > 1
    assert numbers == sorted(numbers)
    assert down == up[::-1]
    assert sorted(before) == sorted(up)


def test_sorting_from_the_keyboard(opened: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    opened.execute_script("document.querySelector('table.sortable th button').focus()")
    active = opened.switch_to.active_element
    active.send_keys(Keys.TAB)
    opened.switch_to.active_element.send_keys(Keys.ENTER)
    head = opened.find_element("css selector", "table.sortable th:nth-child(2)")
    assert head.get_attribute("aria-sort") == "descending"
    opened.switch_to.active_element.send_keys(Keys.SPACE)
    assert head.get_attribute("aria-sort") == "ascending"


def test_first_tab_offers_to_skip_to_the_content(opened: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    opened.find_element("tag name", "body").send_keys(Keys.TAB)
    active = opened.switch_to.active_element
    assert active.text == "Skip to the content"
    assert active.location["x"] >= 0
    outline = opened.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_focus_never_gets_lost_on_the_way_through(opened: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    seen = set()
    body = opened.find_element("tag name", "body")
    body.send_keys(Keys.TAB)
    for _ in range(40):
        active = opened.switch_to.active_element
        assert active.tag_name != "body"
        seen.add(active.id)
        active.send_keys(Keys.TAB)
    assert len(seen) == 40


def test_gallery_fills_its_width(opened: Any) -> None:
    # The edits' cache is gone, so no row has all its parts: the first is given six.
    share, columns = opened.execute_script(
        "const strip = document.querySelector('#gallery .edit.kept .strip');"
        "while (strip.children.length < 6) {"
        "  strip.append(strip.firstElementChild.cloneNode(true)); }"
        "const last = strip.lastElementChild.getBoundingClientRect();"
        "const whole = document.querySelector('#gallery').getBoundingClientRect();"
        "const tops = Array.from(strip.children).map(c => c.getBoundingClientRect().top);"
        "return [(last.right - whole.left) / whole.width, tops.filter(t => t === tops[0]).length];"
    )
    assert columns == 6
    assert share > 0.97  # but for the frame


@pytest.mark.parametrize("width", [1280, 390])
def test_page_is_never_wider_than_the_window(opened: Any, width: int) -> None:
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        opened.refresh()
        inside = opened.execute_script(
            "const e = document.documentElement; return [innerWidth, e.clientWidth, e.scrollWidth]"
        )
        assert inside[0] == width
        assert inside[2] == inside[1]  # without a scroll bar's width
        smallest = opened.execute_script(
            "return Math.min(...Array.from(document.querySelectorAll('figure svg text'))"
            ".map(t => t.getBoundingClientRect().height).filter(h => h > 0))"
        )
        assert smallest > 8
    finally:
        opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_dark_readers_get_a_dark_page(opened: Any) -> None:
    def ink(scheme: str) -> tuple[str, str]:
        feature = {"name": "prefers-color-scheme", "value": scheme}
        opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        colours: list[str] = opened.execute_script(
            "const axis = document.querySelector('figure svg text');"
            "return [getComputedStyle(document.body).backgroundColor, getComputedStyle(axis).fill]"
        )
        return colours[0], colours[1]

    light, dark = ink("light"), ink("dark")
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert light == ("rgb(255, 255, 255)", "rgb(27, 29, 33)")
    assert dark == ("rgb(21, 23, 27)", "rgb(232, 234, 237)")


def test_print_opens_the_folds(opened: Any) -> None:
    opened.execute_script("window.dispatchEvent(new Event('beforeprint'))")
    closed = "return document.querySelectorAll('details:not([open]):not(.long)').length"
    assert opened.execute_script(closed) == 0
    opened.execute_script("window.dispatchEvent(new Event('afterprint'))")
    assert opened.execute_script(closed) > 0


def test_command_can_be_copied(opened: Any) -> None:
    button = opened.find_element("css selector", "button.copy")
    opened.execute_script("arguments[0].closest('details').open = true", button)
    opened.execute_script("arguments[0].click()", button)
    selected = opened.execute_script("return window.getSelection().toString()")
    assert selected.startswith("genmix-da adapt --src Art --tgt Clipart")
