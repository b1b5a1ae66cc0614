#!/usr/bin/env bash
# Runs every test project (or those whose names contain an argument) and sums up: the last line is "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/.."
passed=0 failed=0 skipped=0
logs=artifacts/test-logs
mkdir -p "$logs"

wanted() { # project name, arguments
    local name=$1; shift
    [[ $# -eq 0 ]] && return 0
    for part in "$@"; do [[ $name == *"$part"* ]] && return 0; done
    return 1
}

number() { sed -nE "s/.*$2: +([0-9]+).*/\1/p" <<<"$1"; }

for project in tests/*.Tests; do
    name=$(basename "$project")
    wanted "$name" "$@" || continue
    started=$SECONDS
    timeout -k 20 900 dotnet test "$project" --no-build -c Release --nologo --blame-hang-timeout 5m \
        --results-directory "$logs/$name" >"$logs/$name.log" 2>&1
    code=$?
    summary=$(grep -E '(Passed|Failed)! +- +Failed:' "$logs/$name.log" | tail -n 1)
    if [[ -z $summary ]]; then
        echo "FAILED $name: the test run ended with code $code before it could report:"
        tail -n 40 "$logs/$name.log"
        failed=$((failed + 1))
        continue
    fi
    p=$(number "$summary" Passed) f=$(number "$summary" Failed) s=$(number "$summary" Skipped)
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    printf '%-36s %4d passed %3d failed %4d s\n' "$name" "$p" "$f" $((SECONDS - started))
    [[ $f -gt 0 ]] && grep -vE '^ *(Passed|Determining|All projects)' "$logs/$name.log" | head -n 150
    if [[ $code -ne 0 && $f -eq 0 ]]; then
        echo "FAILED $name: its process ended with code $code"
        tail -n 20 "$logs/$name.log"
        failed=$((failed + 1))
    fi
done

if [[ $skipped -gt 0 ]]; then
    echo "FAILED: $skipped tests were skipped; a test that lacks its needs must fail and say why"
    failed=$((failed + skipped))
fi
echo "$passed passed, $failed failed"
[[ $failed -eq 0 && $passed -gt 0 ]]
