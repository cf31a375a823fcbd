"""scripts/split_list.py: the split that `classify` draws, as a list with parts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from genmix_da.classify.datasets import find_parts
from genmix_da.classify.splits import split_parts

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "split_list.py"


def test_the_list_is_read_back_as_the_split_of_the_folder(tmp_path: Path) -> None:
    data = tmp_path / "photos"
    for number in range(20):
        file = data / f"class{number % 2}" / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(file), np.full((8, 8, 3), number, np.uint8))
    command = [sys.executable, str(SCRIPT), str(data), str(tmp_path / "new" / "photos.csv")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("16 to train on, 4 to test on")
    rows = pd.read_csv(tmp_path / "new" / "photos.csv")
    assert len(rows) == 20 and set(rows["part"]) == {"train", "test"}
    listed = split_parts(find_parts(str(tmp_path / "new" / "photos.csv")))
    drawn = split_parts(find_parts(str(data)))
    for one, other in ((listed.train, drawn.train), (listed.test, drawn.test)):
        assert one is not None and other is not None
        assert {Path(i).resolve() for i in one.images} == {Path(i).resolve() for i in other.images}
        assert sorted(one.labels or ()) == sorted(other.labels or ())
