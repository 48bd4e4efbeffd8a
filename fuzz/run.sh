#!/bin/sh
# Runs every fuzz target, or those that are named, and fails if one finds anything.
#
#   fuzz/run.sh SECONDS [TARGET...]
#
# Two at a time, and without a sanitizer, since the crate has no unsafe code. What
# a run adds to its corpus is thrown away; an input that breaks something stays in
# `artifacts`.
set -u
cd "$(dirname "$0")" || exit 2
seconds=${1:?usage: fuzz/run.sh SECONDS [TARGET...]}
shift
[ $# -gt 0 ] || set -- $(sed -n '/^\[\[bin\]\]/,/^name/s/^name = "\(.*\)"/\1/p' Cargo.toml)

work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
for target; do
    cargo +nightly fuzz build --sanitizer none "$target" || exit 2
done

run() {
    mkdir -p "$work/$1" "corpus/$1"
    if cargo +nightly fuzz run --sanitizer none "$1" "$work/$1" "corpus/$1" -- \
        -max_total_time="$seconds" -max_len=8192 -timeout=10 -rss_limit_mb=2048 \
        -len_control=0 -print_final_stats=1 >"$work/$1.log" 2>&1
    then
        executed=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/$1.log")
        echo "$1: ok, $executed inputs"
    else
        echo "$1: FAILED"
        grep -A 3 -E 'panicked at|ERROR: [^d]*Sanitizer|ERROR: libFuzzer: [^d]|fuzz run' "$work/$1.log" | cut -c 1-2000
        : >"$work/failed"
    fi
}

while [ $# -gt 0 ]; do
    run "$1" &
    shift
    if [ $# -gt 0 ]; then
        run "$1" &
        shift
    fi
    wait
done
[ ! -e "$work/failed" ]
