"""Furniture and household equipment."""

from __future__ import annotations

import numpy as np

from .parts import ObjectSpec, Parts, arc, blob, box, curve, line, oval, placed, poly, ring, turned


def alarm_clock(rng: np.random.Generator) -> Parts:
    """A round twin-bell clock on two legs."""
    bell = rng.uniform(0.28, 0.36)
    spread = rng.uniform(33, 42)
    parts: Parts = []
    for way in (-1.0, 1.0):
        parts.append(line("dark", [(way * 0.4, 0.5), (way * 0.62, 0.98)], 0.13))
        stem = turned(np.asarray([(0.0, -0.6), (0.0, -0.86)]), way * spread)
        parts.append(line("metal", stem, 0.07))
        dome = np.concatenate([arc(0, -0.82, bell, bell * 0.85, 180, 360)])
        parts.append(poly("accent", turned(dome, way * spread), "ball"))
    if rng.random() < 0.6:
        parts.append(line("metal", arc(0, -0.92, 0.26, 0.34, 190, 350), 0.07))
    parts += [
        line("dark", [(0, -0.7), (0, -0.95)], 0.07),
        oval("body", 0, 0, 0.78, 0.78, "ball"),
        oval("paper", 0, 0, 0.6, 0.6),
    ]
    for hour in range(12):
        reach = 0.42 if hour % 3 == 0 else 0.47
        tick = turned(np.asarray([(0.0, -reach), (0.0, -0.53)]), 30.0 * hour)
        parts.append(line("dark", tick, 0.05, False))
    short, long = rng.uniform(0, 360), 30.0 * int(rng.integers(12))
    parts.append(line("dark", turned(np.asarray([(0, 0.05), (0, -0.28)]), short), 0.09, False))
    parts.append(line("dark", turned(np.asarray([(0, 0.05), (0, -0.44)]), long), 0.06, False))
    return [*parts, oval("accent", 0, 0, 0.06, 0.06, "flat", False)]


def chair(rng: np.random.Generator) -> Parts:
    """A four-legged chair seen from the front and to one side."""
    thick = rng.uniform(0.1, 0.13)
    role = "wood" if rng.random() < 0.5 else "body"
    cushion = "accent" if rng.random() < 0.6 else role
    top = rng.uniform(-1.1, -0.9)
    lean = rng.uniform(0.04, 0.14)
    shift = rng.uniform(0.2, 0.32)
    low = rng.uniform(0.85, 1.0)
    bl, br, fl, fr = (-0.3, 0.0), (0.56, 0.0), (-0.3 - shift, 0.22), (0.56 - shift, 0.22)
    tl, tr = (bl[0] + lean, top), (br[0] + lean, top)
    parts: Parts = [
        line(role, [bl, (bl[0] + 0.02, low - 0.2)], thick),
        line(role, [br, (br[0] + 0.06, low - 0.2)], thick),
    ]
    if rng.random() < 0.5:
        for y in np.linspace(top + 0.12, -0.32, 3):
            slide = lean * (y / top)
            ends = [(bl[0] + slide, y), (br[0] + slide, y)]
            parts.append(line(role, ends, thick * 1.25))
    else:
        panel = [
            (tl[0], top + 0.02),
            (tr[0], top + 0.02),
            (br[0] + 0.04, -0.34),
            (bl[0] + 0.04, -0.34),
        ]
        parts.append(poly(cushion, panel))
    parts += [
        line(role, [bl, tl], thick),
        line(role, [br, tr], thick),
        line(role, [fl, (fl[0] - 0.03, low)], thick),
        line(role, [fr, (fr[0] + 0.02, low)], thick),
        poly(role, [fl, fr, (fr[0], fr[1] + 0.13), (fl[0], fl[1] + 0.13)]),
        poly(role, [fr, br, (br[0], br[1] + 0.13), (fr[0], fr[1] + 0.13)]),
        poly(cushion, [(fl[0] - 0.04, fl[1]), (fr[0] + 0.02, fr[1]), br, bl]),
    ]
    return parts


def couch(rng: np.random.Generator) -> Parts:
    """A sofa with two arms, two or three seats, and sometimes a pillow."""
    high = rng.uniform(-0.6, -0.48)
    arm = rng.uniform(0.2, 0.27)
    seats = int(rng.integers(2, 4))
    parts: Parts = [line("wood", [(x, 0.5), (x * 1.03, 0.68)], 0.1) for x in (-0.92, 0.92)]
    parts.append(box("body", -0.95, high, 0.95, 0.4, 0.16))
    inner = 1.08 - arm
    step = 2 * inner / seats
    for i in range(seats):
        x = -inner + step * i
        parts.append(box("body", x + 0.015, high + 0.08, x + step - 0.015, 0.1, 0.08))
    parts.append(box("body_deep", -inner, 0.2, inner, 0.54, 0.03))
    for i in range(seats):
        x = -inner + step * i
        parts.append(box("body_pale", x + 0.01, 0.02, x + step - 0.01, 0.26, 0.09))
    for way in (-1.0, 1.0):
        x0, x1 = sorted((way * inner, way * (inner + arm)))
        parts.append(box("body", x0, -0.16, x1, 0.56, 0.11, "tube_x"))
    if rng.random() < 0.7:
        x = rng.choice([-1.0, 1.0]) * (inner - 0.24)
        pillow = np.asarray([(-0.22, -0.2), (0.22, -0.2), (0.22, 0.2), (-0.22, 0.2)])
        cushion = np.add(turned(pillow, rng.uniform(-18, 18)), (x, -0.1))
        parts.append(blob("accent", cushion, "ball", True, 1))
    return parts


def fan(rng: np.random.Generator) -> Parts:
    """A standing fan: blades in a round cage on a pole."""
    blades = int(rng.integers(3, 6))
    spin = rng.uniform(0, 360)
    foot = rng.uniform(0.95, 1.15)
    wide = 0.34 if blades == 3 else 0.24
    blade = np.asarray(
        [(0.05, -0.04), (0.0 + wide, -0.3), (wide * 0.8, -0.6), (-0.1, -0.62), (-0.08, -0.2)]
    )
    parts: Parts = [
        line("metal", [(0, 0.2), (0, foot)], 0.13),
        blob(
            "body",
            np.concatenate([arc(0, foot + 0.1, 0.55, 0.22, 180, 360), [(-0.5, foot + 0.16)]]),
        ),
        oval("glass", 0, -0.25, 0.72, 0.72),
    ]
    for i in range(blades):
        swept = np.add(turned(blade, spin + 360 * i / blades), (0.0, -0.25))
        parts.append(blob("body", swept, "flat", True, 2))
    for i in range(8):
        spoke = turned(np.asarray([(0.0, -0.15), (0.0, -0.72)]), 45.0 * i + 10)
        parts.append(line("metal", np.add(spoke, (0.0, -0.25)), 0.022, False))
    parts.append(ring("metal", 0, -0.25, 0.74, 0.74, 0.08))
    parts.append(oval("accent", 0, -0.25, 0.17, 0.17, "ball"))
    return parts


def flowers(rng: np.random.Generator) -> Parts:
    """One to three blossoms on leafy stems, sometimes in a vase."""
    number = int(rng.integers(1, 4))
    vase = rng.random() < 0.55
    spots = {
        1: [(0.0, -0.5)],
        2: [(-0.42, -0.4), (0.36, -0.62)],
        3: [(-0.58, -0.32), (0.0, -0.72), (0.56, -0.36)],
    }
    size = {1: 0.55, 2: 0.42, 3: 0.37}[number]
    foot = (rng.uniform(-0.08, 0.08), 0.85)
    parts: Parts = []
    for x, y in spots[number]:
        stem = curve([(x, y), (x * 0.6, 0.2), foot])
        parts.append(line("leaf", stem, 0.085))
    for way in (-1.0, 1.0) if not vase else ():
        y = rng.uniform(0.35, 0.6)
        leaf = np.asarray([(0.0, 0.1), (0.2, -0.18), (0.52, -0.2), (0.32, 0.08)]) * (way, 1.0)
        parts.append(blob("leaf", np.add(leaf, (foot[0] * 0.8, y))))
    if vase:
        neck, belly = rng.uniform(0.2, 0.26), rng.uniform(0.32, 0.42)
        side = [(neck, 0.3), (neck * 0.85, 0.5), (belly, 0.72), (belly * 0.7, 1.1)]
        outline = np.concatenate([curve(side), curve([(-x, y) for x, y in side])[::-1]])
        parts.append(poly("accent", outline, "tube_x"))
        parts.append(oval("accent", 0, 0.3, neck, 0.05))
    for i, (x, y) in enumerate(spots[number]):
        role = "body" if i != 1 or rng.random() < 0.5 else "body_pale"
        parts += placed(_blossom(role, rng), rng.uniform(0, 60), size, (x, y))
    return parts


def _blossom(role: str, rng: np.random.Generator) -> Parts:
    petals = int(rng.integers(5, 9))
    petal = oval(role, 0, -0.6, 0.4 if petals == 5 else 0.3, 0.46, "ball")
    parts: Parts = []
    for i in range(petals):
        parts += placed([petal], 360 * i / petals)
    return [*parts, oval("glow", 0, 0, 0.3, 0.3, "ball")]


def hammer(rng: np.random.Generator) -> Parts:
    """A claw hammer, head up."""
    grip = rng.uniform(0.1, 0.13)
    handle_role = "wood" if rng.random() < 0.6 else "body"
    reach = rng.uniform(0.58, 0.68)
    claw = np.concatenate(
        [
            curve([(0.14, -0.98), (0.5, -1.0), (reach + 0.1, -0.52)]),
            curve([(reach - 0.06, -0.52), (0.4, -0.72), (0.14, -0.66)]),
        ]
    )
    handle = [(-0.085, -0.7), (0.085, -0.7), (0.075, 0.2), (grip, 0.5), (grip, 0.96), (-grip, 0.96)]
    parts: Parts = [
        poly(handle_role, [*handle, (-grip, 0.5), (-0.075, 0.2)], "tube_x"),
        box("dark" if handle_role == "body" else "accent", -grip, 0.42, grip, 1.0, 0.08, "tube_x"),
        poly("metal", claw),
        poly("metal", [(-0.42, -0.94), (0.16, -0.99), (0.16, -0.64), (-0.42, -0.7)], "tube_y"),
        box("metal", -0.6, -1.02, -0.4, -0.62, 0.05, "tube_y"),
        box("metal", -0.14, -1.04, 0.14, -0.58, 0.05),
    ]
    return parts


HOME: dict[str, ObjectSpec] = {
    "Alarm_Clock": ObjectSpec(alarm_clock),
    "Chair": ObjectSpec(chair, tilt=7),
    "Couch": ObjectSpec(couch, tilt=6),
    "Fan": ObjectSpec(fan, tilt=7),
    "Flowers": ObjectSpec(flowers),
    "Hammer": ObjectSpec(hammer, tilt=180, standing=False),
}
