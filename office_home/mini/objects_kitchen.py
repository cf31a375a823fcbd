"""Things found in a kitchen or on a set table."""

from __future__ import annotations

import numpy as np

from .parts import ObjectSpec, Part, Parts, arc, blob, box, curve, line, oval, poly


def bottle(rng: np.random.Generator) -> Parts:
    """A bottle with a cap, shoulders and a label."""
    half = rng.uniform(0.3, 0.42)
    neck = rng.uniform(0.11, 0.15)
    shoulder = rng.uniform(-0.32, -0.12)
    top = -0.92
    right = np.concatenate(
        [
            [(neck, top), (neck, shoulder - 0.38)],
            curve(
                [
                    (neck, shoulder - 0.38),
                    (neck, shoulder - 0.1),
                    (half, shoulder - 0.16),
                    (half, shoulder + 0.1),
                ]
            ),
            [(half, 0.9)],
            arc(half - 0.08, 0.92, 0.08, 0.08, 0, 90, 5),
        ]
    )
    left = right[::-1] * (-1, 1)
    label = rng.uniform(0.05, 0.15)
    foot = rng.uniform(0.55, 0.72)
    return [
        poly("body", np.concatenate([right, left]), "tube_x"),
        box("paper", -half, label, half, foot, 0.0, "tube_x"),
        box("accent", -half, label + 0.12, half, label + 0.26, 0.0, "tube_x", False),
        box("accent", -neck - 0.05, top - 0.2, neck + 0.05, top + 0.02, 0.04, "tube_x"),
        box("body", -neck - 0.03, top + 0.08, neck + 0.03, top + 0.14, 0.02, "tube_x", False),
    ]


def bucket(rng: np.random.Generator) -> Parts:
    """A tapered pail with an open top and a wire handle."""
    wide, deep = rng.uniform(0.7, 0.82), rng.uniform(0.14, 0.22)
    narrow, foot = wide * rng.uniform(0.62, 0.74), rng.uniform(0.85, 1.0)
    side = np.concatenate(
        [arc(0, foot - 0.06, narrow, 0.12, 0, 180), [(-wide, -0.35), (wide, -0.35)]]
    )
    stripe = rng.uniform(0.1, 0.3)
    reach = (stripe + 0.35) / (foot + 0.29)
    at = wide + (narrow - wide) * reach
    sway = rng.uniform(-0.25, 0.25)
    rise = rng.uniform(-1.55, -1.25)
    handle = curve(
        [(-wide, -0.35), (-wide * 0.9 + sway, rise), (wide * 0.9 + sway, rise), (wide, -0.35)]
    )
    return [
        line("metal", handle, 0.06),
        poly("body", side, "tube_x"),
        oval("body", 0, -0.35, wide + 0.05, deep + 0.04),
        oval("cavity", 0, -0.35, wide - 0.04, deep - 0.03),
        line("accent", arc(0, stripe, at - 0.02, 0.13, 0, 180), 0.1, False),
        oval("metal", -wide, -0.3, 0.07, 0.08),
        oval("metal", wide, -0.3, 0.07, 0.08),
        line("accent", [handle[10], handle[14]], 0.14),
    ]


def candles(rng: np.random.Generator) -> Parts:
    """Two or three burning candles of different heights."""
    number = int(rng.integers(2, 4))
    half = rng.uniform(0.16, 0.2) if number == 3 else rng.uniform(0.2, 0.25)
    heights = rng.permutation([1.35, 1.0, 0.7])[:number]
    parts: Parts = []
    if rng.random() < 0.6:
        parts.append(oval("metal", 0, 0.92, half * number * 1.5, 0.16))
    for i in range(number):
        cx = (i - (number - 1) / 2) * half * 2.35
        foot = 0.92 + 0.04 * (i % 2)
        top = foot - heights[i] * rng.uniform(0.9, 1.1)
        role = "body" if i % 2 == 0 else "accent"
        sides = [(cx - half, top), (cx + half, top)]
        parts.append(
            poly(role, np.concatenate([sides, arc(cx, foot, half, 0.06, 0, 180)]), "tube_x")
        )
        parts.append(oval("paper", cx, top, half, 0.06))
        if rng.random() < 0.7:
            drip = cx + half * rng.uniform(-0.6, 0.5)
            parts.append(line("paper", [(drip, top + 0.04), (drip, top + 0.22)], 0.09, False))
        parts.append(line("dark", [(cx, top), (cx, top - 0.12)], 0.035, False))
        lean = rng.uniform(-0.05, 0.05)
        parts.append(_flame("flame", cx, top - 0.06, 0.15, 0.46, lean))
        parts.append(_flame("glow", cx, top - 0.09, 0.07, 0.24, lean))
    return parts


def _flame(role: str, cx: float, foot: float, half: float, height: float, lean: float) -> Part:
    outline = np.concatenate(
        [
            curve(
                [(cx, foot), (cx + half * 1.7, foot - height * 0.25), (cx + lean, foot - height)]
            ),
            curve(
                [(cx + lean, foot - height), (cx - half * 1.7, foot - height * 0.25), (cx, foot)]
            ),
        ]
    )
    return poly(role, outline, "flat", role == "flame")


def fork(rng: np.random.Generator) -> Parts:
    """A table fork with three or four tines, pointing up."""
    tines = int(rng.integers(3, 5))
    half = rng.uniform(0.24, 0.29)
    root = rng.uniform(-0.42, -0.32)
    grip = rng.uniform(0.1, 0.14)
    handle_role = "metal" if rng.random() < 0.65 else "body"
    thick = 2 * half / (2 * tines - 1) * 1.12
    parts: Parts = [
        line("metal", [(x, -0.98), (x, root)], thick)
        for x in np.linspace(-half + thick / 2, half - thick / 2, tines)
    ]
    head = np.concatenate(
        [
            [(-half, root - 0.05), (half, root - 0.05)],
            curve([(half, root), (half, root + 0.3), (0.07, root + 0.26), (0.06, root + 0.48)]),
            curve([(-0.06, root + 0.48), (-0.07, root + 0.26), (-half, root + 0.3), (-half, root)]),
        ]
    )
    handle = np.concatenate(
        [[(-0.06, root + 0.42), (0.06, root + 0.42)], arc(0, 1.0 - grip, grip, grip, 0, 180)]
    )
    return [*parts, poly("metal", head), poly(handle_role, handle, "tube_x")]


def spoon(rng: np.random.Generator) -> Parts:
    """A table spoon, bowl up."""
    half, length = rng.uniform(0.26, 0.33), rng.uniform(0.4, 0.46)
    grip = rng.uniform(0.09, 0.14)
    handle_role = "metal" if rng.random() < 0.65 else "body"
    centre = -0.56
    handle = np.concatenate(
        [[(-0.055, centre + 0.3), (0.055, centre + 0.3)], arc(0, 1.0 - grip, grip, grip, 0, 180)]
    )
    return [
        poly(handle_role, handle, "tube_x"),
        oval("metal", 0, centre, half, length, "ball"),
        oval("hollow", 0.01, centre + 0.01, half * 0.74, length * 0.78, "ball", False),
        oval(
            "light", -half * 0.3, centre - length * 0.3, half * 0.12, length * 0.24, "flat", False
        ),
    ]


def kettle(rng: np.random.Generator) -> Parts:
    """A stove kettle: domed body, spout on the left, hoop handle on top."""
    wide = rng.uniform(0.62, 0.72)
    top = rng.uniform(-0.28, -0.18)
    body = np.concatenate(
        [
            curve([(-0.3, top), (-wide * 0.95, top + 0.1), (-wide, 0.5), (-wide * 0.98, 0.78)]),
            curve([(wide * 0.98, 0.78), (wide, 0.5), (wide * 0.95, top + 0.1), (0.3, top)]),
        ]
    )
    reach = rng.uniform(1.0, 1.14)
    lift = rng.uniform(-0.16, 0.0)
    tip = (-reach + 0.2, lift - 0.1)
    under = curve([(-0.4, 0.62), (-0.85, 0.5), (-reach, lift)])
    spout = np.concatenate([under, [tip, (-0.4, 0.06)]])
    rise = rng.uniform(-1.3, -1.1)
    handle = curve([(-0.52, top + 0.16), (-0.62, rise), (0.62, rise), (0.52, top + 0.16)])
    return [
        line("dark", handle, 0.13),
        poly("body", spout, "ball"),
        poly("body", body, "ball"),
        box("metal", -wide * 0.97, 0.74, wide * 0.97, 0.86, 0.04, "tube_x"),
        blob(
            "accent",
            [(-0.36, top + 0.03), (-0.2, top - 0.16), (0.2, top - 0.16), (0.36, top + 0.03)],
        ),
        oval("dark", 0, top - 0.16, 0.1, 0.09, "ball"),
    ]


def mug(rng: np.random.Generator) -> Parts:
    """A mug with a handle on the right and a drink in it."""
    half, foot = rng.uniform(0.5, 0.6), rng.uniform(0.62, 0.78)
    narrow = half * rng.uniform(0.84, 1.0)
    grip = rng.uniform(0.3, 0.38)
    top = -0.6
    side = np.concatenate([[(-half, top), (half, top)], arc(0, foot, narrow, 0.14, 0, 180)])
    mid = (top + foot) / 2 + 0.04
    handle = arc(half * 0.92, mid, grip + 0.08, grip, -85, 85)
    parts: Parts = [
        line("body", handle, 0.15),
        poly("body", side, "tube_x"),
        oval("light", 0, top, half, 0.16),
        oval("drink", 0, top + 0.02, half - 0.08, 0.11),
    ]
    pattern = rng.integers(3)
    if pattern == 0:
        sag = arc(0, mid + 0.08, half * 0.95, 0.14, 8, 172)
        parts.append(line("accent", sag, 0.16, False))
    elif pattern == 1:
        heart = [(0, 0.3), (-0.36, 0.0), (-0.24, -0.22), (0, -0.06), (0.24, -0.22), (0.36, 0.0)]
        parts.append(blob("accent", np.asarray(heart) * 0.8 + (-0.06, mid), "flat", False, 2))
    return parts


KITCHEN: dict[str, ObjectSpec] = {
    "Bottle": ObjectSpec(bottle, tilt=14),
    "Bucket": ObjectSpec(bucket),
    "Candles": ObjectSpec(candles, tilt=6),
    "Fork": ObjectSpec(fork, tilt=180, standing=False),
    "Kettle": ObjectSpec(kettle),
    "Mug": ObjectSpec(mug),
    "Spoon": ObjectSpec(spoon, tilt=180, standing=False),
}
