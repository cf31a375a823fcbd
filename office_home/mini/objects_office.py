"""Things found on or around a desk."""

from __future__ import annotations

import numpy as np

from .parts import ObjectSpec, Parts, arc, blob, box, line, oval, placed, poly, ring


def calculator(rng: np.random.Generator) -> Parts:
    """A pocket calculator with a display and a grid of keys."""
    half = rng.uniform(0.56, 0.68)
    rows, columns = int(rng.integers(4, 6)), 4
    parts: Parts = [
        box("body", -half, -0.95, half, 0.95, rng.uniform(0.06, 0.16)),
        box("screen_lcd", -half + 0.12, -0.82, half - 0.12, -0.45, 0.04),
    ]
    for digit in range(int(rng.integers(2, 4))):
        x = half - 0.24 - 0.2 * digit
        parts += [
            line("dark", [(x, -0.74), (x, -0.53)], 0.045, False),
            line("dark", [(x - 0.1, -0.74), (x, -0.74)], 0.04, False),
            line("dark", [(x - 0.1, -0.635), (x, -0.635)], 0.04, False),
            line("dark", [(x - 0.1, -0.53), (x, -0.53)], 0.04, False),
        ]
    across = (2 * half - 0.2) / columns
    down = 1.2 / rows
    for row in range(rows):
        for column in range(columns):
            x, y = -half + 0.1 + across * column, -0.34 + down * row
            role = "accent" if column == columns - 1 else "light"
            key = box(role, x + 0.035, y + 0.03, x + across - 0.035, y + down - 0.04, 0.05)
            parts.append(key)
    return parts


def desk_lamp(rng: np.random.Generator) -> Parts:
    """A jointed lamp: foot, two arms, a cone-shaped shade with a glowing bulb."""
    elbow = (rng.uniform(-0.62, -0.42), rng.uniform(-0.12, 0.08))
    neck = (rng.uniform(-0.02, 0.14), rng.uniform(-0.85, -0.7))
    foot = (rng.uniform(-0.12, 0.05), 0.86)
    wide = rng.uniform(0.42, 0.52)
    shade = [
        oval("glow", 0, 0.5, wide * 0.62, 0.2, "ball"),
        poly("body", [(-0.15, -0.12), (0.15, -0.12), (wide, 0.5), (-wide, 0.5)], "tube_x"),
        blob("body", [(-0.17, -0.08), (-0.15, -0.3), (0.15, -0.3), (0.17, -0.08)]),
        box("accent", -wide - 0.02, 0.44, wide + 0.02, 0.53, 0.03, "tube_x"),
    ]
    return [
        line("metal", [foot, elbow], 0.1),
        line("metal", [elbow, neck], 0.1),
        blob(
            "body",
            np.concatenate([arc(foot[0], 0.94, 0.55, 0.2, 180, 360), [(foot[0] - 0.5, 1.0)]]),
        ),
        oval("accent", *elbow, 0.11, 0.11),
        *placed(shade, rng.uniform(-52, -30), 1.0, neck),
    ]


def exit_sign(rng: np.random.Generator) -> Parts:
    """A lit EXIT sign, hung from the ceiling, with or without an arrow."""
    high = rng.uniform(0.46, 0.56)
    plate, ink = ("sign", "light") if rng.random() < 0.65 else ("light", "sign")
    pole = "metal"
    parts: Parts = [line(pole, [(x, -high), (x, -high - 0.25)], 0.06) for x in (-0.5, 0.5)]
    parts += [
        box("dark", -1.08, -high - 0.06, 1.08, high + 0.06, 0.1),
        box(plate, -1.0, -high, 1.0, high, 0.06),
    ]
    arrow = rng.random() < 0.4
    top, foot = (-high + 0.17, high - (0.4 if arrow else 0.17))
    mid = (top + foot) / 2
    strokes = {
        -0.66: [[(0.17, 0.0), (-0.15, 0.0), (-0.15, 1.0), (0.17, 1.0)], [(-0.15, 0.5), (0.1, 0.5)]],
        -0.2: [[(-0.18, 0.0), (0.18, 1.0)], [(0.18, 0.0), (-0.18, 1.0)]],
        0.22: [[(0.0, 0.0), (0.0, 1.0)]],
        0.62: [[(-0.2, 0.0), (0.2, 0.0)], [(0.0, 0.0), (0.0, 1.0)]],
    }
    for x, paths in strokes.items():
        for path in paths:
            spelled = [(x + dx, top + (foot - top) * dy) for dx, dy in path]
            parts.append(line(ink, spelled, 0.125, False))
    if arrow:
        way = float(rng.choice([-1.0, 1.0]))
        y = high - 0.17
        parts.append(line(ink, [(-0.5, y), (0.5, y)], 0.08, False))
        head = [(0.72 * way, y), (0.45 * way, y - 0.13), (0.45 * way, y + 0.13)]
        parts.append(poly(ink, head, "flat", False))
    else:
        parts.append(line(ink, [(0.22, mid), (0.22, mid)], 0.125, False))
    return parts


def laptop(rng: np.random.Generator) -> Parts:
    """An open laptop seen from the front and slightly above."""
    wide, high = rng.uniform(0.74, 0.84), rng.uniform(0.9, 1.05)
    top = 0.18 - high
    splay = rng.uniform(0.14, 0.26)
    deep = rng.uniform(0.4, 0.52)
    front = 0.22 + deep
    parts: Parts = [
        box("casing", -wide, top, wide, 0.2, 0.07),
        box("dark", -wide + 0.05, top + 0.05, wide - 0.05, 0.15, 0.03, "flat", False),
        box("screen", -wide + 0.1, top + 0.1, wide - 0.1, 0.1, 0.0, "flat", False),
    ]
    if rng.random() < 0.5:
        x, y = rng.uniform(-0.4, 0.0), top + 0.25
        parts.append(box("light", x, y, x + 0.45, y + 0.32, 0.02, "flat", False))
        parts.append(box("accent", x, y, x + 0.45, y + 0.09, 0.0, "flat", False))
    else:
        for i in range(3):
            y = top + 0.26 + 0.14 * i
            reach = -wide + 0.3 + rng.uniform(0.4, 0.9)
            parts.append(line("light", [(-wide + 0.22, y), (reach, y)], 0.05, False))
    parts += [
        poly("casing", [(-wide, 0.2), (wide, 0.2), (wide + splay, front), (-wide - splay, front)]),
        box("metal", -wide - splay, front, wide + splay, front + 0.07, 0.03),
    ]
    rows = 4
    for row in range(rows):
        y = 0.27 + deep * 0.62 * row / rows
        half = wide - 0.1 + splay * (y - 0.2) / deep
        keys = 9
        step = 2 * half / keys
        thick = deep * 0.62 / rows * 0.66
        for key in range(keys):
            x = -half + step * key
            parts.append(box("dark", x + 0.02, y, x + step - 0.02, y + thick, 0.01, "flat", False))
    parts.append(box("metal", -0.2, front - deep * 0.27, 0.2, front - 0.05, 0.02, "flat", False))
    return parts


def pencil(rng: np.random.Generator) -> Parts:
    """A sharpened hexagonal pencil with an eraser, pointing up."""
    half = rng.uniform(0.11, 0.15)
    cone = rng.uniform(0.32, 0.42)
    shoulder = -1.0 + cone
    lead = half * 0.36
    third = half / 2.6
    tail = rng.uniform(0.66, 0.74)
    return [
        poly("wood_pale", [(-half, shoulder + 0.05), (0, -1.0), (half, shoulder + 0.05)]),
        poly("dark", [(-lead, -1.0 + cone * 0.38), (0, -1.02), (lead, -1.0 + cone * 0.38)]),
        poly("body", [(-half, shoulder), (-third, shoulder + 0.06), (-third, tail), (-half, tail)]),
        poly("body", [(third, shoulder + 0.06), (half, shoulder), (half, tail), (third, tail)]),
        box("body_deep", third, shoulder + 0.05, half, tail, 0.0, "flat", False),
        box("body_pale", -third, shoulder + 0.02, third, tail, 0.0, "flat", False),
        box("metal", -half - 0.01, tail - 0.02, half + 0.01, tail + 0.14, 0.0, "tube_x"),
        line("dark", [(-half, tail + 0.05), (half, tail + 0.05)], 0.02, False),
        box("rubber", -half, tail + 0.14, half, tail + 0.3, 0.07, "tube_x"),
    ]


def scissors(rng: np.random.Generator) -> Parts:
    """Open scissors, blades up, with two finger loops."""
    opening = rng.uniform(11, 22)
    loop = rng.uniform(0.25, 0.31)
    tall = loop * rng.uniform(1.05, 1.3)
    drop = 0.98 - tall
    parts: Parts = []
    for way in (-1.0, 1.0):
        blade = np.asarray(
            [(-0.15, 0.14), (-0.17, -0.2), (0.03, -1.05), (0.13, -0.2), (0.13, 0.14)]
        )
        half: Parts = [
            poly("metal", blade * (way, 1.0)),
            line("body", [(0.0, 0.1), (-way * 0.05, drop - tall * 0.8)], 0.15),
            ring("body", -way * 0.08, drop, loop * 0.85, tall, 0.13),
        ]
        parts += placed(half, way * opening)
    return [*parts, oval("dark", 0, 0, 0.055, 0.055)]


OFFICE: dict[str, ObjectSpec] = {
    "Calculator": ObjectSpec(calculator, tilt=25, flip=False, standing=False),
    "Desk_Lamp": ObjectSpec(desk_lamp, tilt=8),
    "Exit_Sign": ObjectSpec(exit_sign, tilt=8, flip=False, standing=False),
    "Laptop": ObjectSpec(laptop, tilt=10),
    "Pencil": ObjectSpec(pencil, tilt=180, standing=False),
    "Scissors": ObjectSpec(scissors, tilt=180, standing=False),
}
