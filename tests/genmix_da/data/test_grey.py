"""--grey-range: chosen for a data set, said, part of what images are, and never a silent clip."""

from __future__ import annotations

import io
import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genmix_da.augment.jobs import content_hash
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


def test_deep_grey_under_another_name(tmp_path: Path) -> None:
    """What a file holds counts, and not what it is called."""
    for number in range(3):
        file = tmp_path / "a" / f"{number}.jpg"
        file.parent.mkdir(exist_ok=True)
        Image.fromarray((RAMP * 4095).astype(np.uint16)).save(file, "PNG")
    domain = folder_domain(tmp_path)
    assert domain.grey.usual == (0, 4095)
    pixels = decode_domain(domain, 64, "bilinear").pixels
    assert abs(float(pixels.mean()) - 127) < 2
    assert domain.with_grey("0,9").grey.mark(domain.images) == "grey 0 to 9"


def test_thirty_two_bits_without_a_sign(tmp_path: Path) -> None:
    values = (RAMP * (2**32 - 1)).astype(np.uint32)
    for kind in ("a", "b"):
        (tmp_path / kind).mkdir()
        tifffile(tmp_path / kind / "1.tif", values)
    domain = folder_domain(tmp_path)
    for choice in ("auto", "full"):
        row = decode_domain(domain.with_grey(choice), 64, "bilinear").pixels[0].ravel()[::3]
        assert np.abs(row.astype(float) - RAMP.ravel() * 255).max() <= 1


def tifffile(path: Path, values: np.ndarray) -> None:
    """A TIFF of 32 bits without a sign, which PIL does not write."""
    buffer = io.BytesIO()
    Image.fromarray(values.view(np.int32)).save(buffer, "TIFF")
    signed, plain = (struct.pack("<HHIH", 339, 3, 1, what) for what in (2, 1))
    assert signed in buffer.getvalue()
    path.write_bytes(buffer.getvalue().replace(signed, plain))
    with Image.open(path) as image:
        assert (image.mode, image.tag_v2[339]) == ("I", (1,))


def test_images_outside_of_the_data_set_are_taken_by_themselves() -> None:
    grey = GreyRange(())
    assert grey.usual is None
    assert grey.eight_bits((RAMP * 4095).astype(np.uint16)).max() == 255


@pytest.mark.parametrize("top", [1, 3, 200, 255, 4095])
def test_the_greatest_value_is_white(top: int) -> None:
    grey = GreyRange((), f"0,{top}")
    assert grey.eight_bits(np.array([[0, top]], np.uint16)).tolist() == [[0, 255]]


def test_full_does_not_hang_on_the_values(tmp_path: Path) -> None:
    dim, bright = np.full((4, 4), 65535, np.int32), np.full((4, 4), 65536, np.int32)
    grey = GreyRange((), "full")
    assert grey.eight_bits(dim).max() == grey.eight_bits(bright).max() == 0
    assert grey.eight_bits(dim.astype(np.uint16)).max() == 255


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
