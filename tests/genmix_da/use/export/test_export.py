"""An exported model says what the checkpoint says: every format, every kind of model."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import genmix_da
from genmix_da.errors import UserError
from genmix_da.hidden_paths import hidden
from genmix_da.use.export import write
from genmix_da.use.export.deployed import Deployed
from genmix_da.use.export.formats import FORMATS
from genmix_da.use.export.resizing import Enlarge, pillow_is_tall_first, resized
from genmix_da.use.export.write import export
from lead.crops import six_views

EXAMPLE = Path(genmix_da.__file__).parents[1] / "examples" / "run_without_torch.py"
# Number of pictures, height, width.
SIZES = [(1, 40, 60), (3, 90, 30), (2, 32, 200), (1, 36, 36)]


@pytest.fixture
def pictures() -> list[np.ndarray]:
    """Batches of noise."""
    draw = np.random.default_rng(0)
    return [draw.integers(0, 256, (*size, 3), dtype=np.uint8) for size in SIZES]


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("side", [20, 36, 97])
def test_resizing_is_pillows(pictures: list[np.ndarray], side: int, interpolation: str) -> None:
    first = pillow_is_tall_first()
    for batch in pictures:
        given = torch.from_numpy(batch).permute(0, 3, 1, 2).float()
        found = resized(given, side, interpolation, tall_first=first).permute(0, 2, 3, 1)
        resample = Image.Resampling[interpolation.upper()]
        expected = [np.asarray(Image.fromarray(p).resize((side, side), resample)) for p in batch]
        assert (found.numpy() == np.stack(expected)).all()


def test_enlarging_is_opencvs_but_for_rounding(pictures: list[np.ndarray]) -> None:
    """The corners of a picture that the network sees whole."""
    square = pictures[3][0][:32, :32]
    expected = six_views(square, 32)[2].astype(float)
    window = torch.from_numpy(square[:28, :28]).permute(2, 0, 1).unsqueeze(0).float()
    found = Enlarge(28, 32)(window)[0].permute(1, 2, 0).numpy()
    assert np.abs(found - expected).max() <= 1
    assert (found != expected).mean() < 0.02


def names_of_places(file: Path) -> list[str]:
    """Where this code lies and what the machine is called, as far as the file says it."""
    parts = [file.read_bytes()]
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as held:
            parts += [entry.filename.encode() + held.read(entry) for entry in held.infolist()]
    places = [str(Path(genmix_da.__file__).parent), str(Path(torch.__file__).parents[1])]
    places += [f"{socket.gethostname()}-{os.getpid()}", file.name]
    return [place for place in places if any(place.encode() in part for part in parts)]


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize("graph", [False, True])
def test_every_format_says_the_same(
    finished: Any, tmp_path: Path, pictures: list[np.ndarray], to: str, graph: bool
) -> None:
    out = tmp_path / "deep" / "my-model"
    found = export(finished.folder, to, out, graph=graph)
    assert (found.file, found.format, found.images) == (out, to, 16)
    assert found.difference < 1e-5
    assert (found.graph_size > 0) == graph
    assert found.size == out.stat().st_size > found.graph_size
    assert not names_of_places(out)
    run = FORMATS[to].load(out)
    model = genmix_da.load_model(finished.folder, "cpu")
    for batch in pictures:
        probability, uncertainty, rejected = run(batch)
        expected = model.predict(batch)
        wanted = expected.graph if graph else expected
        assert wanted is not None
        assert probability == pytest.approx(wanted.probability, abs=1e-5)
        assert uncertainty == pytest.approx(wanted.uncertainty, abs=1e-5)
        assert rejected.tolist() == wanted.rejected.tolist()


def test_metadata_and_a_process_without_torch(
    finished: Any, tmp_path: Path, photos: list[Path]
) -> None:
    file = tmp_path / "model.onnx"
    export(finished.folder, out=file)
    code = (
        "import json, sys, numpy, onnxruntime\n"
        "from PIL import Image\n"
        "session = onnxruntime.InferenceSession(sys.argv[1])\n"
        "about = session.get_modelmeta().custom_metadata_map\n"
        "found = []\n"
        "for path in sys.argv[2:]:\n"
        "    pixels = numpy.asarray(Image.open(path).convert('RGB'))[None]\n"
        "    probability, _, rejected = session.run(None, {'pixels': pixels})\n"
        "    found.append([probability[0].tolist(), bool(rejected[0])])\n"
        "print(json.dumps([about, found, 'torch' in sys.modules]))"
    )
    command = [sys.executable, "-c", code, str(file), *map(str, photos)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    about, found, torch_there = json.loads(said)
    model = genmix_da.load_model(finished.folder, "cpu")
    assert json.loads(about["classes"]) == list(model.classes)
    assert json.loads(about["threshold"]) == model.threshold
    assert json.loads(about["provenance"]) == hidden(model.description["provenance"])
    assert not torch_there
    expected = model.predict(photos)
    assert np.array([row[0] for row in found]) == pytest.approx(expected.probability, abs=1e-5)
    assert [row[1] for row in found] == expected.rejected.tolist()
    command = [sys.executable, str(EXAMPLE), str(file), *map(str, photos)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    for line, path, name in zip(lines[1:], photos, expected.predicted, strict=True):
        assert line.startswith(f"{path}: {name} (")


def test_a_classifier_is_exported(classifier: Path, tmp_path: Path, run: Callable) -> None:
    out = tmp_path / "model.pt2"
    outcome = run("export", classifier, "--to", "torch-export", "--out", out, "--json")
    assert outcome.json()["file"] == str(out)
    assert "export: writing" in outcome.err
    again = run("export", classifier, "--to", "torch-export", "--out", out)
    assert "export: replacing" in again.err
    with out.open("rb") as handle:
        extra = {"threshold": "", "classes": ""}
        torch.export.load(handle, extra_files=extra)
    assert json.loads(extra["threshold"]) is None
    assert json.loads(extra["classes"]) == list(genmix_da.load_model(classifier, "cpu").classes)


def test_what_differs_is_not_written(
    finished: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "TOLERANCE", -1.0)
    out = tmp_path / "out" / "model.pt"
    out.parent.mkdir()
    out.write_text("an earlier one")
    with pytest.raises(UserError, match="differs from the checkpoint"):
        export(finished.folder, "torchscript", out)
    assert out.read_text() == "an earlier one"
    assert list(out.parent.iterdir()) == [out]


def test_a_run_whose_images_are_gone_is_held_against_drawn_ones(
    finished: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished.folder, folder)
    (folder / "predictions.csv").unlink()
    killed = folder / f".model.pt.{socket.gethostname()}-999999999-01234567.tmp"
    killed.touch()
    found = export(folder, "torchscript")
    assert (found.images, found.drawn) == (16, True) and 0 <= found.difference < 1e-5
    assert "held against drawn pictures" in caplog.text
    assert not killed.exists()


def test_no_folder_of_this_machine_is_in_the_file(finished: Any) -> None:
    model = genmix_da.load_model(finished.folder, "cpu")
    made_by = {"provenance": {"command": ["adapt", "--data", "/w/photos"]}}
    told = replace(model, description={**model.description, **made_by})
    about = write.metadata(told, Deployed(told), graph=False)
    assert json.loads(about["provenance"]) == {"command": ["adapt", "--data", "photos"]}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--to", "tflite"), "no format 'tflite'; choose onnx, torch-export, torchscript"),
        (("--graph",), "has no graph"),
        (("--out", EXAMPLE), "looks like no onnx model, which alone is replaced"),
    ],
)
def test_mistakes(
    classifier: Path, run: Callable, complaint: Callable, options: tuple[str, ...], said: str
) -> None:
    assert said in complaint(run("export", classifier, *options))


def test_a_missing_package_is_named(
    classifier: Path, run: Callable, complaint: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    from genmix_da.use.export import formats

    monkeypatch.setattr(formats, "find_spec", lambda name: None if name == "onnx" else True)
    assert "needs onnx: pip install 'genmix-da[export]'" in complaint(run("export", classifier))
