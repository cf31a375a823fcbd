"""What a check of a data folder found, as it is printed, written as JSON and drawn as a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from genmix_da.data.accounts import Files
from genmix_da.data.class_match import ClassMatch
from genmix_da.data.entries import Reason
from genmix_da.data.near import Near
from genmix_da.data.verify import Verified

HOLLOW = "folders without images"  # of a folder where a domain would be: looks meant
Group = tuple[str, ...]  # paths of files with the same bytes


@dataclass(frozen=True)
class ClassFound:
    """A class of one domain.

    Attributes:
        name: as the domain spells it.
        images: number of images that can be read.
        example: the first of them; None where there is none.
        parts: part -> number of its readable images; empty where the domain has no parts.
    """

    name: str
    images: int
    example: str | None
    parts: Mapping[str, int]


@dataclass(frozen=True)
class DomainReport:
    """What was found in one domain.

    Attributes:
        name: of the domain.
        images: number of image files.
        classes: number of classes; 0 where it has none.
        official: published number of images, where the data set is known.
        unreadable: (path, reason): zero bytes, truncated, not an image, too many pixels.
        animated: paths; only their first frame is used.
        duplicates: groups of paths with the same bytes.
        other_files: files that are not images and are not used.
        class_differences: (class, found, official) where they differ.
        left_out: (path, reason) of what looks meant and isn't read.
        parts: part -> number of its images; empty where it has none.
        class_list: its classes in order.
        single: classes with one readable image.
        across_parts: those of the duplicates that lie in several parts.
        example: an image that can be read; None where there is none.
    """

    name: str
    images: int
    classes: int
    official: int | None
    unreadable: tuple[Reason, ...]
    animated: tuple[str, ...]
    duplicates: tuple[Group, ...]
    other_files: tuple[str, ...]
    class_differences: tuple[tuple[str, int, int], ...]
    left_out: tuple[Reason, ...]
    parts: Mapping[str, int]
    class_list: tuple[ClassFound, ...]
    single: tuple[str, ...]
    across_parts: tuple[Group, ...]
    example: str | None


@dataclass(frozen=True)
class DataReport:
    """What was found in a data folder.

    Attributes:
        root: the folder.
        dataset: name of the published data set, or None.
        domains: one report each.
        shared: groups of paths with the same bytes in several domains.
        one: it is one data set of classes and no folder of domains.
        files: every file, accounted for.
        classes: of the domains side by side.
        hollow: (folder, reason) where a domain would be without an image; see `HOLLOW`.
        verified: contents against decoded images in the cache; None: not asked for.
        near: near-duplicates; None: not asked for.
    """

    root: str
    dataset: str | None
    domains: tuple[DomainReport, ...]
    shared: tuple[Group, ...]
    one: bool
    files: Files
    classes: ClassMatch
    hollow: tuple[Reason, ...] = ()
    verified: Verified | None = None
    near: Near | None = None

    @property
    def clean(self) -> bool:
        """Nothing unreadable, left out or changed; the official counts where there are any."""
        return not (
            self.files.skipped
            or self.files.no_files
            or any(reason == HOLLOW for _, reason in self.hollow)
            or (self.verified is not None and self.verified.changed)
            or any(
                report.unreadable or report.left_out or report.class_differences
                for report in self.domains
            )
        )
