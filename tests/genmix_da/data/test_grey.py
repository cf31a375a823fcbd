"""--grey-range: chosen for a data set, said, part of what images are, and never a silent clip."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genmix_da.augment.edits import content_hash
from genmix_da.config_values import check_grey_range
from genmix_da.data.decode import decode_domain
from genmix_da.data.domain import Domain
from genmix_da.data.folders import folder_domain
from genmix_da.data.grey import GreyRange
from genmix_da.errors import UserError

RAMP = np.linspace(0, 1, 64 * 64).reshape(64, 64)


def deep(folder: Path, top: int = 4095, count: int = 4, dtype: type = np.uint16) -> Domain:
    """Ramps of deep grey in two classes."""
    for number in range(count):
        file = folder / "ab"[number % 2] / f"{number}.tif"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((RAMP * top).astype(dtype)).save(file)
    return folder_domain(folder)


def greatest(domain: Domain, choice: str) -> int:
    return int(decode_domain(domain.with_grey(choice), 64, "bilinear").pixels.max())


def test_each_range_has_pixels_of_its_own(tmp_path: Path) -> None:
    domain = deep(tmp_path)
    choices = {"auto": 255, "full": 15, "0,8191": 127, "0,1000": 255}
    for _ in range(2):  # the second time out of the cache
        assert {choice: greatest(domain, choice) for choice in choices} == choices
    prints = {decode_domain(domain.with_grey(c), 64, "bilinear").fingerprint for c in choices}
    assert len(prints) == len(choices)


def test_eight_bits_have_no_range(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.fromarray((RAMP * 255).astype(np.uint8)).save(tmp_path / name / "1.png")
    domain = folder_domain(tmp_path)
    prints = {
        decode_domain(domain.with_grey(choice), 64, "bilinear").fingerprint
        for choice in ("auto", "full", "3,9")
    }
    assert len(prints) == 1


def test_sixteen_bits_are_what_they_were(tmp_path: Path) -> None:
    domain = deep(tmp_path, 65535)
    assert domain.grey.mark(domain.images) == ""
    assert domain.with_grey("full").grey.mark(domain.images) == ""
    assert domain.with_grey("0,65536").grey.mark(domain.images) == "grey 0 to 65536"


def test_edits_are_of_the_range(tmp_path: Path) -> None:
    domain = deep(tmp_path)
    path = domain.images[0]
    hashes = [
        content_hash(path, path.read_bytes(), domain.with_grey(choice).grey)
        for choice in ("auto", "full", "0,1000", "0,4095")
    ]
    assert len(set(hashes)) == 3
    assert hashes[0] == hashes[3]  # auto finds 12 bits


def test_auto_says_what_it_takes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "genmix_da")
    decode_domain(deep(tmp_path), 64, "bilinear")
    assert "4 images of deep grey: 0 is black and 4095 is white (--grey-range)" in caplog.text


@pytest.mark.parametrize(("top", "dtype"), [(-4000, np.int32), (1.5, np.float32)])
def test_full_names_what_it_does_not_hold(tmp_path: Path, top: float, dtype: type) -> None:
    domain = deep(tmp_path, top, 40, dtype)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"outside of 0 to .*; use --grey-range auto or MIN,MAX"):
        decode_domain(domain.with_grey("full"), 8, "bilinear")


def test_a_part_has_the_range_of_the_whole(tmp_path: Path) -> None:
    domain = deep(tmp_path, 4095)
    Image.fromarray((RAMP * 900).astype(np.uint16)).save(tmp_path / "a" / "dim.tif")
    domain = folder_domain(tmp_path)
    row = [path.name for path in domain.images].index("dim.tif")
    dim = decode_domain(domain.part([row]), 64, "bilinear").pixels.max()
    assert dim == 900 * 256 // 4096
    alone = Domain("dim", tmp_path, (domain.images[row],), ("a",), ("a",))
    assert decode_domain(alone, 64, "bilinear").pixels.max() == 900 * 256 // 1024


def test_ranges_travel_to_other_processes(tmp_path: Path) -> None:
    grey = deep(tmp_path).with_grey("0,1000").grey
    again = pickle.loads(pickle.dumps(grey))
    values = (RAMP * 4095).astype(np.uint16)
    assert np.array_equal(again.eight_bits(values), grey.eight_bits(values))


@pytest.mark.parametrize("choice", ["", "most", "3", "3,2", "1,1", "0,nan", "0,inf", "1,2,3"])
def test_no_ranges(choice: str) -> None:
    with pytest.raises(UserError, match=r"no grey range .* Check --grey-range"):
        check_grey_range(choice)
    with pytest.raises(UserError, match="no grey range"):
        GreyRange((), choice)


def test_a_run_keeps_its_range(run: Callable, adapt: Callable, tmp_path: Path) -> None:
    for name in ("One", "Two"):
        deep(tmp_path / "data" / name, 4095, 20)
    settings = (
        *("--data", tmp_path / "data", "--src", "One", "--tgt", "Two", "--setting", "pda"),
        *("--augment", "none", "--image-size", 32, "--batch-size", 4, "--source-epochs", 1),
        *("--backbone", "timm:test_efficientnet", "--weights", "none", "--epochs", 1),
        *("--out", tmp_path / "run"),
    )
    assert adapt(*settings, "--grey-range", "full").code == 0
    refused = adapt(*settings, "--resume")
    assert refused.code == 2
    assert "choose another --out" in refused.complaints[0]
    # evaluate and predict read images as the run did, without being told.
    held = set((tmp_path / "cache" / "images").glob("*.npy"))
    outcome = run("evaluate", tmp_path / "run", "--tgt", "Two", "--data", tmp_path / "data")
    assert outcome.code == 0, outcome
    assert set((tmp_path / "cache" / "images").glob("*.npy")) == held
    wrong = adapt(*settings[:-1], tmp_path / "other", "--grey-range", "3")
    assert "no grey range '3'" in wrong.complaints[0]
