#!/usr/bin/env bash
# The embedded default, shown: two network namespaces as hosts, the switch between them, flows over gRPC, ping and iperf3.
# Ctrl-C (or the end of standard input with --once) stops everything and leaves the machine as it was.
set -euo pipefail
cd "$(dirname "$0")/../.."

bin=$PWD/artifacts/publish
once=${DEMO_ONCE:-}
hosts=(kb-h1 kb-h2)
seconds=${DEMO_IPERF_SECONDS:-5}
work=$(mktemp -d /tmp/kernelbypass-demo.XXXXXX)
run=/run/kernelbypass
export KBCTL_ADDRESS=unix://$run/api.sock
daemon=""

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
fail() { echo "run: $*" >&2; exit 1; }
show() { echo "\$ kbctl $*"; "$bin/kbctl" "$@"; }

cleanup() {
    trap - EXIT INT TERM
    set +e
    [[ -n $daemon ]] && say "stopping"
    if [[ -n $daemon ]] && kill -TERM "$daemon" 2>/dev/null; then
        for _ in $(seq 100); do kill -0 "$daemon" 2>/dev/null || break; sleep 0.1; done
        kill -KILL "$daemon" 2>/dev/null
        wait "$daemon" 2>/dev/null
    fi
    # The data plane ends with the daemon; should it not have, it must not outlive the demonstration.
    pkill -KILL -f "kernelbypass-dataplane.*$run/" 2>/dev/null
    for host in "${hosts[@]}"; do
        ip netns pids "$host" 2>/dev/null | xargs -r kill -KILL 2>/dev/null
        ip netns del "$host" 2>/dev/null
    done
    rm -rf "$work" "$run_made"
    echo "the machine is as it was"
}

[[ $EUID -eq 0 ]] || fail "needs root: it makes network namespaces and tap devices"
[[ -x $bin/kernelbypassd ]] || fail "nothing built: run make build"
for host in "${hosts[@]}"; do
    [[ ! -e /run/netns/$host ]] || fail "network namespace $host exists already: another demonstration? ip netns del $host"
done
[[ ! -S $run/api.sock ]] || ! "$bin/kbctl" status >/dev/null 2>&1 || fail "a switch runs already in $run: stop it first"
run_made=$([[ -d $run ]] && echo "" || echo "$run")
trap cleanup EXIT
trap 'exit 130' INT TERM

# The same configuration as a node without NIC would run, but with its journal in a folder that goes away.
sed "s|path: /var/lib/kernelbypass|path: $work/journal|" config/embedded.yaml >"$work/kernelbypass.yaml"

say "starting the switch (config/embedded.yaml: two tap ports, no NIC, no hugepages)"
"$bin/kernelbypassd" --config "$work/kernelbypass.yaml" >"$work/kernelbypassd.log" 2>&1 &
daemon=$!
for _ in $(seq 300); do
    "$bin/kbctl" status --timeout 1 >/dev/null 2>&1 && break
    kill -0 "$daemon" 2>/dev/null || { cat "$work/kernelbypassd.log" >&2; daemon=""; fail "kernelbypassd ended; its log is above"; }
    sleep 0.1
done
"$bin/kbctl" status >/dev/null || { tail -n 30 "$work/kernelbypassd.log" >&2; fail "the switch did not come up; its log is above"; }
show status

say "two hosts: network namespaces ${hosts[*]}, each with one end of a port"
for i in 0 1; do
    host=${hosts[$i]}
    ip netns add "$host"
    ip link set "kb$i" netns "$host"
    ip -n "$host" link set lo up
    ip -n "$host" addr add "10.77.0.$((i + 1))/24" dev "kb$i"
    ip -n "$host" link set "kb$i" up
done
show port list

say "flows, over gRPC"
show flow add "priority=100,arp actions=normal"
show flow add "priority=90,cookie=0x1,in_port=p1,ip,ipv4_dst=10.77.0.2 actions=output:p2"
show flow add "priority=90,cookie=0x2,in_port=p2,ip,ipv4_dst=10.77.0.1 actions=output:p1"

say "ping through the switch"
ip netns exec "${hosts[0]}" ping -c 5 -i 0.2 10.77.0.2

say "iperf3 through the switch, $seconds seconds"
ip netns exec "${hosts[1]}" iperf3 -s -1 -D --pidfile "$work/iperf3.pid"
sleep 0.3
ip netns exec "${hosts[0]}" iperf3 -c 10.77.0.2 -t "$seconds" -f m | grep -E 'sender|receiver|error'

say "what the flows counted"
show flow list
show drops
show lcore

say "why does a packet go where it goes?"
show explain --in-port p1 tcp,ipv4_src=10.77.0.1,ipv4_dst=10.77.0.2,tcp_dst=80 || true

if [[ -n $once ]]; then exit 0; fi
cat <<EOF

The switch is up. Try, in another terminal:
  export PATH=$bin:\$PATH
  kbctl top                                      live rates, load and drops
  ip netns exec ${hosts[0]} ping 10.77.0.2             traffic to look at
  kbctl trace --match icmp --count 4             what becomes of real packets
  kbctl capture -p p1 -w - | tshark -r -         a port's packets
  kbctl flow add priority=200,icmp actions=drop  and the ping stops; then kbctl drops
  kbctl --help
Ctrl-C ends it all.
EOF
while kill -0 "$daemon" 2>/dev/null; do sleep 1; done
tail -n 30 "$work/kernelbypassd.log" >&2
daemon=""
fail "kernelbypassd ended; its log is above"
