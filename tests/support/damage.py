"""What happens to a file: cut off, bits flipped, filled with zeros, a value edited by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

Damage = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Cut:
    """The end is missing, as of a copy that was interrupted."""

    place: float

    def __call__(self, content: bytes) -> bytes:
        return content[: int(self.place * len(content))]


@dataclass(frozen=True)
class Flip:
    """One bit is another."""

    place: float
    bit: int

    def __call__(self, content: bytes) -> bytes:
        if not content:
            return content
        at = min(int(self.place * len(content)), len(content) - 1)
        return content[:at] + bytes([content[at] ^ (1 << self.bit)]) + content[at + 1 :]


@dataclass(frozen=True)
class Put:
    """Bytes stand where others were, or between them."""

    place: float
    what: bytes
    over: bool

    def __call__(self, content: bytes) -> bytes:
        at = int(self.place * len(content))
        return content[:at] + self.what + content[at + self.over * len(self.what) :]


@dataclass(frozen=True)
class Edited:
    """One value of a JSON file (or of one of its lines) is another, or gone.

    Attributes:
        place: which value, as a share of all there are.
        value: in its place.
        gone: removed instead.
    """

    place: float
    value: Any
    gone: bool = False

    def __call__(self, content: bytes) -> bytes:
        try:
            lines = [json.loads(content)]
        except (ValueError, RecursionError):
            try:
                lines = [json.loads(line) for line in content.splitlines()]
            except (ValueError, RecursionError):
                return content
        places = list(_places(lines))
        if not places:
            return content
        holder, key = places[min(int(self.place * len(places)), len(places) - 1)]
        if self.gone:
            del holder[key]
        else:
            holder[key] = self.value
        for line in lines:
            if isinstance(line, dict):  # else its own digest would refuse what is to be tried
                line.pop("description_sha256", None)
        return "\n".join(json.dumps(line) for line in lines).encode()


def _places(holder: Any) -> Iterator[tuple[Any, Any]]:
    """Every value of nested lists and mappings, as what holds it and where."""
    keys = range(len(holder)) if isinstance(holder, list) else list(holder)
    for key in keys:
        yield holder, key
        if isinstance(holder[key], dict | list):
            yield from _places(holder[key])


SHARE = st.floats(0, 1, exclude_max=True, allow_subnormal=False)

# What stands in JSON by mistake; 1e999 is read as infinity.
VALUES = st.sampled_from(
    [
        *(
            None,
            True,
            0,
            -1,
            1,
            0.5,
            1e999,
            float("nan"),
            10**40,
            10**400,
            "",
            "x",
            "none",
            "nan",
            "\0",
        ),
        *("\udcff", "é" * 300, "../..", "/", "1/0", [], [[]], [None], ["x"], {}, {"": {}}),
        *({"x": [1]}, [0, 0, 0], [-1.5], "a" * 5000),
    ]
)
BYTES = st.binary(min_size=1, max_size=40) | st.sampled_from(
    [b"\0" * 512, b"\xff" * 64, b"[" * 100_000, b"{" * 3000, b"9" * 5000, b"NaN", b"1e999", b"\r\n"]
)
ANYWHERE = st.one_of(
    st.builds(Cut, SHARE),
    st.builds(Flip, SHARE, st.integers(0, 7)),
    # The beginning of a file is where its form is told.
    st.builds(Flip, st.floats(0, 0.02), st.integers(0, 7)),
    st.builds(Put, SHARE, BYTES, st.booleans()),
)
OF_JSON = st.builds(Edited, SHARE, VALUES) | st.builds(Edited, SHARE, st.none(), st.just(True))


def damages(*, json: bool = False) -> st.SearchStrategy[list[Damage]]:
    """One to three things that happen to one file.

    Args:
        json: values may be edited by hand as well, which is the likelier there.
    """
    one = OF_JSON | OF_JSON | ANYWHERE if json else ANYWHERE
    return st.lists(one, min_size=1, max_size=3)


def damaged(content: bytes, by: list[Damage]) -> bytes:
    """The content after all of them."""
    for damage in by:
        content = damage(content)
    return content
