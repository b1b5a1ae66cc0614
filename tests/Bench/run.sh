#!/usr/bin/env bash
# Measures the switch beside its peers; arguments: parts of row names (none: all).
# BENCH_ROUNDS (3) and BENCH_WINDOWS (6) may be set. Results: docs/performance.md and artifacts/bench.json.
set -euo pipefail
cd "$(dirname "$0")/../.."
dotnet build tests/Bench/SwitchBench -c Release -v quiet --nologo
# The driver must not disturb the lcore on CPU 1; the measured threads bind themselves.
exec taskset -c 0 dotnet tests/Bench/SwitchBench/bin/Release/net10.0/SwitchBench.dll --rounds "${BENCH_ROUNDS:-3}" --windows "${BENCH_WINDOWS:-6}" \
    --json artifacts/bench.json --markdown docs/performance.md "$@"
