#!/usr/bin/env bash
# Fetches the four MNIST files (11 MB, gzipped) into data/mnist, where task `mnist` looks for them.
#   bash tools/fetch_mnist.sh [FOLDER]   default: data/mnist
#   SPIKELANE_MNIST_URL                  where to fetch from, in place of the two known mirrors
# Files that are there and right are kept; a file appears under its name only whole and checked.
set -euo pipefail

folder=${1:-$(dirname "${BASH_SOURCE[0]}")/../data/mnist}
mirrors=(https://ossci-datasets.s3.amazonaws.com/mnist
         https://storage.googleapis.com/cvdf-datasets/mnist)
if [ -n "${SPIKELANE_MNIST_URL:-}" ]; then mirrors=("${SPIKELANE_MNIST_URL%/}"); fi

# SHA-256 of what is inside the .gz: mirrors may have packed it differently
files=(
  train-images-idx3-ubyte ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db
  train-labels-idx1-ubyte 65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5
  t10k-images-idx3-ubyte 0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7
  t10k-labels-idx1-ubyte ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2
)

# download URL TO
if command -v curl > /dev/null; then
  download() { curl -fsSL --retry 2 --connect-timeout 20 -o "$2" "$1"; }
elif command -v wget > /dev/null; then
  download() { wget -q --tries=3 --timeout=20 -O "$2" "$1"; }
else
  echo "error: neither curl nor wget is installed; on Debian: sudo apt-get install curl" >&2
  exit 1
fi

is_right() { [ "$(gzip -dc -- "$1" 2> /dev/null | sha256sum | cut -d ' ' -f 1)" = "$2" ]; }

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
part=
trap '[ -z "$part" ] || rm -f "$part"' EXIT
for ((i = 0; i < ${#files[@]}; i += 2)); do
  name=${files[i]} sum=${files[i + 1]} to=$folder/${files[i]}.gz
  if [ -e "$to" ]; then
    if is_right "$to" "$sum"; then
      echo "there already: $to"
      continue
    fi
    echo "damaged, fetched again: $to" >&2
  fi
  part=$(mktemp "$folder/.$name.XXXXXX")
  is_done=
  for mirror in "${mirrors[@]}"; do
    if ! download "$mirror/$name.gz" "$part"; then
      echo "warning: $mirror/$name.gz cannot be fetched" >&2
    elif ! is_right "$part" "$sum"; then
      echo "warning: $mirror/$name.gz is damaged or another file (SHA-256 differs)" >&2
    else
      is_done=yes
      break
    fi
  done
  if [ -z "$is_done" ]; then
    echo "error: no mirror has $name.gz; put the file into $folder by hand" >&2
    exit 1
  fi
  chmod 644 "$part"
  mv -f "$part" "$to"
  part=
  echo "fetched: $to"
done
