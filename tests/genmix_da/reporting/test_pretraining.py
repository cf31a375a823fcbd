"""Pages on pre-trainings and on their tables: what was run, curves, and what probes found."""

from __future__ import annotations

import html
import json
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from genmix_da.reporting import probes
from genmix_da.reporting.content import gather
from genmix_da.reporting.load import load_runs
from genmix_da.reporting.rerun import rerun_command
from genmix_da.runs.seal import seal
from tiny_runs import few_small_fractals

NETWORK = (
    *("--backbone", "timm:test_efficientnet", "--weights", "none", "--image-size", "32"),
    *("--batch-size", "24", "--device", "cpu"),
)
GENMIX = ("--editor", "filters", "--features", "off", "--edit-size", "20", "--per-image", "1")
BY_GENMIX = ("--method", "simsiam", "--augment", "genmix", *GENMIX)


@pytest.fixture(autouse=True)
def small_fractals() -> Iterator[None]:
    """As in `command`: which fractals there are is part of what a run is."""
    with few_small_fractals():
        yield


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., None]:
    """`genmix-da ...`, for fixtures that several tests share."""
    from genmix_da.cli import main

    cache = tmp_path_factory.mktemp("cache")

    def call(*words: object) -> None:
        with pytest.MonkeyPatch.context() as patch, few_small_fractals():
            patch.setenv("GENMIX_DA_CACHE", str(cache))
            assert main([str(word) for word in words]) == 0

    return call


@pytest.fixture(scope="module")
def pretrained(command: Callable, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pre-training of two epochs that was probed on two data sets; to be read, not changed."""
    folder = tmp_path_factory.mktemp("pretrained") / "run"
    given = ("--data", data / "Art", *NETWORK, *BY_GENMIX, "--epochs", "2", "--out", folder)
    command("ssl", "train", *given)
    command("ssl", "probe", folder, "--data", data / "Art")
    command("ssl", "probe", folder, "--data", data / "Clipart", "--shots", "4")
    return folder


@pytest.fixture(scope="module")
def table(command: Callable, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of two pre-trainings of one epoch."""
    folder = tmp_path_factory.mktemp("table") / "ssl"
    rows = ("--methods", "simsiam", "--augments", "none,genmix", "--seeds", "1")
    given = ("--data", data / "Art", *NETWORK, *GENMIX, "--epochs", "1", "--shots", "6")
    command("ssl", "table", *given, *rows, "--test-data", data / "Clipart", "--out", folder)
    return folder


@pytest.fixture(scope="module")
def page(pretrained: Path, write_page: Callable[..., str]) -> str:
    """The page of the pre-training."""
    return html.unescape(write_page(pretrained))


@pytest.fixture
def copied(pretrained: Path, tmp_path: Path) -> Path:
    """The pre-training, to be changed."""
    return Path(shutil.copytree(pretrained, tmp_path / "copied"))


def read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text())
    return content


def change(file: Path, **fields: Any) -> None:
    """Another content, sealed as the run seals its own."""
    file.write_text(json.dumps(seal(read(file) | fields)))


def probes_in(folder: Path) -> list[dict[str, Any]]:
    return list(read(folder / "probe.json")["probes"].values())


def test_what_was_run_is_told(page: str) -> None:
    told = dict(re.findall(r"<dt>([^<]*)</dt><dd>([^<]*)</dd>", page))
    assert told["method"] == "simsiam+genmix[filters]"
    assert told["backbone"] == "timm:test_efficientnet, begun with random weights"
    assert told["epochs"] == "2 (6 steps)"
    assert told["batch"] == "24 images, two views of each"
    assert told["views"].startswith("original-augmented; 32 px, cut from pictures of ")
    assert "72 of Art, without labels" in page


def test_made_pictures_are_counted_and_shown(pretrained: Path, page: str) -> None:
    made = read(pretrained / "result.json")["made"]
    assert f"{made['made']} pictures; edits: {made['kept']} kept, {made['dropped']} dropped" in page
    assert 'alt="original of an image of' in page
    assert "stands in for a generative one" in page


def test_curves_have_every_epoch(pretrained: Path) -> None:
    (run,) = load_runs([pretrained]).runs
    rows = [json.loads(line) for line in (pretrained / "metrics.jsonl").read_text().splitlines()]
    assert run.metrics == rows and len(rows) == 2
    charts = {chart.name: chart for chart in gather(load_runs([pretrained]), ["x"]).charts}
    losses = f"from {rows[0]['loss']:.4f} in the first to {rows[1]['loss']:.4f} in the last"
    assert losses in charts["run-1-loss"].alt
    assert f"to {rows[1]['feature_std']:.4f} in the last; evenly" in charts["run-1-spread"].alt
    assert charts["run-1-rate"].title == "Learning rate"


def test_a_probe_stands_beside_the_backbone_before(pretrained: Path, page: str) -> None:
    shown = re.findall(r'data-score="last" data-value="([^"]*)"', page)
    found = probes_in(pretrained)
    assert shown == [str(each["trained"]["linear"]) for each in found]
    for each in found:
        grid = probes.grid(each)
        for row, scores in zip(grid.rows, (each["trained"], each["start"]), strict=True):
            numbers = [f"{100 * scores[name]:.1f}" for name in ("linear", "knn")]
            assert [entry.text for entry in row[1:]] == numbers
    assert "before pre-training" in page
    assert "12 of the test images were seen in pre-training, without their labels" in page
    assert "24 training" in page and "shots 4" in page
    assert "No probe says yet" not in page


def test_gains_are_against_the_backbone_before(copied: Path, page_of: Callable) -> None:
    found = probes_in(copied)[0]
    found["trained"] |= {"linear": 0.5, "knn": 0.75}
    found["start"] |= {"linear": 0.75, "knn": 0.5}
    change(copied / "probe.json", probes={"one": found})
    page = html.unescape(page_of(copied))
    (card,) = re.findall(r'<div class="card last">.*?</dl>', page, re.DOTALL)
    assert '<div class="loss"><dt>linear probe</dt><dd>\u25bc \u221225.0</dd></div>' in card
    assert '<div class="gain"><dt>kNN</dt><dd>\u25b2 +25.0</dd></div>' in card
    assert "points against before pre-training: worse than no pre-training" in page


def test_printed_rows_are_set_off(copied: Path, page_of: Callable) -> None:
    found = probes_in(copied)[0]
    found["published"] = [{"source": "Table <9>", "method": "GenMix", "top1": 0.8357}]
    change(copied / "probe.json", probes={"one": found})
    page = page_of(copied)
    (row,) = re.findall(r'<tr class="published">(.*?)</tr>', page, re.DOTALL)
    assert "GenMix (published)" in row and "83.6" in row
    assert "Table &lt;9&gt;. The print states neither its protocol" in page


def test_two_probes_of_one_data_set_are_told_apart(copied: Path) -> None:
    one = probes_in(copied)[0]
    two = one | {"neighbours": 5}
    change(copied / "probe.json", probes={"one": one, "two": two, "three": two})
    (run,) = load_runs([copied]).runs
    told = ("60", "5, probe 2", "5, probe 3")
    names = [f"linear probe on Art (neighbours {words})" for words in told]
    assert [card.name for card in probes.cards(run)] == names


def test_how_to_make_a_probe_is_said_in_one_line(copied: Path, page_of: Callable) -> None:
    (copied / "probe.json").unlink()
    page = html.unescape(page_of(copied))
    assert page.count("No probe says yet what was learned") == 1
    assert f"genmix-da ssl probe {copied} --data DIR" in page
    assert 'data-score="' not in page
    assert "Loss of pre-training" in page


@pytest.mark.parametrize(
    ("probed", "said"),
    [
        ("{", "is damaged or was edited"),
        ({"digest": "0"}, "its digest does not match"),
        ({"identity": "f" * 16}, f"it is of the run {'f' * 16}"),
        ({"probes": {"one": 3}}, "Probe one of probe.json is no object"),
    ],
)
def test_damaged_probes_cost_themselves_alone(
    copied: Path, page_of: Callable, probed: Any, said: str
) -> None:
    file = copied / "probe.json"
    if isinstance(probed, str):
        file.write_text(probed)
    elif "digest" in probed:
        file.write_text(json.dumps(read(file) | probed))
    else:
        change(file, **probed)
    page = html.unescape(page_of(copied))
    assert said in page
    assert "Loss of pre-training" in page and 'data-score="' not in page


@pytest.mark.parametrize(
    ("probe", "said"),
    [
        ({"trained": None}, "has no images, split or scores"),
        ({"classes": "six"}, "has counts that are no numbers"),
        ({"start": {"linear": 2.0, "knn": 0.5}}, "has scores that are no fractions"),
        ({"published": [{"top1": 0.5}]}, "has printed rows of another form"),
        ({"dataset": None}, "does not say of what it is"),
    ],
)
def test_probes_of_another_form(copied: Path, probe: dict[str, Any], said: str) -> None:
    good, bad = probes_in(copied)
    change(copied / "probe.json", probes={"good": good, "bad": bad | probe})
    (run,) = load_runs([copied]).runs
    assert run.probes == (good,)
    assert run.notes["probes"] == f"Probe bad of probe.json {said}."


def test_a_run_that_has_not_finished(copied: Path, page_of: Callable) -> None:
    fields = {"status": "incomplete", "last_epoch": None, "timing": None}
    change(copied / "result.json", **fields)
    (copied / "metrics.jsonl").write_text((copied / "metrics.jsonl").read_text().splitlines()[0])
    page = html.unescape(page_of(copied))
    assert "NOT FINISHED" in page and "1 of 2" in page
    assert "Loss of pre-training" in page and 'data-score="' not in page
    (copied / "metrics.jsonl").unlink()
    assert "Not there yet: no epoch has finished." in html.unescape(page_of(copied))


def test_a_changed_record_is_one_sentence(
    copied: Path, run: Callable, complaint: Callable, tmp_path: Path
) -> None:
    ended = read(copied / "result.json")["last_epoch"]
    change(copied / "result.json", made={"kept": "all"})
    line = complaint(run("report", copied, "-o", tmp_path / "page.html"))
    assert "has counts of images or steps that are no numbers" in line
    change(copied / "result.json", made=None, last_epoch=ended | {"loss": None})
    line = complaint(run("report", copied, "-o", tmp_path / "page.html"))
    assert "does not say how the pre-training ended" in line
    (copied / "result.json").write_text(json.dumps(read(copied / "result.json") | {"seed": 9}))
    assert "was edited" in complaint(run("report", copied, "-o", tmp_path / "page.html"))


def test_a_collapse_is_said(copied: Path, page_of: Callable) -> None:
    last = read(copied / "result.json")["last_epoch"] | {"feature_std": 0.0004}
    change(copied / "result.json", last_epoch=last)
    assert "The projections have collapsed: their spread is 0.0004" in page_of(copied)


def test_pretrainings_side_by_side_have_no_empty_tables(
    pretrained: Path, copied: Path, page_of: Callable
) -> None:
    change(copied / "result.json", identity="f" * 16, seed=7)
    change(copied / "probe.json", identity="f" * 16)
    page = html.unescape(page_of(pretrained, copied))
    assert page.count('data-score="last"') == 4
    assert '<section id="tables">' not in page and "Heat map" not in page
    assert "Seconds per stage" in page


def test_one_probe_is_what_a_pretraining_is_chosen_by(pretrained: Path, copied: Path) -> None:
    found = probes_in(copied)[0]
    change(copied / "probe.json", probes={"one": found})
    assert load_runs([copied]).runs[0].headline == found["trained"]["linear"]
    assert load_runs([pretrained]).runs[0].headline is None  # two data sets


def test_the_command_makes_the_same_pretraining(
    pretrained: Path, run: Callable, tmp_path: Path
) -> None:
    result = read(pretrained / "result.json")
    words = shlex.split(str(rerun_command(result, str(tmp_path / "again"))))
    assert words[:3] == ["genmix-da", "ssl", "train"]
    again = run(*words[1:], "--json").json()
    assert again["identity"] == result["identity"]
    assert again["last_epoch"] == result["last_epoch"]


def test_a_table_is_shown_as_it_is_printed(table: Path, page_of: Callable) -> None:
    page = html.unescape(page_of(table))
    assert len(load_runs([table]).runs) == 2  # their pre-trainings are parts of them
    for name in ("a linear probe", "nearest neighbours", "a linear probe before pre-training"):
        assert re.search(rf'class="caption">Linear probe, top-1 of {name}, last epoch', page)
    assert "paired differences in percent points" in page
    held = [read(file)["scores"]["last"] for file in table.glob("linear_probe/*/*/result.json")]
    shown = set(re.findall(r'data-score="last" data-value="([^"]*)"', page))
    assert shown == {str(block["linear"]) for block in held}
    assert page.count("Loss of pre-training") >= 2 and "probing" in page
    assert "36 training images, 72 test images, shots 6" in page
    assert "<dt>seen before</dt><dd>no test image</dd>" in page
    assert "edits kept" in page
    assert "No probe says yet" not in page


def test_a_table_of_many_has_its_averages(table: Path, page_of: Callable) -> None:
    page = html.unescape(page_of(table, "--details", 1))
    assert set(re.findall(r'data-average="([^"]*)"', page)) == {
        "simsiam",
        "simsiam+genmix[filters]",
    }


def test_the_command_makes_the_same_run_of_a_table(
    table: Path, run: Callable, tmp_path: Path
) -> None:
    for file in table.glob("linear_probe/*/*/result.json"):
        result = read(file)
        words = shlex.split(str(rerun_command(result, str(tmp_path / "again"))))
        assert words[:3] == ["genmix-da", "ssl", "table"]
        assert run(*words[1:]).code == 0
        made = next((tmp_path / "again").rglob(f"{file.parent.name}/result.json"))
        assert read(made)["identity"] == result["identity"]
        assert read(made)["scores"] == result["scores"]
