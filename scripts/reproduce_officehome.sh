#!/usr/bin/env bash
# The published protocol on Office-Home as one table: ResNet-50 from ImageNet, 50 + 50 epochs,
# lambda_psd 2.0 (the profile's defaults), twelve pairs, OPDA 10/5/50, OSDA 25/0/40, PDA 25/40/0,
# every method that is here, three seeds, InstructPix2Pix edits. Methods take their own published
# settings (docs/methods.md): 10000 steps of 36 + 36 images for those with source data.
#   scripts/reproduce_officehome.sh DATA OUT [more options of `genmix-da table`; they win]
# DATA is Office-Home as unzipped. Stopped? The same command goes on. First look at the plan:
#   scripts/reproduce_officehome.sh DATA OUT --dry-run
# Several GPUs: --engine workers:N, --engine ray or --shard i/n, see docs/cluster.md.
#
# NOTHING OF THIS WAS RUN: no Office-Home, no ResNet-50 weights and no diffusion weights were at
# hand. What is expected are the averages over twelve pairs as printed in arXiv 2412.02366:
#
#   setting  score     source-only  lead  lead+genmix
#   opda     H-score          60.9  75.0         77.2
#   osda     H-score          55.2  67.2         68.7
#   pda      accuracy         62.9  73.8         74.3
#
# The tables print the published rows of all methods beside the runs.
#
# The table's headline is the last epoch; LEAD's released code prints the best epoch by target
# labels, so compare these with the "oracle" table too. docs/fidelity.md lists what differs.
#
# Needs `pip install 'genmix-da[diffusion]'`, a CUDA GPU, and at the first run the network, for the
# weights of ResNet-50, InstructPix2Pix (4 GB) and DINOv2. Disk: some 130 GB of checkpoints (72
# source models and 1,224 runs of about 100 MB) beside some 10 GB of edited and augmented images.
#
# Time, estimated from counts, with assumed rates; expect to be off by a factor of two or more:
#   edits     15,588 images x 2 x 244.6 TFLOP (100 steps x 3, 512 px; fewer for smaller images)
#             = 7.6 million TFLOP, at an assumed 100 TFLOP/s                          about 21 h
#   networks  50 epochs x 3 seeds x 2 x (26,087 source images x 3 forward passes' worth
#             + 3 x 36,177 target images x 4) x 0.0082 TFLOP
#             = 1.3 million TFLOP, at an assumed 20 TFLOP/s                           about 18 h
#   t-SNE     3 x 36,177 images x 2 x 3 seeds x 5 estimates x 4.5 ms on a CPU core    about 4 h
#   others    glc and glc++ as long as one of the two adaptations above, shot-o a tenth  about 16 h
#   with      10000 steps (dcc 3000, cmu 31000) x 72 images x 3 passes' worth x 0.0082 TFLOP
#   source    x 108 runs x 6.5 = 12.5 million TFLOP, at an assumed 20 TFLOP/s     about 174 h
# Together about ten days of one such GPU; --methods source-only,lead,lead+genmix takes 43 hours. Left
# out: decoding, feature selection, scoring, writing.
# `--fast` makes the edits ten times cheaper, and is not what was published.
set -euo pipefail
if [ $# -lt 2 ]; then
  echo "usage: $0 DATA OUT [options of genmix-da table]" >&2
  exit 2
fi
data=$1 out=$2
shift 2

methods=source-only,adabn,ovanet,dance,uniot,dcc,cmu,shot-o,glc,glc++,lead,lead+genmix
# --features dinov2: "auto" would quietly take the backbone where DINOv2 is not there yet.
exec genmix-da table --data "$data" --profile office-home --pairs all --setting opda,osda,pda \
  --methods "$methods" --seeds 1,2,3 --editor instruct-pix2pix --features dinov2 \
  --out "$out" "$@"
