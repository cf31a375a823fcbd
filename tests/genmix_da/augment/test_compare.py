"""Variants against each other: numbers known by hand, files, refusals, and real networks."""

from __future__ import annotations

import csv
import gc
import json
import math
import weakref
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from genmix_da.augment import AugmentSettings, compare_files, compare_measures, editors
from genmix_da.augment.compare import compare_editors
from genmix_da.augment.compare_files import COLUMNS, label_points
from genmix_da.augment.diffusion.options import EditorOptions
from genmix_da.augment.prompts import load_prompts
from genmix_da.data.domains import folder_domain

ANGLES = (10, 20, 30, 40)


class StepsEditor:
    """Adds its steps to every level, unless its world says otherwise."""

    name = "steps"
    stand_in = False
    native_size = None
    largest_batch = 3

    def __init__(self, world: World, options: EditorOptions) -> None:
        self.world, self.steps = world, options.steps or 0
        self.settings = {"steps": self.steps, "size": options.size}
        self.itself = self  # a cycle, as hooks make them
        self.edited = False
        world.alive.append(weakref.ref(self))

    def check(self, styles: Sequence[Any]) -> None:
        """Knows every style."""

    def seconds_per_edit(self) -> float | None:
        return self.world.seconds_per_edit

    def edit(
        self, images: Sequence[np.ndarray], prompts: Sequence[Any], seeds: Sequence[int]
    ) -> list[np.ndarray]:
        world = self.world
        others = [ref() for ref in world.alive if ref() is not self]
        world.seen_alive += sum(other is not None and other.edited for other in others)
        world.now += len(images) * world.cost(self.steps) + (0 if self.edited else 100)
        if self.edited:
            world.calls.setdefault(self.steps, []).append(list(seeds))
        self.edited = True
        return [world.answer(image, self.steps) for image in images]


class World:
    """What the editors of a test do, and what they saw."""

    def __init__(self) -> None:
        self.now = 0.0
        self.seen_alive = 0
        self.alive: list[weakref.ref[StepsEditor]] = []
        self.calls: dict[int, list[list[int]]] = {}
        self.seconds_per_edit: float | None = None
        self.cost: Callable[[int], float] = lambda steps: 1.0
        self.answer: Callable[[np.ndarray, int], np.ndarray] = lambda image, steps: image + steps


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setitem(editors.EDITORS, "steps", lambda r: StepsEditor(made, r.options))
    clock = SimpleNamespace(perf_counter=lambda: made.now)
    monkeypatch.setattr(compare_measures, "time", clock)
    return made


class AngleEncoder:
    """The first pixel's red, in degrees, as a direction: cosines are known by hand."""

    name = "angle"
    identity = "angle"

    def encode(self, images: Sequence[np.ndarray]) -> np.ndarray:
        angles = np.radians([float(image[0, 0, 0]) for image in images])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Four images, two of each class, red 10, 20, 30 and 40 everywhere."""
    for number, angle in enumerate(ANGLES):
        pixels = np.full((20, 12, 3), angle, np.uint8)
        pixels[:, :, 1] = np.linspace(20, 200, 12)
        file = tmp_path / "in" / ("cup", "lamp")[number // 2] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(file)
    return tmp_path / "in"


@pytest.fixture
def compare(
    source: Path, tmp_path: Path, settings: AugmentSettings, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """`compare_editors` of the editor "steps" on four images; draws no plot unless told to."""

    def call(*variants: str, **changed: Any) -> dict[str, Any]:
        if not changed.pop("plot", False):  # half a second
            monkeypatch.setattr(compare_files, "_write_plot", lambda *_: None)
        s = replace(settings, seed=changed.pop("seed", 0))
        arguments: dict[str, Any] = {"base": EditorOptions(), "device": "cpu", "images": 4}
        arguments |= {"out": tmp_path / "out", "against": "exact", "encoder": AngleEncoder()}
        arguments |= changed
        against, encoder = arguments.pop("against"), arguments.pop("encoder")
        domain = folder_domain(arguments.pop("src", source))
        prompts = load_prompts("mosaic; autumn; sunset")
        return compare_editors(domain, prompts, "steps", against, variants, encoder, s, **arguments)

    return call


def degrees(angle: float) -> float:
    return math.cos(math.radians(angle))


def test_pixel_difference_by_hand(world: World, compare: Callable) -> None:
    world.answer = lambda image, steps: 255 - image + steps
    reference, near, far = compare("3", "7")["variants"]
    assert reference["pixel_difference"] == 0
    assert reference["psnr_db"] is None
    assert (near["pixel_difference"], far["pixel_difference"]) == (3, 7)
    assert near["psnr_db"] == pytest.approx(20 * math.log10(255 / 3))
    assert far["psnr_db"] == pytest.approx(20 * math.log10(255 / 7))


def test_similarities_and_kept_by_hand(world: World, compare: Callable) -> None:
    # Images of 10 and 20 degrees are turned by the steps, those of 30 and 40 by twice as much.
    world.answer = lambda image, steps: image + steps * (1 if image[0, 0, 0] <= 20 else 2)
    result = compare("20", "40")
    pairs = [degrees(10)] * 3 + [degrees(20)] * 2 + [degrees(30)]
    found = result["statistics"]
    assert found["mean"] == pytest.approx(np.mean(pairs))
    assert found["std"] == pytest.approx(np.std(pairs))
    assert found["threshold"] == pytest.approx(np.mean(pairs) - 2 * np.std(pairs))
    assert degrees(40) < found["threshold"] < degrees(20)
    assert (found["pairs"], found["rule"]) == (12, "all-pairs")
    reference, half, none = result["variants"]
    assert (reference["similarity"], reference["kept"]) == (pytest.approx(1), 1)
    assert half["similarity"] == pytest.approx((degrees(20) + degrees(40)) / 2)
    assert half["similarity_to_reference"] == pytest.approx(half["similarity"])
    assert (half["kept"], none["kept"]) == (0.5, 0)
    # Red, green and blue are all moved: 20 for two images, 40 for two.
    assert half["pixel_difference"] == 30


def test_similarity_to_the_reference_is_not_that_to_the_original(
    world: World, compare: Callable
) -> None:
    result = compare("50", against="20")
    variant = result["variants"][1]
    assert result["against"] == "20"
    assert variant["similarity"] == pytest.approx(degrees(50))
    assert variant["similarity_to_reference"] == pytest.approx(degrees(30))


def test_speed_leaves_out_loading_and_the_warm_up(world: World, compare: Callable) -> None:
    world.cost = lambda steps: 0.5 if steps else 2.0
    reference, variant = compare("1")["variants"]
    assert reference["images_per_second"] == pytest.approx(0.5)
    assert variant["images_per_second"] == pytest.approx(2)
    assert (reference["speed"], variant["speed"]) == (pytest.approx(1), pytest.approx(4))
    assert variant["seconds"] == pytest.approx(2)
    assert variant["batch"] == 3
    assert [len(batch) for batch in world.calls[1]] == [3, 1]


def test_every_variant_has_the_same_images_styles_and_seeds(
    world: World, compare: Callable
) -> None:
    result = compare("1", "2")
    assert world.calls[0] == world.calls[1] == world.calls[2]
    groups: dict[str, list[tuple[Any, ...]]] = {}
    for row in result["edits"]:
        seen = (row["class"], row["image"], row["style"], row["seed"])
        groups.setdefault(row["variant"], []).append(seen)
    assert groups["exact"] == groups["1"] == groups["2"]
    assert [style for _, _, style, _ in groups["1"]] == ["mosaic", "autumn", "sunset", "mosaic"]
    assert len({seed for *_, seed in groups["1"]}) == 4
    assert compare("1", seed=1)["edits"][0]["seed"] != result["edits"][0]["seed"]


def test_an_editor_is_freed_before_the_next_works(world: World, compare: Callable) -> None:
    gc.disable()  # or chance might free them
    try:
        compare("1", "2", "3")
    finally:
        gc.enable()
    assert len(world.alive) == 9
    assert world.seen_alive == 0


def test_unusable_edits_are_counted_and_left_out(
    world: World, compare: Callable, tmp_path: Path
) -> None:
    def answer(image: np.ndarray, steps: int) -> np.ndarray:
        if steps == 5 and image[0, 0, 0] == 10:
            return np.zeros_like(image)
        if steps == 5 and image[0, 0, 0] == 20:
            return np.full(image.shape, np.nan, np.float32)
        return np.zeros_like(image) if steps == 6 else image + steps

    world.answer = answer
    result = compare("5", "6", plot=True)
    _, some, all_ = result["variants"]
    assert (some["failed"], all_["failed"]) == (2, 4)
    assert (some["pixel_difference"], some["kept"]) == (5, 1)
    assert some["similarity"] == pytest.approx(degrees(5))
    keys = ("similarity", "similarity_to_reference", "kept", "pixel_difference", "psnr_db")
    assert {all_[key] for key in keys} == {None}
    problems = [row["problem"] for row in result["edits"] if row["variant"] == "5"]
    assert Counter(problems) == {"black": 1, "non-finite": 1, None: 2}
    assert (tmp_path / "out" / "speed.png").is_file()


def test_a_failed_reference_leaves_nothing_to_compare_with(world: World, compare: Callable) -> None:
    world.answer = lambda image, steps: image + steps if steps else np.zeros_like(image)
    reference, variant = compare("5")["variants"]
    assert reference["failed"] == 4
    assert variant["pixel_difference"] is variant["similarity_to_reference"] is None
    assert variant["similarity"] == pytest.approx(degrees(5))


def test_edits_of_another_size_are_fitted(world: World, compare: Callable) -> None:
    world.answer = lambda image, steps: np.kron(image, np.ones((2, 2, 1), np.uint8)) + steps
    assert compare("3")["variants"][1]["pixel_difference"] == 3


def test_without_features_or_pairs_there_is_no_threshold(
    world: World, compare: Callable, tmp_path: Path
) -> None:
    result = compare("3", encoder=None)
    assert result["features"] == "off"
    assert result["statistics"] is None
    assert result["variants"][1]["kept"] is result["variants"][1]["similarity"] is None
    alone = compare("3", images=1, out=tmp_path / "alone")
    assert alone["statistics"] is alone["variants"][1]["kept"] is None
    assert alone["variants"][1]["similarity"] == pytest.approx(degrees(3))


@pytest.mark.parametrize(
    ("images", "of_class"),
    [(1, [1]), (3, [1, 1, 1]), (5, [1, 2, 2]), (50, [3, 3, 3])],
)
def test_images_are_drawn_from_all_classes(
    world: World, compare: Callable, photos: Callable, tmp_path: Path, images: int, of_class: list
) -> None:
    src = photos(tmp_path / "more", 3, ("cup", "lamp", "pen"))
    rows = compare("1", src=src, images=images)["edits"]
    drawn = Counter(row["class"] for row in rows if row["variant"] == "1")
    assert sorted(drawn.values()) == of_class


def test_broken_images_are_gone_round(world: World, compare: Callable, source: Path) -> None:
    (source / "cup" / "0.png").write_bytes(b"broken")
    result = compare("1")
    assert result["images"] == 3
    assert "0.png" not in {row["image"] for row in result["edits"]}


def test_files_agree(world: World, compare: Callable, tmp_path: Path) -> None:
    result = compare("3", "5/256px", plot=True)
    out = tmp_path / "out"
    assert json.loads((out / "compare.json").read_text()) == result
    assert result["variants"][2]["settings"] == {"steps": 5, "size": 256}
    assert {"packages", "git_commit", "command"} <= result["provenance"].keys()
    with (out / "compare.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [row["name"] for row in rows] == ["exact", "3", "5/256px"]
    assert float(rows[1]["pixel_difference"]) == 3
    assert rows[0]["psnr_db"] == ""  # the reference's own edits
    with Image.open(out / "compare.png") as sheet:
        assert sheet.size == (4 * 166, 22 + 4 * 176)  # original and three; a heading of one line
    with Image.open(out / "speed.png") as plot:
        assert np.asarray(plot.convert("L")).std() > 5


def test_a_comparison_is_replaced_by_the_next(world: World, compare: Callable) -> None:
    compare("3")
    assert [v["name"] for v in compare("4")["variants"]] == ["exact", "4"]


def test_options_for_all_reach_every_editor(world: World, compare: Callable) -> None:
    result = compare("3", base=EditorOptions(size=64))
    assert [v["settings"]["size"] for v in result["variants"]] == [64, 64]
    assert result["given"] == {"size": 64}


def test_names_of_points_do_not_cover_each_other() -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    figure = Figure(figsize=(6.4, 4.4))
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    points = [(1 + n / 50, 5 + n / 100, f"dpm++{n}/256px/reuse3/bf16") for n in range(6)]
    axes.scatter([x for x, _, _ in points], [y for _, y, _ in points])
    axes.set(xlim=(0, 3), ylim=(0, 10))
    label_points(axes, points)
    figure.draw_without_rendering()  # names are put in their places only then
    boxes = [Text.get_window_extent(text) for text in axes.texts]  # without lines to the points
    assert [text.get_text() for text in axes.texts] == [name for _, _, name in points]
    frame = axes.get_window_extent()
    for number, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:number])
        assert frame.x0 <= box.x0 and box.x1 <= frame.x1


@pytest.fixture
def command(run: Callable, source: Path, tmp_path: Path) -> Callable[..., Any]:
    """`genmix-da editors compare` of "steps", features off; later options win."""

    def call(*options: object, src: Path = source) -> Any:
        return run(
            *("editors", "compare", src, "--editor", "steps", "--features", "off"),
            *("--out", tmp_path / "out", "--images", 2, "--device", "cpu", *options),
        )

    return call


def test_command_prints_a_table(world: World, command: Callable, tmp_path: Path) -> None:
    outcome = command("--variants", "3, 5", "--size", 64)
    assert outcome.code == 0, outcome.err
    lines = outcome.out.splitlines()
    assert lines[-1] == str(tmp_path / "out")
    assert any("exact" in line and "same" in line and "1.00x" in line for line in lines)
    assert any(" 3 " in line and "3.00" in line and "38.6" in line for line in lines)
    assert "size 64" in outcome.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--variants", "dpm20"), "did you mean 'dpm++20'?"),
        (("--variants", "3,3"), "'3' is named twice"),
        (("--variants", "3,3steps"), "'3' and '3steps' are the same;"),
        (("--variants", "exact,3"), "'exact' is the reference already"),
        (("--variants", "3", "--steps", 3), "the same with the options given for all"),
        (("--variants", " , "), "no variant to compare"),
        (("--variants", "3", "--against", "exactly"), "did you mean 'exact'?"),
        (("--variants", "3", "--images", 0), "--images is 0"),
        (("--variants", "3", "--size", 60), "--size is 60"),
        (("--variants", "3", "--editor", "filters"), "the filters editor has no options"),
        (("--variants", "3", "--editor", "nothing"), "no editor 'nothing'"),
        (("--variants", "3", "--features", "backbone"), "needs trained weights"),
        (("--variants", "3", "--prompts", "domian"), "did you mean 'domain'?"),
        (("--variants", "3", "--edit-size", 3), "--edit-size is 3"),
    ],
)
def test_bad_input_is_refused_before_any_edit(
    world: World,
    command: Callable,
    complaint: Callable,
    tmp_path: Path,
    options: tuple[object, ...],
    said: str,
) -> None:
    assert said in complaint(command(*options))
    assert world.now == 0
    assert not (tmp_path / "out").exists()


def test_bad_folders_are_refused(
    world: World, command: Callable, complaint: Callable, source: Path, tmp_path: Path
) -> None:
    assert "no source folder" in complaint(command("--variants", "3", src=tmp_path / "no"))
    flat = complaint(command("--variants", "3", src=source / "cup"))
    assert "has no class folders" in flat
    inside = complaint(command("--variants", "3", "--out", source / "cup"))
    assert "lie in each other" in inside
    other = tmp_path / "other"
    other.mkdir()
    for name, content in (("mine.txt", "x"), ("compare.json", "[]"), ("compare.json", "{}")):
        (other / name).write_text(content)
        said = complaint(command("--variants", "3", "--out", other))
        assert "is not empty and not a comparison" in said
    assert "not empty" in complaint(command("--variants", "3", "--out", other / "mine.txt"))
    assert world.now == 0
    for file in source.rglob("*.png"):
        file.write_bytes(b"")
    assert "none of the 4 images" in complaint(command("--variants", "3"))


def test_long_work_on_a_cpu_is_asked_about(
    world: World, command: Callable, complaint: Callable
) -> None:
    world.seconds_per_edit = 1200.0
    said = complaint(command("--variants", "3"))
    assert "3 edits of the variant 'exact' alone would take 1.0 hours" in said
    assert world.now == 0
    assert command("--variants", "3", "--yes").code == 0


def test_editors_are_listed(run: Callable) -> None:
    listed = run("editors", "list", "--json").json()
    assert [row["name"] for row in listed] == list(editors.EDITORS)
    assert all(row["needs"] and row["what"] for row in listed)
    assert [row["name"] for row in listed if row["stand_in"]] == ["filters"]
    text = run("editors", "list").out
    assert all(row["name"] in text for row in listed)


def test_real_networks(command: Callable, tiny_pix2pix: Path, tmp_path: Path) -> None:
    found = command(
        *("--editor", f"instruct-pix2pix:{tiny_pix2pix}", "--steps", 3, "--size", 64),
        *(
            "--variants",
            "dpm++2,fast,plain",
            "--images",
            1,
            "--yes",
            "--json",
            "--prompts",
            "retro comic; graffiti",
        ),
    ).json()
    assert found == json.loads((tmp_path / "out" / "compare.json").read_text())
    reference, fewer, fast, plain = found["variants"]
    assert (reference["settings"]["scheduler"], reference["settings"]["steps"]) == ("euler-a", 3)
    assert (fewer["settings"]["scheduler"], fewer["settings"]["steps"]) == ("dpm++", 2)
    assert (fast["settings"]["reuse"], fast["settings"]["size"]) == (3, 64)
    assert all(v["failed"] == 0 and v["images_per_second"] > 0 for v in found["variants"])
    assert fewer["pixel_difference"] > 1
    assert fast["pixel_difference"] > 1
    assert plain["pixel_difference"] < 1  # the same sums in another order
