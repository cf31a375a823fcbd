"""Things a person wears, carries or rides."""

from __future__ import annotations

import numpy as np

from .parts import ObjectSpec, Parts, arc, blob, box, curve, line, oval, placed, poly, ring


def backpack(rng: np.random.Generator) -> Parts:
    """A school backpack from the front: flap, pocket, zips, straps and a carrying loop."""
    half = rng.uniform(0.56, 0.66)
    top = rng.uniform(-0.86, -0.76)
    pocket = rng.uniform(0.1, 0.24)
    outline = np.concatenate(
        [
            arc(0, top + 0.5, half, 0.5, 180, 360),
            [(half + 0.05, 0.75)],
            arc(half - 0.11, 0.78, 0.16, 0.16, 0, 90, 5),
            arc(-half + 0.11, 0.78, 0.16, 0.16, 90, 180, 5),
        ]
    )
    flap = arc(0, top + 0.46, half - 0.1, 0.4, 186, 354)
    parts: Parts = [line("dark", arc(0, top + 0.03, 0.2, 0.2, 180, 360), 0.09)]
    for way in (-1.0, 1.0):
        strap = curve([(way * half * 0.8, -0.3), (way * (half + 0.42), 0.1), (way * half, 0.86)])
        parts.append(line("body_deep", strap, 0.14))
        x0, x1 = sorted((way * (half - 0.08), way * (half + 0.17)))
        parts.append(box("accent", x0, 0.28, x1, 0.84, 0.09))
    parts += [
        poly("body", outline, "tube_x"),
        line("dark", flap, 0.05, False),
        box("accent", -half + 0.13, pocket, half - 0.13, 0.8, 0.12),
        line("dark", [(-half + 0.24, pocket + 0.13), (half - 0.24, pocket + 0.13)], 0.05, False),
        line("light", [(half - 0.3, pocket + 0.14), (half - 0.3, pocket + 0.28)], 0.06, False),
        line("light", [(flap[15][0], flap[15][1]), (flap[15][0], flap[15][1] + 0.16)], 0.06, False),
    ]
    if rng.random() < 0.6:
        parts.append(box("light", -0.16, top + 0.36, 0.16, top + 0.56, 0.04, "flat", False))
    return parts


def bike(rng: np.random.Generator) -> Parts:
    """A bicycle from the side, riding to the right."""
    radius = rng.uniform(0.4, 0.46)
    thick = rng.uniform(0.075, 0.1)
    reach = rng.uniform(0.64, 0.72)
    rear, front, crank = (-reach, 0.3), (reach, 0.3), (-0.1, 0.34)
    seat, head = (-0.27, rng.uniform(-0.36, -0.26)), (0.44, rng.uniform(-0.4, -0.32))
    parts: Parts = []
    for hub in (rear, front):
        for angle in np.arange(0, 180, 45) + rng.uniform(0, 45):
            spoke = arc(*hub, radius, radius, angle, angle + 180, 1)
            parts.append(line("metal", spoke, 0.02, False))
        parts += [ring("dark", *hub, radius, radius, 0.085), oval("metal", *hub, 0.06, 0.06)]
    post = (seat[0] - 0.06, seat[1] - 0.2)
    stem = (head[0] - 0.05, head[1] - 0.2)
    for path in ([rear, crank], [rear, seat], [crank, head], [crank, post], [seat, head]):
        parts.append(line("body", path, thick))
    parts += [line("body", [stem, head, front], thick), oval("metal", *crank, 0.12, 0.12)]
    parts.append(line("dark", [crank, (crank[0] + 0.1, crank[1] + 0.2)], 0.05, False))
    pedal = (crank[0] + 0.1, crank[1] + 0.2)
    parts.append(
        line("dark", [(pedal[0] - 0.07, pedal[1]), (pedal[0] + 0.07, pedal[1])], 0.06, False)
    )
    saddle = [(-0.2, -0.05), (0.22, -0.02), (0.2, 0.03), (-0.12, 0.09), (-0.22, 0.05)]
    parts.append(blob("dark", np.asarray(saddle) * 1.1 + post, "flat", True, 2))
    if rng.random() < 0.5:
        bar = curve(
            [
                stem,
                (stem[0] + 0.3, stem[1] - 0.06),
                (stem[0] + 0.3, stem[1] + 0.24),
                (stem[0] + 0.05, stem[1] + 0.2),
            ]
        )
    else:
        bar = curve(
            [
                (stem[0] + 0.06, stem[1] + 0.02),
                (stem[0], stem[1] - 0.14),
                (stem[0] - 0.22, stem[1] - 0.08),
            ]
        )
    return [*parts, line("dark", bar, 0.08)]


def flipflops(rng: np.random.Generator) -> Parts:
    """A pair of flip-flops from above, toes up."""
    toe, heel = rng.uniform(0.34, 0.4), rng.uniform(0.25, 0.3)
    strap = rng.uniform(0.09, 0.13)
    outline = [
        (-toe * 0.6, -1.0),
        (toe * 0.8, -1.0),
        (toe * 1.1, -0.5),
        (heel * 0.85, 0.1),
        (heel * 1.1, 0.8),
        (heel * 0.6, 1.05),
        (-heel * 0.6, 1.05),
        (-heel * 1.1, 0.8),
        (-heel * 1.0, 0.1),
        (-toe * 1.1, -0.45),
    ]
    sole = np.asarray(outline)
    knot = (-0.03, -0.55)
    left = curve([knot, (-toe * 0.75, -0.4), (-heel * 1.02, 0.12)])
    right = curve([knot, (toe * 0.8, -0.4), (heel * 0.95, 0.12)])
    shoe: Parts = [
        blob("body", sole),
        blob("body_pale", sole * (0.8, 0.88), "flat", False),
        line("accent", left, strap),
        line("accent", right, strap),
        oval("accent", *knot, strap * 0.75, strap * 0.75, "ball"),
    ]
    mirrored = [type(p)(p.points * (-1, 1), p.role, p.width, p.form, p.edged) for p in shoe]
    apart = rng.uniform(0.4, 0.5)
    skew, slip = rng.uniform(0, 14), rng.uniform(-0.15, 0.15)
    return [
        *placed(shoe, skew, 1.0, (apart, slip)),
        *placed(mirrored, -skew, 1.0, (-apart, -slip)),
    ]


def glasses(rng: np.random.Generator) -> Parts:
    """Spectacles from the front with both temples folded open."""
    half, high = rng.uniform(0.36, 0.42), rng.uniform(0.28, 0.4)
    thick = rng.uniform(0.09, 0.13)
    role = "dark" if rng.random() < 0.5 else "body"
    lens = "glass" if rng.random() < 0.7 else "cavity"
    gap = half + rng.uniform(0.1, 0.15)
    rim = box("dark", -half, -high, half, high, high * rng.uniform(0.45, 1.0)).points
    parts: Parts = []
    for way in (-1.0, 1.0):
        cx = way * gap
        hinge = (way * (gap + half), -high * 0.45)
        tip = (way * (gap + half - 0.16), -high - rng.uniform(0.3, 0.42))
        parts.append(line(role, [hinge, tip], thick * 0.8))
        around = np.add(rim, (cx, 0.0))
        parts.append(poly(lens, around, "flat", False))
        glint = [(cx - half * 0.45, high * 0.25), (cx - half * 0.05, -high * 0.5)]
        parts.append(line("light", glint, 0.05, False))
        parts.append(line(role, np.concatenate([around, around[:2]]), thick))
    edge = gap - half
    return [*parts, line(role, curve([(-edge, -0.06), (0, -0.24), (edge, -0.06)]), thick)]


def sneakers(rng: np.random.Generator) -> Parts:
    """A running shoe from the side, toe to the right."""
    collar = rng.uniform(-0.62, -0.42)
    upper = np.concatenate(
        [
            curve([(-0.98, 0.3), (-1.04, -0.05), (-0.92, collar)]),
            curve([(-0.8, collar - 0.04), (-0.6, collar + 0.2), (-0.36, collar - 0.02)]),
            curve([(-0.3, collar), (0.05, -0.12), (0.45, -0.1)]),
            curve([(0.45, -0.1), (0.9, -0.06), (1.0, 0.18), (0.98, 0.34)]),
        ]
    )
    sole = [
        (-1.02, 0.26),
        (0.3, 0.32),
        (1.06, 0.24),
        (1.1, 0.4),
        (0.98, 0.54),
        (-0.98, 0.54),
        (-1.08, 0.42),
    ]
    opening = curve([(-0.9, collar), (-0.62, collar + 0.34), (-0.34, collar)])
    parts: Parts = [
        blob(
            "cavity",
            [
                (-0.92, collar - 0.03),
                (-0.6, collar - 0.1),
                (-0.3, collar - 0.04),
                (-0.6, collar + 0.3),
            ],
        ),
        poly("body", upper, "tube_y"),
        line("dark", opening, 0.07, False),
        blob("accent", [(0.5, 0.34), (0.52, 0.0), (0.98, 0.02), (1.02, 0.36)], "ball"),
        blob("accent", [(-1.0, 0.3), (-1.0, collar + 0.12), (-0.74, 0.0), (-0.66, 0.3)]),
        blob("light", sole, "flat", True, 2),
        line("body_deep", [(-0.98, 0.48), (0.98, 0.48)], 0.06, False),
    ]
    for i in range(4):
        x, y = -0.2 + 0.17 * i, collar + 0.16 + (0.02 - collar - 0.1) * (i / 3.4) - 0.02
        parts.append(line("light", [(x - 0.03, y - 0.04), (x - 0.12, y + 0.16)], 0.06, False))
    if rng.random() < 0.6:
        swoosh = curve([(-0.5, 0.0), (-0.42, 0.3), (0.3, 0.04)])
        parts.append(line("accent", swoosh, 0.09, False))
    else:
        for x in (-0.42, -0.22, -0.02):
            parts.append(line("accent", [(x, 0.24), (x + 0.14, 0.0)], 0.07, False))
    return parts


PERSONAL: dict[str, ObjectSpec] = {
    "Backpack": ObjectSpec(backpack),
    "Bike": ObjectSpec(bike, tilt=8),
    "Flipflops": ObjectSpec(flipflops, tilt=180, standing=False),
    "Glasses": ObjectSpec(glasses, tilt=18, standing=False),
    "Sneakers": ObjectSpec(sneakers, tilt=12),
}
