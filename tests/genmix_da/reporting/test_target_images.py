"""Target images of a run, read for its page as the run read them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genmix_da.reporting.target_images import TargetImages


@pytest.mark.parametrize(("choice", "shade"), [(None, 62), ("full", 3), ("0,2000", 127)])
def test_deep_grey_has_the_range_of_the_run(tmp_path: Path, choice: str | None, shade: int) -> None:
    paths = [str(tmp_path / f"{number}.tif") for number in range(2)]
    for path, top in zip(paths, (1000, 4000), strict=True):
        Image.fromarray(np.full((8, 8), top, np.uint16)).save(path)
    config = {} if choice is None else {"grey_range": choice}
    images = TargetImages(tmp_path, {"provenance": {"config": config}}, [*paths, "gone.tif"])
    image = images.read(paths[0])
    assert image is not None
    assert np.asarray(image).max() == shade
    assert images.read("gone.tif") is None
