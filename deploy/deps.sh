#!/usr/bin/env bash
# Installs what is missing of the Debian packages for each purpose named: build, run, test, bench.
# Nothing is touched when all is there. Needs root only when something is missing.
set -euo pipefail

build=(cmake gcc g++ make pkg-config libdpdk-dev libnuma-dev libpcap-dev)
run=(dpdk iproute2 iperf3 iputils-ping ethtool procps)
test=(python3-scapy python3-grpcio python3-protobuf protobuf-compiler tshark tcpdump curl socat prometheus systemd openssl)
bench=(openvswitch-switch-dpdk dpdk-dev python3-minimal)

fail() { echo "deps: $*" >&2; exit 1; }

command -v dotnet >/dev/null || fail "the .NET 10 SDK is not on PATH: install it (https://dot.net) and try again"
[[ "$(dotnet --version)" == 10.* ]] || fail "the .NET SDK is $(dotnet --version); version 10 is needed"

wanted=()
for purpose in "$@"; do
    case "$purpose" in
        build) wanted+=("${build[@]}") ;;
        run) wanted+=("${run[@]}") ;;
        test) wanted+=("${test[@]}") ;;
        bench) wanted+=("${bench[@]}") ;;
        *) fail "no purpose '$purpose': one of build, run, test, bench" ;;
    esac
done
# grpc-js is tested with Node.js: any version on PATH will do, else Debian's.
if [[ " $* " == *" test "* ]] && ! command -v npm >/dev/null; then wanted+=(nodejs npm); fi

missing=()
for package in "${wanted[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
[[ ${#missing[@]} -eq 0 ]] && exit 0

[[ $EUID -eq 0 ]] || fail "missing packages: ${missing[*]}; run as root, or: apt-get install ${missing[*]}"
echo "deps: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Services that packages would start (ovs, prometheus) are not wanted here.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    trap 'rm -f "$log" "$policy"' EXIT
fi
if ! { apt-get update && apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    fail "apt-get could not install: ${missing[*]}"
fi
