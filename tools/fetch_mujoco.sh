#!/usr/bin/env bash
# Brings a version of MuJoCo from PyPI into build/mujoco/VERSION, to build Spikelane with.
#   bash tools/fetch_mujoco.sh VERSION        for example 3.8.1 or 4.0.0
# Headers and library are in the package mujoco up to 3.x and in mujoco-core from 4.0 on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=${1:-}
if ! [[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]]; then
  echo "usage: bash tools/fetch_mujoco.sh VERSION     three numbers, for example 3.8.1" >&2
  exit 2
fi
folder=build/mujoco/$version
option="-DMUJOCO_ROOT=$PWD/$folder/mujoco"
if [ ! -e "$folder/mujoco/include/mujoco/mujoco.h" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  found=
  for package in mujoco-core mujoco; do
    rm -rf "${work:?}"/*
    # the library does not depend on Python's version, so any wheel will do where 3.11 has none
    for python in "" "--python-version=3.11" "--python-version=3.10" "--python-version=3.13"; do
      # shellcheck disable=SC2086
      if python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: $python \
          -d "$work" "$package==$version" > "$work/log" 2>&1; then break; fi
    done
    wheel=$(find "$work" -name '*.whl' | head -n 1)
    [ -n "$wheel" ] || continue
    mkdir "$work/wheel"
    python3 -m zipfile -e "$wheel" "$work/wheel"
    if [ -e "$work/wheel/mujoco/include/mujoco/mujoco.h" ] &&
        compgen -G "$work/wheel/mujoco/libmujoco*" > /dev/null; then
      found=$package
      break
    fi
  done
  if [ -z "$found" ]; then
    echo "error: PyPI has no wheel of MuJoCo $version with headers and library for this machine; pip says:" >&2
    tail -n 3 "$work/log" >&2 || true
    exit 1
  fi
  mkdir -p "$folder"
  rm -rf "$folder/mujoco"
  mkdir "$folder/mujoco"
  cp -r "$work/wheel/mujoco/include" "$work"/wheel/mujoco/libmujoco* "$folder/mujoco"
  # decoders of mesh files and other plugins, which the program loads from beside the library
  if [ -d "$work/wheel/mujoco/plugin" ]; then cp -r "$work/wheel/mujoco/plugin" "$folder/mujoco"; fi
  echo "MuJoCo $version from PyPI's package $found"
fi
echo "in $folder; build with it:"
echo "  cmake --preset release $option"
