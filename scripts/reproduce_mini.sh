#!/usr/bin/env bash
# A whole table without data, weights or GPU: Mini Office-Home (drawn, synthetic), two pairs, OPDA,
# three methods, two seeds, few epochs. Minutes on a laptop CPU; it shows that everything runs, and
# its numbers compare with nothing. Run it again to go on where it stopped.
#   scripts/reproduce_mini.sh OUT [more options of `genmix-da table`; they win over those below]
set -euo pipefail
if [ $# -lt 1 ]; then
  echo "usage: $0 OUT [options of genmix-da table]" >&2
  exit 2
fi
out=$1
shift
unset GENMIX_DA_DATA

exec genmix-da table --pairs Ar2Cl,Pr2Re --setting opda --methods source-only,lead,lead+genmix \
  --seeds 1,2 --source-epochs 8 --epochs 3 --editor filters --features off --device cpu \
  --out "$out" "$@"
