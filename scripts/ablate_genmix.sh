#!/usr/bin/env bash
# Ablation of GenMix on one pair, one run folder a variant and seed; run it again to go on.
#   scripts/ablate_genmix.sh DATA WEIGHTS OUT SEED...
# About two minutes a run on one core; results: OUT/<variant>-<seed>/result.json.
set -euo pipefail
if [ $# -lt 4 ]; then
  echo "usage: $0 DATA WEIGHTS OUT SEED..." >&2
  exit 2
fi
data=$1 weights=$2 out=$3
shift 3

run() { # variant, then options; $seed is set by the loop
  local variant=$1
  shift
  genmix-da adapt --data "$data" --src Amazon --tgt Webcam --setting opda --split 4/2/4 \
    --backbone timm:mobilenetv1_100 --backbone-arg pad_type=same --weights "$weights" \
    --image-size 160 --source-lr 0.01 --lr 0.001 --source-epochs 5 --epochs 8 --batch-size 64 \
    --lambda-psd 0.3 --edit-size 256 --seed "$seed" --out "$out/$variant-$seed" --resume "$@"
}

for seed in "$@"; do
  run plain --augment none
  run edit --masks none --lambda 0 --features off
  run filter --masks none --lambda 0 --rule same-class
  run join --lambda 0
  run genmix
  run without-patchswap --masks vertical,horizontal,vertical-flipped,horizontal-flipped
  run classification-prompts --prompts classification
  run lambda-0.1 --lambda 0.1
  run lambda-0.3 --lambda 0.3
done
