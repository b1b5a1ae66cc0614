#!/usr/bin/env bash
# usage: native/build.sh [cmake options]   e.g. native/build.sh -DKB_MARCH=native
# Configures and builds libkbdpdk.so into artifacts/native/. Another DPDK: PKG_CONFIG_PATH=<its lib/pkgconfig> native/build.sh
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

pkg-config --exists 'libdpdk >= 22.11' || {
    echo "native/build.sh: pkg-config finds no libdpdk >= 22.11. On Debian: apt-get install libdpdk-dev dpdk pkg-config" >&2
    exit 1
}
command -v cmake > /dev/null || { echo "native/build.sh: cmake is missing. On Debian: apt-get install cmake" >&2; exit 1; }

cmake -S "$root/native" -B "$root/artifacts/native/obj" -DCMAKE_LIBRARY_OUTPUT_DIRECTORY="$root/artifacts/native" "$@" > /dev/null
cmake --build "$root/artifacts/native/obj" --parallel "$(nproc)"
