#!/usr/bin/env bash
# Checks commit.pml exhaustively, and that spin refutes every planted mistake: a model that finds nothing proves nothing.
#   Tests/Model/check.sh            about three minutes and 1.5 GB of memory
set -euo pipefail
model=$(cd "$(dirname "$0")" && pwd)/commit.pml
command -v spin > /dev/null || { echo "spin is missing: apt-get install spin" >&2; exit 1; }
compiler=${CC:-$(command -v cc || command -v clang || true)}
[ -n "$compiler" ] || { echo "a C compiler is missing: apt-get install gcc" >&2; exit 1; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

# verify "-DX ..." ARGUMENTS: the verifier's report in ./report. Ends when the search was not exhaustive.
verify() {
    local defines=$1
    shift
    cp "$model" commit.pml
    # shellcheck disable=SC2086  # several flags in one word
    spin -a $defines commit.pml > spin.log 2>&1 || { cat spin.log >&2; exit 1; }
    "$compiler" -w -O2 -DCOLLAPSE -DNFAIR=6 -o pan pan.c
    ./pan -m4000000 -w25 "$@" > report 2>&1 || true
    if ! grep -q 'errors: ' report || grep -Eq 'max search depth too small|out of memory|aborted' report; then
        cat report >&2
        exit 1
    fi
}

safety=(-N kept)
liveness=(-a -f -N commits)

holds() {
    local what=$1
    shift
    verify "$@"
    if ! grep -q 'errors: 0' report; then
        echo "REFUTED: $what" >&2
        grep -E '^pan:1' report >&2
        spin -t -p $1 commit.pml 2>&1 | grep proc | tail -60 >&2
        exit 1
    fi
    echo "holds: $what ($(awk '/states, stored/ {print $1; exit}' report) states)"
}

refuted() {
    local mistake=$1
    shift
    verify "$@"
    if grep -q 'errors: 0' report; then
        echo "NOT FOUND: $mistake is planted, and the model holds all the same" >&2
        exit 1
    fi
    echo "refuted, as it should be: $mistake ($(grep -Eom1 'assertion violated|acceptance cycle' report))"
}

for mistake in READY_BEFORE_ACK COMMIT_BEFORE_LEDGER GENERATION_UNCHECKED CHECK_THEN_APPEND OLD_GENERATION_OBEYED \
    OLD_REVISION_COUNTED; do
    refuted "$mistake" "-D$mistake" "${safety[@]}"
done
for mistake in ROOTS_RELEASED_EARLY DEAD_BUDDY_NOT_DROPPED; do
    refuted "$mistake" "-DSTEPS=2 -D$mistake" "${liveness[@]}"
done
holds "one commit per step, none of a stale generation, nothing committed lost, replicas agree: 3 steps" "" "${safety[@]}"
# A cycle needs no third step, and weak fairness costs ten times the states.
holds "every step commits in the end: 2 steps" "-DSTEPS=2" "${liveness[@]}"
