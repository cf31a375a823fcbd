#!/usr/bin/env bash
# Ten minutes on a card: tests, speed and memory of this package in one JSON and one Markdown table.
# Without a card, or with --tiny, all of it small on the CPU. scripts/bench/gpu_check.py has the parts.
# PYTHON=... names the interpreter; else that of `make`, else the first on PATH.
set -euo pipefail
here=$PWD
cd "$(dirname "$0")/.."
out="$here/gpu_check"
case " $* " in *" --out "*) out="" ;; esac
[ -x .venv/bin/python ] && made=.venv/bin/python
exec "${PYTHON:-${made:-python}}" scripts/bench/gpu_check.py ${out:+--out "$out"} "$@"
