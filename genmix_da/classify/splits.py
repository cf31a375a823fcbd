"""Which images are trained and tested on, where the data do not say: stratified, seeded, saved.

Each class has a permutation of its own, drawn from the split seed and the class name. Training
images are taken from its front, so that few shots are among many shots, and test images from its
back.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from genmix_da.classify.parts import Parts
from genmix_da.data.domain import Domain
from genmix_da.errors import UserError
from lead.seeds import derive


def split_parts(
    parts: Parts,
    *,
    shots: int | None = None,
    test_limit: int | None = None,
    test_fraction: float = 0.2,
    seed: int = 0,
) -> Parts:
    """Parts of which train and test are settled.

    Args:
        parts: from `find_parts`.
        shots: training images of each class; None: all that are not tested on.
        test_limit: at most this many test images, each class in proportion, at least one each.
        test_fraction: share of each class to test on, where there is no test part and no shots;
            with shots the images that are left are the test part.
        seed: of the split.

    Raises:
        UserError: one class only, too few images of a class, test classes that are not trained, an
            image in two parts, a limit below the number of classes.
    """
    if len(parts.train.classes) < 2:
        raise UserError(
            f"{parts.train.folder} has one class only ({parts.train.classes[0]}); a classifier "
            "needs two or more."
        )
    rows = _by_class(parts.train, seed)
    _check_counts(parts, rows, shots)
    test = parts.test
    if test is None:
        counts = {name: len(own) for name, own in rows.items()}
        kept = {
            name: count - shots if shots else min(max(round(count * test_fraction), 1), count - 1)
            for name, count in counts.items()
        }
        test = parts.train.part(_joined([own[len(own) - kept[n] :] for n, own in rows.items()]))
        rows = {name: own[: len(own) - kept[name]] for name, own in rows.items()}
    if shots is not None:
        rows = {name: own[:shots] for name, own in rows.items()}
    for part in (parts.val, test):
        _check_classes(parts.train, part)
    train = parts.train.part(_joined(list(rows.values())))
    # Of a test part that was given, no image may be one to train on, whatever the shots.
    _check_apart(train if parts.test is None else parts.train, parts.val, test)
    return Parts(parts.name, parts.folder, train, parts.val, limited(test, test_limit, seed))


def _check_counts(parts: Parts, rows: Mapping[str, Sequence[int]], shots: int | None) -> None:
    """Every class has the images that are wanted of it."""
    wanted = "one to train on" if shots is None else f"{shots} shots"
    if parts.test is None:
        wanted += " plus one to test on" if shots is None else " plus one test image"
    least = (shots or 1) + (parts.test is None)
    for name, own in rows.items():
        if len(own) < least:
            count = f"{len(own)} image{'' if len(own) == 1 else 's'}"
            raise UserError(
                f"class {name!r} of {parts.train.folder} has {count}, fewer than {wanted}; add "
                f"images{' or use fewer --shots' if shots else ''}."
            )


def _by_class(domain: Domain, seed: int) -> dict[str, list[int]]:
    """Class -> its rows in the drawn order."""
    found: dict[str, list[int]] = {name: [] for name in domain.classes}
    for row, name in enumerate(domain.labels or ()):
        found[name].append(row)
    drawn = {}
    for name, rows in found.items():
        order = np.random.default_rng(derive(seed, "split", name)).permutation(len(rows))
        drawn[name] = [rows[place] for place in order]
    return drawn


def _joined(rows: Sequence[Sequence[int]]) -> list[int]:
    """All rows in the order of the data set."""
    return sorted(row for some in rows for row in some)


def _check_classes(train: Domain, part: Domain | None) -> None:
    unknown = sorted(set(part.classes) - set(train.classes)) if part is not None else []
    if part is not None and unknown:
        raise UserError(
            f"{part.folder} has {len(unknown)} classes without training images, the first is "
            f"{unknown[0]!r}; check --data and --test-data."
        )


def _check_apart(train: Domain, val: Domain | None, test: Domain) -> None:
    """No image file is in two parts, under whatever names and links.

    Raises:
        UserError: one is.
    """
    seen: dict[Path, str] = {}
    for name, part in (("training", train), ("validation", val), ("test", test)):
        files = {image.resolve(): image for image in part.images} if part is not None else {}
        shared = next((file for file in files if file in seen), None)
        if shared is not None:
            raise UserError(
                f"{files[shared]} is a {name} image and a {seen[shared]} image too; no image may "
                "be in two parts: check --data and --test-data."
            )
        seen |= dict.fromkeys(files, name)


def limited(domain: Domain, limit: int | None, seed: int) -> Domain:
    """At most `limit` images of a domain, from the back of each class.

    Args:
        domain: labelled images.
        limit: how many; None: all.
        seed: of the split.

    Raises:
        UserError: fewer than one of each class.
    """
    if limit is None or len(domain.images) <= limit:
        return domain
    if limit < len(domain.classes):
        raise UserError(
            f"--test-limit {limit} is below the number of classes, {len(domain.classes)}; each "
            "class needs a test image."
        )
    rows = _by_class(domain, seed)
    quota = quotas([len(own) for own in rows.values()], limit)
    chosen = [own[len(own) - q :] for own, q in zip(rows.values(), quota, strict=True)]
    return domain.part(_joined(chosen))


def quotas(counts: Sequence[int], total: int) -> list[int]:
    """Whole numbers that share out `total` in proportion to counts, each at least 1.

    Largest remainders; sum(counts) >= total >= len(counts) is assumed.
    """
    exact = np.array(counts) * (total / sum(counts))
    quota = np.maximum(np.floor(exact), 1).astype(int)
    while quota.sum() < total:
        quota[np.argmax(exact - quota)] += 1
    while quota.sum() > total:
        quota[np.argmax(np.where(quota > 1, quota - exact, -np.inf))] -= 1
    return [int(number) for number in quota]


def split_record(parts: Parts, seed: int) -> dict[str, Any]:
    """The content of split.json: part -> class -> file names, relative to `folder`.

    Args:
        parts: from `split_parts`.
        seed: of the split.
    """
    named = {"train": parts.train, "val": parts.val, "test": parts.test}
    return {
        "folder": str(parts.folder),
        "split_seed": seed,
        **{key: _names(part, parts.folder) for key, part in named.items() if part is not None},
    }


def _names(part: Domain, folder: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {name: [] for name in part.classes}
    for path, name in zip(part.images, part.labels or (), strict=True):
        inside = path.relative_to(folder) if path.is_relative_to(folder) else path
        # File names need not be UTF-8; JSON must be.
        found[name].append(os.fsencode(inside).decode("utf-8", "backslashreplace"))
    return found
