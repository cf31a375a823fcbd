"""Self-similar fractal images for Eq. 5, seeded, made once into a cache.

Two families: iterated function systems (random contractive affine maps, drawn by the chaos game)
and escape-time sets (Julia sets of z^2 + c and z^3 + c, c near the Mandelbrot boundary). Each is
coloured with a drawn palette; images with too little structure are rejected and drawn again, and so
are windows of them that are nearly black.
Sources: Barnsley, "Fractals Everywhere", 1988; fractals as mixing images: PixMix (Hendrycks et al.,
CVPR 2022), DiffuseMix (Islam et al., CVPR 2024).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from genmix_da.data.entries import is_image
from genmix_da.errors import UserError
from genmix_da.sealed import read_sealed, write_sealed
from lead.seeds import derive

Pixels = NDArray[np.uint8]

VERSION = 1
# Of the way windows are drawn: 1 took any, 2 draws those again that are nearly black. Augmented
# images hang on it, so it is in the fingerprint; the fractals themselves do not.
WINDOWS = 2
SIDE = 512
COUNT = 64
# Reading one takes ten times as long as all else in a composition. All of ours fit (48 MiB); of a
# user's own, which may be large, some.
_KEPT = COUNT
_KEPT_FOREIGN = 16
_MIN_COVER = 0.25
_MIN_DETAIL = 0.04
_MIN_CONTRAST = 30.0
_MAX_FILLED = 0.15
# A window is nearly black where less than this share of its pixels has this grey level. Of the
# windows of version 1 that are 22 % at 64 pixels, 15 % at 96, 6 % at 160, 0.6 % at 256.
_LIT_SHARE, _LIT = 0.1, 32
_TRIES = 20


def draw_fractal(seed: int, side: int = SIDE) -> Pixels:
    """One fractal image [side, side, 3]; the same seed gives the same pixels.

    Sparse or flat draws are rejected, so every image has structure over a good part of its area.
    """
    for attempt in range(1000):
        draw = np.random.default_rng(derive(seed, "fractal", VERSION, attempt))
        family = _function_system if draw.random() < 0.5 else _julia_set
        field = family(draw, side)
        if field is None or not _has_structure(field):
            continue
        image = _colour(field, draw)
        if image.std() >= _MIN_CONTRAST:
            return image
    raise RuntimeError(f"no fractal with structure from seed {seed}")  # never seen in 10,000 seeds


def _function_system(draw: np.random.Generator, side: int) -> NDArray[np.float32] | None:
    """Density of the chaos game of 2 to 5 contractive affine maps, in [0, 1]."""
    maps = int(draw.integers(2, 6))
    angles = draw.uniform(0, 2 * np.pi, (2, maps))
    scales = draw.uniform(0.35, 0.9, (maps, 2))
    turn = _rotation(angles[0]) @ (scales[:, :, None] * _rotation(angles[1]))  # [maps, 2, 2]
    shift = draw.uniform(-1, 1, (maps, 2))
    chance = np.abs(np.linalg.det(turn)) + 0.05
    walkers, steps, settle = 4000, 120, 20
    choice = draw.choice(maps, size=(steps, walkers), p=chance / chance.sum())
    points = draw.uniform(-1, 1, (walkers, 2))
    seen = []
    for step in range(steps):
        picked = choice[step]
        points = np.einsum("wij,wj->wi", turn[picked], points) + shift[picked]
        if step >= settle:
            seen.append(points)
    cloud = np.concatenate(seen)
    low, high = np.percentile(cloud, [0.5, 99.5], axis=0)
    if not np.all(high - low > 1e-6):
        return None
    grid = ((cloud - low) / (high - low) * side).astype(np.int64)
    inside = np.all((grid >= 0) & (grid < side), axis=1)
    flat = grid[inside, 1] * side + grid[inside, 0]
    density = np.bincount(flat, minlength=side * side).reshape(side, side).astype(np.float32)
    field = np.log1p(cv2.GaussianBlur(density, (0, 0), side / 512))
    return np.asarray(field / max(float(field.max()), 1e-6), dtype=np.float32)


def _rotation(angle: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation matrices [n, 2, 2] of angles [n]."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.stack([np.stack([cosine, -sine], -1), np.stack([sine, cosine], -1)], -2)


def _julia_set(draw: np.random.Generator, side: int) -> NDArray[np.float32] | None:
    """Smoothed escape time of a Julia set, in [0, 1]."""
    power = int(draw.integers(2, 4))
    # The main body of the (multi)brot set is bounded by c = z - z^d with |d z^(d-1)| = 1; just
    # outside it the Julia set is dust and spirals instead of a filled blob.
    fixed = np.exp(1j * draw.uniform(0, 2 * np.pi)) / power ** (1 / (power - 1))
    c = (fixed - fixed**power) * draw.uniform(1.02, 1.15)
    zoom = draw.uniform(0.5, 1.5)
    centre = draw.uniform(-0.4, 0.4) + 1j * draw.uniform(-0.4, 0.4)
    axis = np.linspace(-zoom, zoom, side, dtype=np.float32)
    z = (axis[None, :] + 1j * axis[:, None]).astype(np.complex64) + np.complex64(centre)
    z = z * np.complex64(np.exp(1j * draw.uniform(0, 2 * np.pi)))
    limit = 80
    times = np.full(z.shape, limit, dtype=np.float32)
    alive = np.ones(z.shape, dtype=bool)
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(limit):
            z = z**2 + np.complex64(c) if power == 2 else z * z * z + np.complex64(c)
            size = np.abs(z)
            gone = alive & (size > 4)
            times[gone] = step + 1 - np.log(np.log(size[gone])) / np.log(power)
            alive &= ~gone
            z[~alive] = 0
            if not alive.any():
                break
    low, high = np.percentile(times, [1, 99])
    if not high - low > 1e-3 or np.mean(times == limit) > _MAX_FILLED:
        return None
    return np.clip((times - low) / (high - low), 0, 1).astype(np.float32)


def _has_structure(field: NDArray[np.float32]) -> bool:
    """Enough of the area differs from the emptiest value, and the detail is not a smooth wash."""
    covered = float(np.mean(field > 0.05))
    small = cv2.resize(field, (128, 128), interpolation=cv2.INTER_AREA)
    detail = float(np.mean(np.abs(cv2.Laplacian(small, cv2.CV_32F))))
    return covered >= _MIN_COVER and detail >= _MIN_DETAIL


def _colour(field: NDArray[np.float32], draw: np.random.Generator) -> Pixels:
    """A smooth drawn palette along the field: cosine waves of its own phase per channel."""
    phase, waves = draw.uniform(0, 1, 3), draw.uniform(0.5, 2.0, 3)
    levels = np.linspace(0, 1, 256)[:, None]
    palette = 0.5 + 0.5 * np.cos(2 * np.pi * (waves * levels + phase))  # [256, 3]
    # Dark at the empty end, so that structure and background stay apart.
    palette *= np.clip(0.15 + 1.2 * levels, 0, 1)
    table = np.round(palette * 255).astype(np.uint8)
    return table[np.round(field * 255).astype(np.uint8)]


def lit_share(pixels: Pixels) -> float:
    """Share of pixels [H, W, 3] that are not nearly black."""
    grey = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
    return float(np.mean(grey >= _LIT))


def windows_of(fingerprint: object) -> int:
    """Version of the way windows were drawn, of a recorded `FractalSource.fingerprint`."""
    found = re.search(r"^own/.*/windows(\d+)$", str(fingerprint))
    return int(found[1]) if found else 1


def is_png(content: bytes) -> bool:
    """Whether bytes end as a PNG does."""
    return content.endswith(b"IEND\xaeB`\x82")


class FractalSource:
    """Draws windows of cached fractals.

    Args:
        folder: where the fractals are, or are made: `v<version>-<seed>-<n>.png`; or a folder of the
            user's own images.
        count: how many there are; 0 means: use the images that the folder holds.
        seed: of the fractals.
        windows: version of the way windows of our own fractals are drawn; see `WINDOWS`.

    Raises:
        UserError: count is 0 and the folder holds no image.
    """

    def __init__(
        self, folder: Path, *, count: int = COUNT, seed: int = 0, windows: int = WINDOWS
    ) -> None:
        self.folder = folder
        self.seed = seed
        self.windows = windows
        if count:
            self.files = [folder / f"v{VERSION}-{seed}-{n:04d}.png" for n in range(count)]
        else:
            found = sorted(folder.iterdir()) if folder.is_dir() else []
            self.files = [path for path in found if is_image(path)]
        if not self.files:
            raise UserError(f"no image in the fractal folder {folder}; check --fractals.")
        self._own = bool(count)
        self._read = self._memory()

    def __getstate__(self) -> dict[str, Any]:
        # The memory of read fractals does not travel to the workers of a DataLoader.
        return {key: value for key, value in vars(self).items() if key != "_read"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._read = self._memory()

    def _memory(self) -> Callable[[int], Pixels]:
        return lru_cache(maxsize=_KEPT if self._own else _KEPT_FOREIGN)(self._load)

    def _load(self, index: int) -> Pixels:
        path = self.files[index]
        content = self._own_content(index, path) if self._own else path.read_bytes()
        buffer = np.frombuffer(content or b"\0", dtype=np.uint8)  # OpenCV raises at no bytes at all
        pixels = cv2.imdecode(buffer, cv2.IMREAD_COLOR)
        if pixels is None:
            raise UserError(f"cannot read the fractal {path}; remove it and try again.")
        return np.asarray(pixels[:, :, ::-1])

    def _own_content(self, index: int, path: Path) -> bytes:
        """A fractal of ours, drawn where it is missing or damaged."""
        found = read_sealed(path, is_png)
        if found is None:
            fractal = draw_fractal(derive(self.seed, "cache", index))
            found = cv2.imencode(".png", fractal[:, :, ::-1])[1].tobytes()
            write_sealed(path, found)
        return found

    def fingerprint(self) -> str:
        """What the fractals are: versions, number and seed of ours, a hash of a user's images."""
        if self._own:
            own = f"own/v{VERSION}/{len(self.files)}/{self.seed}"
            return own if self.windows == 1 else f"{own}/windows{self.windows}"
        digest = hashlib.sha256()
        for path in self.files:
            digest.update(path.name.encode(errors="surrogateescape") + path.read_bytes())
        return digest.hexdigest()

    def draw_file(self, draw: np.random.Generator) -> tuple[int, Path]:
        """Number and path of a fractal, the first thing a window draws."""
        index = int(draw.integers(len(self.files)))
        return index, self.files[index]

    def window(self, height: int, width: int, draw: np.random.Generator) -> tuple[str, Pixels]:
        """A drawn window of a drawn fractal, flipped and turned at random.

        A fractal is alike at every scale, so a window does as well as the whole and costs no
        resize unless the image is the larger one. A window of one of ours that is nearly black is
        drawn again, of the same fractal; the lightest is taken where all are.

        Returns:
            (file name, [height, width, 3] uint8).
        """
        index, file = self.draw_file(draw)
        pixels = self._read(index)
        scale = max(height / pixels.shape[0], width / pixels.shape[1], 0.0)
        if scale > 1:
            size = (int(np.ceil(pixels.shape[1] * scale)), int(np.ceil(pixels.shape[0] * scale)))
            pixels = np.asarray(cv2.resize(pixels, size), dtype=np.uint8)
        tries = _TRIES if self._own and self.windows > 1 else 1
        cut, most = pixels, -1.0
        for _ in range(tries):
            top = int(draw.integers(pixels.shape[0] - height + 1))
            left = int(draw.integers(pixels.shape[1] - width + 1))
            drawn = pixels[top : top + height, left : left + width]
            lit = lit_share(drawn)
            if lit > most:
                cut, most = drawn, lit
            if lit >= _LIT_SHARE:
                break
        if draw.random() < 0.5:
            cut = cut[:, ::-1]
        if draw.random() < 0.5:
            cut = cut[::-1]
        return file.name, np.ascontiguousarray(cut)
