"""The published benchmarks of universal domain adaptation: domains, class order, label splits.

Splits and class order: LEAD (CVPR 2024) and its released code, after GLC (CVPR 2023). Office-31
lists the ten classes it shares with Caltech first; the others are alphabetical.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from office_home.counts import class_names
from office_home.names import key

Counts = tuple[int, int, int]
Sets = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]

OFFICE_HOME_DOMAINS = ("Art", "Clipart", "Product", "Real World")
OFFICE_HOME_CLASSES: tuple[str, ...] = class_names("office-home")
OFFICE_31_CLASSES: tuple[str, ...] = class_names("office-31")
VISDA_CLASSES = (
    "aeroplane",
    "bicycle",
    "bus",
    "car",
    "horse",
    "knife",
    "motorcycle",
    "person",
    "plant",
    "skateboard",
    "train",
    "truck",
)


@dataclass(frozen=True)
class Benchmark:
    """One published data set.

    Attributes:
        name: "office-home", "office-31", "visda-c" or "domainnet".
        domains: as published.
        class_count: number of classes.
        splits: setting -> (S shared, P source-private, T target-private) classes.
        classes: in the published order; empty where that is the case-insensitive alphabet.
        target_private_start: setting -> first target-private index, where it is not S + P.
    """

    name: str
    domains: tuple[str, ...]
    class_count: int
    splits: dict[str, Counts]
    classes: tuple[str, ...] = ()
    target_private_start: dict[str, int] = field(default_factory=dict)

    def order(self, found: Iterable[str]) -> tuple[str, ...]:
        """The found class names in the published order."""
        if not self.classes:
            return tuple(sorted(found, key=str.lower))
        place = {key(name): index for index, name in enumerate(self.classes)}
        return tuple(sorted(found, key=lambda name: place[key(name)]))

    def label_sets(self, setting: str, found: Iterable[str]) -> Sets:
        """Shared, source-private and target-private names of a published setting.

        Args:
            setting: "opda", "osda" or "pda".
            found: all class names of the data set as they are on disk.

        Raises:
            KeyError: the setting is not published for this data set.
        """
        shared, source_private, target_private = self.splits[setting]
        known = shared + source_private
        start = self.target_private_start.get(setting, known)
        names = self.order(found)
        return names[:shared], names[shared:known], names[start : start + target_private]

    def matches(self, found: Sequence[str]) -> bool:
        """Whether these are exactly this data set's classes."""
        keys = {key(name) for name in found}
        if self.classes:
            return keys == {key(name) for name in self.classes}
        return len(keys) == self.class_count


BENCHMARKS: dict[str, Benchmark] = {
    benchmark.name: benchmark
    for benchmark in (
        Benchmark(
            "office-home",
            OFFICE_HOME_DOMAINS,
            65,
            {"opda": (10, 5, 50), "osda": (25, 0, 40), "pda": (25, 40, 0)},
            OFFICE_HOME_CLASSES,
        ),
        Benchmark(
            "office-31",
            ("Amazon", "Dslr", "Webcam"),
            31,
            {"opda": (10, 10, 11), "osda": (10, 0, 11), "pda": (10, 21, 0)},
            OFFICE_31_CLASSES,
            # Ten classes stay unused, so that OSDA and OPDA have the same private ones.
            {"osda": 20},
        ),
        Benchmark(
            "visda-c",
            ("train", "validation"),
            12,
            {"opda": (6, 3, 3), "osda": (6, 0, 6), "pda": (6, 6, 0)},
            VISDA_CLASSES,
        ),
        Benchmark(
            "domainnet",
            ("Painting", "Real", "Sketch"),
            345,
            {"opda": (150, 50, 145)},
        ),
    )
}


def identify(found: Sequence[str]) -> Benchmark | None:
    """The published data set that has these classes, if any."""
    for benchmark in BENCHMARKS.values():
        if benchmark.matches(found):
            return benchmark
    return None
