"""What people write by hand: YAML of settings, splits and prompts, image lists and tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tiny_runs as tiny
from budget import examples
from damage import ANYWHERE, damaged
from fuzzed import call, check_kept, files_in

VALUES = st.sampled_from(
    (
        *(
            "",
            "null",
            "~",
            "true",
            "0",
            "-1",
            "1e999",
            ".nan",
            "-.inf",
            "0x1f",
            "1_000",
            "9" * 5000,
        ),
        *(
            "2024-13-45",
            "2024-01-01",
            "12:30:45",
            "!!binary x",
            "!!python/object:os.system x",
            "&a",
        ),
        *(
            "*a",
            "[*a]",
            "&a [*a]",
            "[]",
            "{}",
            "[[]]",
            "[a, b]",
            "{a: b}",
            "? x",
            "|",
            ">",
            "'",
            '"',
        ),
        *('"\\0"', '"\\ud800"', "!!set {a}", "<<: 1", "{<<: 1}", "a" * 5000, "[" * 5000, "\t", "%"),
        *("é", "!x y", "8/255", "1/0", "..", "3/1/2", "opda", "lead", "none", "{? [a] : b}"),
    )
) | st.text(max_size=12)

# Kind of file -> its keys, a file that is taken, and the commands that read it.
YAML: dict[str, tuple[tuple[str, ...], str, tuple[tuple[str, ...], ...]]] = {
    "settings of adapt": (
        (
            *("src", "tgt", "setting", "data", "split", "part", "profile", "augment", "method"),
            *("genmix", "backbone", "backbone_arguments", "weights", "batch_size", "threshold"),
            *("graph_options", "seed", "lr", "epochs", "image_size", "unknown_share", "none"),
        ),
        "src: Art\ntgt: Clipart\nsplit: 3/1/2\ngenmix: {per_image: 1, masks: [vertical]}\n"
        "backbone_arguments: {}\ngraph_options: {neighbours: 3}\nlr: 0.01\nseed: 3\n",
        (
            (
                *("adapt", "--src", "Art", "--tgt", "Clipart", "--data", "{home}/data"),
                *(*tiny.NETWORK, *tiny.SOURCE, "--augment", "none", "--config", "{file}"),
                *("--out", "{out}/run"),
            ),
            (
                *("table", "--data", "{home}/data", "--config", "{file}", *tiny.NETWORK),
                *("--pairs", "Ar2Cl", "--seeds", "1", "--dry-run", "--out", "{out}/table"),
            ),
        ),
    ),
    "settings of classify": (
        (
            *("data", "test_data", "dataset", "augment", "augment_options", "genmix", "backbone"),
            *("weights", "fgsm", "epsilon", "shots", "test_fraction", "steps", "lr", "none"),
        ),
        "data: x\naugment: cutmix\naugment_options: {alpha: 0.4}\nfgsm: [0.01]\nlr: 0.05\n",
        (
            (
                *("classify", "train", "--data", "{home}/data/Art", *tiny.NETWORK, "--epochs", "1"),
                *("--config", "{file}", "--out", "{out}/run"),
            ),
        ),
    ),
    "splits": (
        ("shared", "source_private", "target_private", "names"),
        "shared: [apple, banana]\nsource_private: [fig]\ntarget_private: [date]\n"
        "names: {apple: Apple}\n",
        (
            (
                *("adapt", "--src", "Art", "--tgt", "Clipart", "--data", "{home}/data"),
                *(*tiny.NETWORK, *tiny.SOURCE, "--augment", "none", "--split", "{file}"),
                *("--out", "{out}/run"),
            ),
        ),
    ),
    "prompts": (
        ("name", "note", "template", "styles", "phrase", "negative", "guidance"),
        "name: mine\ntemplate: 'as {style}'\nstyles:\n"
        "- phrase: retro comic\n- {name: x, phrase: autumn}\n",
        (
            ("prompts", "check", "{file}"),
            ("preview", "{home}/data/Art", "--prompts", "{file}", "--sheet", "{out}/sheet.png"),
        ),
    ),
}


def yaml_text(keys: tuple[str, ...], whole: str) -> st.SearchStrategy[bytes]:
    """A file of lines with known keys and strange values, or a good one that is damaged."""
    lines = st.lists(st.tuples(st.sampled_from(keys), VALUES), min_size=1, max_size=4)
    written = lines.map(lambda pairs: "\n".join(f"{key}: {value}" for key, value in pairs))
    added = written.map(lambda text: whole + text)
    texts = (written | added | VALUES).map(lambda text: text.encode("utf-8", "replace"))
    return texts | damages.map(lambda by: damaged(whole.encode(), by))


damages = st.lists(ANYWHERE, min_size=1, max_size=3)


@pytest.mark.usefixtures("stopped_when_at_work")
@pytest.mark.parametrize("kind", YAML)
def test_a_good_file_is_taken(kind: str, workshop: Path, fresh: Callable[[], Path]) -> None:
    _, whole, commands = YAML[kind]
    for command in commands:
        out = fresh()
        (out / "file.yaml").write_text(whole)
        assert call("good files", *placed(command, workshop, out)).code in (0, 130)


def placed(command: Sequence[str], home: Path, out: Path) -> list[str]:
    """Arguments with the places that they name."""
    for mark, place in (("{home}", home), ("{out}", out), ("{file}", out / "file.yaml")):
        command = [argument.replace(mark, str(place)) for argument in command]
    return list(command)


@pytest.mark.usefixtures("stopped_when_at_work")
@pytest.mark.parametrize("kind", YAML)
def test_yaml(kind: str, workshop: Path, fresh: Callable[[], Path]) -> None:
    keys, whole, commands = YAML[kind]

    @examples(30)
    @given(yaml_text(keys, whole), st.sampled_from(commands))
    def holds(content: bytes, command: tuple[str, ...]) -> None:
        out = fresh()
        file = out / "file.yaml"
        file.write_bytes(content)
        call(f"YAML: {kind}", *placed(command, workshop, out))
        check_kept({file.name: content}, files_in(out))

    holds()


LABELS = st.sampled_from(
    (
        "apple",
        "0",
        "7",
        "007",
        "-1",
        "²",
        "٣",
        "9" * 5000,
        "a" * 300,
        "é",
        "1.5",
        "",
        '"',
        "'",
        "\0",
    )
) | st.text(max_size=6)
PATHS = st.sampled_from(
    (
        *("Art/apple/00.jpg", "Art\\apple\\01.png", "Art/fig/02.jpg", "missing.png", "/", ".jpg"),
        *("a b.png", '"Art/fig/03.png"', "../data/Art/fig/03.png", "a" * 5000 + ".png", "~/x.png"),
        *("\0.png", "x.PNG.jpg", "# x.png", "Art/apple", "http://x/y.jpg", "é.png", ""),
    )
)
MARKS = st.sampled_from((" ", ",", ";", "\t", "  ", ", ", ""))
HEADS = st.sampled_from(
    ("", "", "path,label\n", "path,label,domain,part\n", "label;path\n", "path\tlabel\n", "# x\n")
)
ENDINGS = st.sampled_from(("\n", "\r\n", "\r", "\n\n", "\x85", "\x0b"))
ENCODINGS = st.sampled_from(("utf-8", "utf-8-sig", "utf-16", "latin-1"))


@st.composite
def image_list(draw: st.DrawFn) -> bytes:
    """Lines of paths, labels and further columns."""
    mark, end = draw(MARKS), draw(ENDINGS)
    further = st.sampled_from(("", f"{mark}Art", f"{mark}Art{mark}train", f"{mark}x{mark}"))
    rows = draw(st.lists(st.tuples(PATHS, LABELS, further), max_size=6))
    text = draw(HEADS) + end.join(f"{path}{mark}{label}{more}" for path, label, more in rows)
    content = text.encode(draw(ENCODINGS), "replace")
    return damaged(content, draw(st.lists(ANYWHERE, max_size=2)))


@pytest.mark.usefixtures("stopped_when_at_work")
@pytest.mark.parametrize("name", ["Photo.txt", "Photo.csv", "labels.csv", "Photo_train.txt"])
def test_lists(name: str, workshop: Path, fresh: Callable[[], Path]) -> None:
    @examples(25)
    @given(image_list(), st.sampled_from(("check", "root", "adapt")))
    def holds(content: bytes, reader: str) -> None:
        root = fresh() / "data"
        root.mkdir()
        (root / "Art").symlink_to(workshop / "data" / "Art")
        (root / name).write_bytes(content)
        if reader == "adapt":
            pair = ("--src", "Art", "--tgt", "Photo", "--data", root)
            given = (*tiny.NETWORK, *tiny.SOURCE, "--augment", "none", "--out", root.parent / "run")
            call("image lists", "adapt", *pair, *given)
        else:
            call("image lists", "data", "check", root if reader == "check" else root / name)
        assert (root / name).read_bytes() == content

    holds()
