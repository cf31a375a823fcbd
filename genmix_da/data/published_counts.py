"""A data set on disk beside what is published of it: domains, classes, numbers of images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from genmix_da.data.checked import DataReport, DomainReport
from genmix_da.data.published_sets import PublishedSet
from office_home.names import key


@dataclass(frozen=True)
class Comparison:
    """A data set on disk beside the published one.

    Attributes:
        differences: a sentence each; none: nothing differs.
        level: "class" where the images of every class are compared, "domain" where only those of
            every domain are published, "none" where neither is.
    """

    differences: tuple[str, ...]
    level: str

    @property
    def proof(self) -> bool:
        """Whether the counts are published and all of them are right."""
        return self.level != "none" and not self.differences


def compare(published: PublishedSet, report: DataReport, domains: Sequence[str]) -> Comparison:
    """Hold what a check found against the published domains, classes and counts.

    Args:
        published: the set.
        report: of `look_over`; images that can't be read don't count.
        domains: that should be there.
    """
    held = {published.domain_named(found.name): found for found in report.domains}
    told = [
        f"{found.name}: no domain of {published.title}"
        for found in report.domains
        if published.domain_named(found.name) is None
    ]
    per_class = published.per_class()
    for domain in domains:
        found = held.get(domain)
        if found is None:
            told.append(f"{domain}: missing")
        else:
            told += _in_domain(published, domain, found, per_class.get(domain, {}))
    level = "class" if per_class else "domain" if published.images else "none"
    if level == "none":  # a domain may lack a class
        classes = {key(one.name) for found in report.domains for one in found.class_list}
        told += _number_of_classes("all domains", len(classes), published)
    return Comparison(tuple(told), level)


def _in_domain(
    published: PublishedSet, domain: str, found: DomainReport, wanted: dict[str, int]
) -> Iterator[str]:
    held = {key(one.name): one for one in found.class_list if one.images}
    total, official = sum(one.images for one in held.values()), published.images.get(domain)
    if official is None:
        return
    yield from _number_of_classes(domain, len(held), published)
    if total != official:
        yield f"{domain}: {total} images, published {official}"
    for name, number in wanted.items():
        images = held[key(name)].images if key(name) in held else 0
        if images != number:
            yield f"{domain}/{name}: {images} images, published {number}"
    if wanted:
        known = {key(name) for name in wanted}
        for spelt, one in held.items():
            if spelt not in known:
                yield f"{domain}/{one.name}: no class of {published.title}"


def _number_of_classes(where: str, number: int, published: PublishedSet) -> Iterator[str]:
    if number != published.classes:
        yield f"{where}: {number} classes, published {published.classes}"
