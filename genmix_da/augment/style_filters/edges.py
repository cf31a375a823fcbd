"""Contours and a guess at the subject, found without any trained model."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from .colour import even_light
from .primitives import blur, coordinates, luma, smoothstep, unit


def contour_lines(
    image: np.ndarray, width: float, threshold: float = 0.02, gain: float = 30.0
) -> np.ndarray:
    """Dark-side contour lines by a difference of Gaussians over the colour channels.

    Args:
        image: RGB image [H, W, 3] in [0, 1], best already flattened.
        width: Scale of the lines in pixels (sigma of the inner Gaussian).
        threshold: Smallest response that counts as a line.
        gain: Steepness with which a response becomes ink.

    Returns:
        Ink density, float32 [H, W], 1 on a line.
    """
    sigma = max(width, 0.4)
    difference = blur(image, 1.6 * sigma) - blur(image, sigma)
    strongest = cv2.max(cv2.max(difference[..., 0], difference[..., 1]), difference[..., 2])
    return np.clip((strongest - threshold) * gain, 0.0, 1.0)


def ink_lines(
    image: np.ndarray, width: float, threshold: float = 0.02, gain: float = 30.0
) -> np.ndarray:
    """Contour lines of an image, joined by those found after evening out its light.

    Takes and returns the same as `contour_lines`. The second set brings out forms in deep
    shade; its higher threshold keeps texture that the evening raises from becoming ink.
    """
    evened = even_light(image, 18 * unit(image.shape))
    return np.maximum(
        contour_lines(image, width, threshold, gain),
        contour_lines(evened, width, 1.5 * threshold, gain),
    )


def gradients(grey: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Horizontal and vertical derivative of a field [H, W], per pixel."""
    return (
        cv2.Sobel(grey, cv2.CV_32F, 1, 0, ksize=3, scale=0.125),
        cv2.Sobel(grey, cv2.CV_32F, 0, 1, ksize=3, scale=0.125),
    )


def edge_strength(image: np.ndarray, sigma: float) -> np.ndarray:
    """Gradient magnitude [H, W] of the brightness, in change per unit."""
    scale = unit(image.shape)
    along_x, along_y = gradients(blur(luma(image), sigma))
    return cv2.magnitude(along_x, along_y) * scale


class Subject(NamedTuple):
    """A guess at the subject of a photograph.

    Attributes:
        mask: float32 [H, W], 1 on the subject.
        trust: How far the mask follows real outlines (1) or is a mere ellipse (0).
    """

    mask: np.ndarray
    trust: float


def find_subject(image: np.ndarray) -> Subject:
    """Guesses which pixels belong to the subject.

    Where most of the image border has one colour (a product shot) the background is all of
    that colour that is connected to the border. The more cluttered the border, the more the
    guess gives way to a soft ellipse around the centre.

    Args:
        image: RGB image [H, W, 3] in [0, 1].

    Returns:
        The mask and how far it can be trusted.
    """
    height, width = image.shape[:2]
    scale = unit(image.shape)
    smooth = blur(image, 1.2 * scale)
    lab = cv2.cvtColor(smooth.astype(np.float32), cv2.COLOR_RGB2LAB)
    rim = max(1, round(5 * scale))
    sides = [part.reshape(-1, 3) for part in (lab[:rim], lab[-rim:], lab[:, :rim], lab[:, -rim:])]
    border = np.concatenate(sides)
    # Corners are candidates too: a subject may fill most of every side, but seldom a corner.
    corners = [lab[0, 0], lab[0, -1], lab[-1, 0], lab[-1, -1]]
    candidates = [np.median(part, axis=0) for part in (border, *sides)] + corners
    shares = [float((np.linalg.norm(border - c, axis=1) < 10.0).mean()) for c in candidates]
    share = max(shares)
    offset = lab - candidates[shares.index(share)]
    distance = np.sqrt(np.einsum("hwc,hwc->hw", offset, offset))

    limit = 9.0 + 8.0 * (1.0 - share)
    count, labels = cv2.connectedComponents((distance < limit).astype(np.uint8), connectivity=4)
    touching = np.zeros(count, bool)
    for side in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        touching[side] = True
    touching[0] = False
    enclosed = np.where(touching[labels], 0.0, 1.0).astype(np.float32)
    coloured = smoothstep(distance, limit, limit + 10.0)
    # Enclosed areas of the background colour (a white cup, the gaps of a wheel) are half kept.
    keyed = blur(np.maximum(coloured, 0.55 * enclosed), 1.0 * scale)

    rows, columns = coordinates(image.shape)
    radius = np.hypot((rows / height - 0.5) / 0.52, (columns / width - 0.5) / 0.52)
    ellipse = 1.0 - smoothstep(radius, 0.55, 1.15)
    trust = float(np.clip((share - 0.40) / 0.25, 0.0, 1.0))
    return Subject((trust * keyed + (1.0 - trust) * ellipse).astype(np.float32), trust)


def subject_mask(image: np.ndarray) -> np.ndarray:
    """Mask of `find_subject` alone, float32 [H, W], 1 on the subject."""
    return find_subject(image).mask
