"""What Python is given that a command can't be: one sentence, nothing begun, nothing written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import genmix_da
from genmix_da.augment import AugmentSettings, GenMix
from genmix_da.errors import UserError

NUMBER: Any = 7
MISTAKES: list[tuple[Callable[..., Any], str]] = [
    (lambda a: genmix_da.adapt(**a, out=a["out"] / "r", log=NUMBER), "int can't log a run"),
    (lambda a: genmix_da.adapt(**a, out=[a["out"]]), "is no path"),
    (lambda a: genmix_da.adapt(**a, sources=a["data"] + "/new"), "new lies in the data folder"),
    (
        lambda a: genmix_da.classify.train(data=str(a["images"]), augmented=a["images"] / "new"),
        "Art/new lies in the data folder",
    ),
    (lambda a: genmix_da.adapt(**a, out=a["out"] / "r", config=NUMBER), "7 is no path"),
    (lambda a: genmix_da.adapt(config=str(a["out"] / "no.yaml")), "cannot read the configuration"),
    (lambda a: genmix_da.report(NUMBER, a["out"] / "p.html"), "7 is no path"),
    (lambda a: genmix_da.report(str(a["out"]), a["out"] / "p.html"), "no run in"),
    (lambda a: genmix_da.augment_folder(a["images"], a["out"] / "e", {}), "settings are a dict"),
    (lambda a: genmix_da.augment_folder(a["images"], a["out"] / "e", devices=()), "devices"),
    (lambda a: genmix_da.augment_folder(a["images"], a["out"] / "e", devices="gpu"), "'gpu'"),
    (
        lambda a: genmix_da.augment_folder(a["images"], a["out"] / "e", encoder=NUMBER),
        "the encoder is a int",
    ),
    (lambda a: GenMix(encoder="dinov9"), "dinov9"),
    (lambda a: AugmentSettings(masks="vertcal"), "no mask 'vertcal'"),
    (lambda a: genmix_da.table(out=""), "empty path"),
]


@pytest.mark.parametrize(("call", "said"), MISTAKES, ids=[said for _, said in MISTAKES])
def test_mistakes(call: Callable[..., Any], said: str, data: Path, tmp_path: Path) -> None:
    class Given(dict[str, Any]):
        """The settings of a run, and places that are no setting."""

        def __getitem__(self, name: str) -> Any:
            return {"out": tmp_path, "images": data / "Art"}.get(name) or super().__getitem__(name)

    with pytest.raises(UserError, match=said):
        call(Given(src="Art", tgt="Clipart", data=str(data)))
    assert [path.name for path in tmp_path.iterdir() if path.name != "cache"] == []


def test_nothing_is_written_where_one_file_can_not_be(finished: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="give another --probabilities FILE"):
        genmix_da.predict(finished.folder, tmp_path, tmp_path / "p.csv", probabilities=tmp_path)
    with pytest.raises(UserError, match="give another --out FILE"):
        genmix_da.predict(finished.folder, tmp_path, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_paths_in_a_list(finished: Any, data: Path, tmp_path: Path) -> None:
    images = sorted((data / "Clipart").rglob("*.png"))[3:0:-1]
    found = genmix_da.predict(finished.folder, images, tmp_path / "p.csv")
    lines = (tmp_path / "p.csv").read_text().splitlines()
    assert found["images"] == 3
    assert [line.split(",")[0] for line in lines[1:]] == [str(path) for path in images]
    with pytest.raises(UserError, match="the list is empty"):
        genmix_da.predict(finished.folder, [], tmp_path / "none.csv")


def test_a_report_of_one_place(finished: Any, tmp_path: Path) -> None:
    for number, place in enumerate((finished.folder, str(finished.folder), [finished.folder])):
        assert genmix_da.report(place, tmp_path / f"{number}.html").is_file()


def test_what_may_be_said_shortly() -> None:
    assert AugmentSettings(masks="vertical").masks == ("vertical",)
    assert GenMix(encoder="off")._encoder is None
