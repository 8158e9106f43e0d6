#!/usr/bin/env bash
# Builds the program and trains the demo: a spiking network learns ten classes of spike patterns by
# evolution strategies. Options are handed on to `spikelane train` (e.g. --threads 1).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

echo "building the program for this machine (2 to 4 minutes on two cores); then it trains for about a minute"
bash tools/build.sh demo
spikelane=build/demo/spikelane
"$spikelane" train configs/randman_es.json --out out/demo "$@"
"$spikelane" plot out/demo > /dev/null

python3 - << 'EOF_PYTHON'
import json

with open("out/demo/results.json") as file:
    results = json.load(file)
print(f"test accuracy: {100 * results['final']['test_accuracy']:.1f} %")
print(f"state hash:    {results['state_hash']}")
print("results:       out/demo/results.json")
print("picture:       out/demo/curve.svg, out/demo/curve.png")
EOF_PYTHON
