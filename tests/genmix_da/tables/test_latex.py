"""LaTeX is well-formed whatever the names are, and compiles where a program for it is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from genmix_da.tables.latex import escaped, latex

PAIR = ("Art", "Clipart")


def test_latex_is_balanced_and_rectangular(bench: Any) -> None:
    bench.fill()
    bench.add(r"odd_{name} & 5% #1 \x ^~", PAIR, 1)
    text = latex(bench.summary())
    for name in ("table", "tabular"):
        assert text.count(rf"\begin{{{name}}}") == text.count(rf"\end{{{name}}}") > 3
    code = re.sub(r"\\\\|\\[{}%&#_$]", "", re.sub(r"(?m)^%.*$", "", text))
    assert code.count("{") == code.count("}")
    depth = 0
    for letter in code:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        assert depth >= 0
    assert code.count("$") % 2 == 0
    for body in re.findall(r"\\begin\{tabular\}(.*?)\\end\{tabular\}", text, re.DOTALL):
        columns = re.match(r"\{(l+r+)\}", body)
        assert columns is not None
        rows = [line for line in body.splitlines() if line.endswith(r"\\")]
        assert len(rows) >= 2
        for row in rows:
            assert len(re.findall(r"(?<!\\)&", row)) == len(columns[1]) - 1
        for rule in ("toprule", "midrule", "bottomrule"):
            assert rf"\{rule}" in body
    assert "{lead+genmix[filters]}" in text


def test_latex_prints_text_as_it_is() -> None:
    assert escaped("a_b & 5% #1 {x}") == r"a\_b \& 5\% \#1 \{x\}"
    assert escaped("\\") == r"\textbackslash{}"
    assert escaped("--all") == "{-}{-}all"


def test_latex_compiles(bench: Any, tmp_path: Path) -> None:
    program = shutil.which("tectonic") or shutil.which("pdflatex")
    if program is None:
        pytest.skip("neither tectonic nor pdflatex is installed")
    bench.fill()
    bench.add(r'[odd]_{name} & 5% #1 \x ^~ <"|>', PAIR, 1, synthetic=True)
    bench.publish()
    (tmp_path / "table.tex").write_text(latex(bench.summary()))
    (tmp_path / "page.tex").write_text(
        "\\documentclass{article}\n\\usepackage{booktabs}\n\\usepackage{graphicx}\n"
        "\\begin{document}\n\\input{table.tex}\n\\end{document}\n"
    )
    quiet = [] if "tectonic" in program else ["-interaction=nonstopmode", "-halt-on-error"]
    done = subprocess.run(
        [program, *quiet, "page.tex"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "page.pdf").stat().st_size > 10_000
