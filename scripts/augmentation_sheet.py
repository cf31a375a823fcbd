"""One picture through every augmentation of `genmix-da classify`, on one sheet.

    python scripts/augmentation_sheet.py IMAGE PARTNER sheet.png [--size 128] [--draws 3] [--seed 0]

The partner is what the mixing methods mix with. GenMix and DiffuseMix edit with filters.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np

from genmix_da.augment.edits import load_working_image
from genmix_da.classify.sheet import augmentation_sheet
from genmix_da.errors import user_message


def square(path: Path, size: int) -> np.ndarray:
    """The middle of a picture file: [size, size, 3] uint8."""
    try:
        pixels = load_working_image(path, 4096)
    except ValueError as error:
        sys.exit(f"{path}: {error}")
    side = min(pixels.shape[:2])
    top, left = (pixels.shape[0] - side) // 2, (pixels.shape[1] - side) // 2
    middle = pixels[top : top + side, left : left + side]
    return np.asarray(cv2.resize(middle, (size, size), interpolation=cv2.INTER_AREA))


def main() -> None:
    """Read two pictures and write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image", type=Path)
    parser.add_argument("partner", type=Path)
    parser.add_argument("sheet", type=Path)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    try:
        image, partner = (
            square(path, arguments.size) for path in (arguments.image, arguments.partner)
        )
        augmentation_sheet(
            arguments.sheet, image, partner, draws=arguments.draws, seed=arguments.seed
        )
    except Exception as error:
        message = user_message(error)
        if message is None:
            raise
        sys.exit(f"augmentation_sheet: {message}")


if __name__ == "__main__":
    main()
