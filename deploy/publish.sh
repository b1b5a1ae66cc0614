#!/usr/bin/env bash
# Gathers the three programs in artifacts/publish, ready to be copied to a node that has the .NET 10 runtime and DPDK.
set -euo pipefail
cd "$(dirname "$0")/.."
rm -rf artifacts/publish
for project in DataPlane Daemon Cli; do
    dotnet publish "src/KernelBypass.$project" -c Release -v quiet --nologo -o artifacts/publish "$@"
done
cp -f artifacts/native/libkbdpdk.so artifacts/publish/
