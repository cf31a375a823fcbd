"""Label sets of universal domain adaptation.

A source and a target domain share some classes; each may have private ones. The classifier knows
the source classes, shared ones first; every target-private class is "unknown", one extra label.

    setting   source-private   target-private   reported score
    OPDA      yes              yes              H-score
    OSDA      none             yes              H-score
    PDA       yes              none             accuracy

Source: You et al., "Universal Domain Adaptation", CVPR 2019; LEAD, CVPR 2024, Sec. 4.1.
Re-implementation; the LEAD authors' code (MIT) was used to verify it, not copied.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lead.errors import ProtocolError

SETTINGS: tuple[str, ...] = ("opda", "osda", "pda")


@dataclass(frozen=True)
class LabelSets:
    """Which classes are shared, source-private and target-private.

    Args:
        shared: classes of both domains; classifier outputs 0 .. S-1.
        source_private: classes of the source alone; classifier outputs S .. S+P-1.
        target_private: classes of the target alone; all become the label `unknown`.

    Raises:
        ProtocolError: no shared class, or a class named twice.
    """

    shared: tuple[str, ...]
    source_private: tuple[str, ...] = ()
    target_private: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.shared:
            raise ProtocolError("the two domains share no class; adaptation needs at least one")
        names = self.shared + self.source_private + self.target_private
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ProtocolError(f"class {twice[0]!r} stands in more than one label set")

    @property
    def source_classes(self) -> tuple[str, ...]:
        """Classifier outputs in order: shared, then source-private."""
        return self.shared + self.source_private

    @property
    def unknown(self) -> int:
        """The label of every target-private sample: C, one past the last classifier output."""
        return len(self.source_classes)

    @property
    def open_set(self) -> bool:
        """Whether the target holds samples of classes the classifier does not know."""
        return bool(self.target_private)

    @property
    def counts(self) -> tuple[int, int, int]:
        """(shared, source-private, target-private) numbers of classes."""
        return len(self.shared), len(self.source_private), len(self.target_private)

    @property
    def evaluation_classes(self) -> tuple[int, ...]:
        """Labels that a target sample can have: the shared ones, and unknown if there are any."""
        shared = tuple(range(len(self.shared)))
        return (*shared, self.unknown) if self.open_set else shared

    def source_label(self, name: str) -> int | None:
        """Classifier output of a source class; None where the class is not used."""
        classes = self.source_classes
        return classes.index(name) if name in classes else None

    def target_label(self, name: str) -> int | None:
        """Label of a target class: its shared index, unknown, or None where it is not used."""
        if name in self.shared:
            return self.shared.index(name)
        return self.unknown if name in self.target_private else None

    def check_setting(self, setting: str) -> None:
        """Make sure the label sets are those of the setting.

        OPDA is the general case and accepts any sets; an empty private set is the caller's to
        warn about.

        Raises:
            ProtocolError: unknown setting, OSDA with source-private or PDA with target-private
                classes.
        """
        if setting not in SETTINGS:
            raise ProtocolError(f"unknown setting {setting!r}; choose one of {', '.join(SETTINGS)}")
        if setting == "osda" and self.source_private:
            raise ProtocolError(
                f"open-set (osda) has no source-private class, the split has "
                f"{len(self.source_private)}; use --setting opda or a split S/0/T"
            )
        if setting == "pda" and self.target_private:
            raise ProtocolError(
                f"partial (pda) has no target-private class, the split has "
                f"{len(self.target_private)}; use --setting opda or a split S/P/0"
            )


def split_classes(classes: Sequence[str], counts: tuple[int, int, int]) -> LabelSets:
    """Cut an ordered class list into label sets: S shared, P source-private, T target-private.

    Args:
        classes: class names in the benchmark's order; those left over are unused.
        counts: (S, P, T).

    Raises:
        ProtocolError: more classes asked for than there are, a negative number, no shared class.
    """
    shared, source_private, target_private = counts
    if min(counts) < 0:
        raise ProtocolError(f"split {shared}/{source_private}/{target_private} has a negative part")
    if sum(counts) > len(classes):
        raise ProtocolError(
            f"split {shared}/{source_private}/{target_private} asks for {sum(counts)} classes, "
            f"the data has {len(classes)}"
        )
    known = shared + source_private
    return LabelSets(
        tuple(classes[:shared]),
        tuple(classes[shared:known]),
        tuple(classes[known : known + target_private]),
    )
