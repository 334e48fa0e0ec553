#!/usr/bin/env bash
#
# util/test model [--large]
#
# Searches all states of the models in t/model with spin: the protocol as it is
# must hold, and each switch, which puts one known mistake into it, must give a
# counterexample.  Prints a line for each run: its name, states, seconds, and
# what was found.  Two minutes and 8 GB at most; --large has larger bounds,
# compressed states (-DCOLLAPSE, which loses none), and takes four minutes and
# 8 GB.
#
# What a run did is in build/model/NAME: log, and trace of a counterexample.

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$root/build/model
depth=100000
fault='-DNOREDUCE -DSAFETY'


# The longest first.  name, file, what is expected, bounds and switches, how
# pan is compiled, how it is run.
runs() {
    local switch

    if [ "$1" = large ]; then
        large_runs
        return
    fi

    row records ring.pml holds '-DRECORDS=3' "-O2 $fault" -w26
    row deaths ring.pml holds '-DKILLS=2' "-O2 $fault" -w25
    row handles ring.pml holds '-DKILLS=1 -DFATALS=1' "-O2 $fault" -w24
    row full ring.pml holds '-DSEGMENTS=2 -DRESERVE=0 -DSTOPS=2' \
        "-O2 $fault" -w22
    row ends ring.pml ends '-DKILLS=1' '-O2 -DNOREDUCE -DNP' '-l -w24'

    row FULL_FOR_GOOD ring.pml fails '-DRECORDS=3' "-O1 $fault" -w24

    for switch in DONE_ON_ANY_REPORT FREE_AT_PRODUCE COMMIT_BEFORE_COPY \
        NO_ADOPTION LOCK_IGNORED OWN_SLOT_ADOPTED SLOT_GIVEN_AWAY \
        LOCK_FILE_PER_RELOAD INIT_AFTER_CLAIM CURSOR_NOT_KEYED \
        HEADER_NOT_ZEROED DONE_BEFORE_PARKED NAMED_BEFORE_END
    do
        row "$switch" ring.pml fails '' "-O0 $fault" -w20
    done

    row heirs ends.pml holds '-DKILLS=2' "-O2 $fault" -w22

    for switch in SAME_GENERATION_IGNORED HEIRS_BEFORE_LEAVING LATE_IS_OVER \
        OLD_HEIRS
    do
        row "$switch" ends.pml fails '' "-O0 $fault" -w20
    done

    row wake wake.pml holds '' "-O0 $fault" -w20
    row NO_FENCE_IN_WAKE wake.pml fails '' "-O0 $fault" -w20
    row NO_FENCE_IN_SLEEP wake.pml fails '' "-O0 $fault" -w20
}


large_runs() {
    local packed="-O2 $fault -DCOLLAPSE"

    row parks-large ring.pml holds '-DKILLS=2 -DERRORS=2 -DPARKS=2' \
        "$packed" -w28
    row ends-large ring.pml ends '-DKILLS=2' \
        '-O2 -DNOREDUCE -DNP -DCOLLAPSE' '-l -w27'
    row wake-large wake.pml holds '-DCOMMITS=8 -DREPORTS=8' "-O2 $fault" -w24
}


row() {
    printf '%s|' "$@"
    printf '\n'
}


# run LINE: one of runs().  Ends with 0 if it found what is expected.
run() {
    local name file expected define compile options folder began status=0

    IFS='|' read -r name file expected define compile options _ <<< "$1"

    if [ "$expected" = fails ]; then
        define="$define -D$name"
    fi

    folder=$work/$name
    rm -rf "$folder"
    mkdir -p "$folder"
    cd "$folder"
    began=$(date +%s%N)

    # shellcheck disable=SC2086
    if ! spin -a $define "$root/t/model/$file" > log 2>&1 ||
        ! "${CC:-gcc}" -w $compile -DMEMLIM="$memory" -o pan pan.c >> log 2>&1
    then
        tell "$name" - 0 "FAILED to build: build/model/$name/log"
        return 1
    fi

    # shellcheck disable=SC2086
    ./pan -m$depth $options >> log 2>&1 || true

    judge "$expected" || status=1
    tell "$name" "$(states)" "$(($(date +%s%N) - began))" "$found"
    rm -f pan pan.? pan.pre _spin_nvr.tmp

    return "$status"
}


# judge EXPECTED: sets found.
judge() {
    local broken='' end

    if compgen -G '*.trail' > /dev/null; then
        ./pan -r *.trail > replay 2>&1 || true
        grep -E '^(worker [01]|broken): ' replay > trace || true
        broken=$(sed -n 's/^broken: //p' trace)
    fi

    if grep -qE 'assertion violated|invalid end state|non-progress' log &&
        ! grep -q 'errors: 0' log
    then
        found="counterexample: ${broken:-$(grep -m 1 '^pan:1:' log || true)}"
        [ "$1" != fails ] || [ -z "$broken" ] || return 0
        found="FAILED, $found"
        return 1
    fi

    # A search that was cut short says nothing.

    if ! grep -q 'errors: 0' log ||
        ! grep -q '^Full statespace search' log ||
        grep -qE 'too small|not completed|out of memory|reached -DMEMLIM' log
    then
        found="FAILED: the search is not complete: ${PWD#"$root/"}/log"
        return 1
    fi

    case $1 in
        holds) end='holds' ;;
        ends) end='holds: every run comes to an end' ;;
        *) end='FAILED: no counterexample' ;;
    esac

    found="$end, depth $(sed -n 's/.*depth reached \([0-9]*\),.*/\1/p' log)"
    [ "$1" != fails ]
}


states() {
    sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' log | head -n 1 |
        grep . || echo -
}


tell() {
    printf '%-22s %11s states %4d.%d s  %s\n' "$1" "$2" \
        $(($3 / 1000000000)) $(($3 / 100000000 % 10)) "$4"
}


main() {
    local bounds=small jobs began status=0 found

    case ${1-} in
        --large) bounds=large ;;
        '') ;;
        *) sed -n '3,/^$/ s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    esac

    # How much each search may take, and how many run beside each other.

    if [ "$bounds" = large ]; then
        export memory=8000
        jobs=1
    else
        export memory=3500
        jobs=2
    fi

    began=$SECONDS
    mkdir -p "$work"
    runs "$bounds" > "$work/runs"

    xargs -d '\n' -n 1 -P "$jobs" "$0" --run < "$work/runs" || status=1

    found="all searches complete and exhaustive (no -DBITSTATE)"
    [ "$status" -eq 0 ] || found="FAILED"
    printf '%d runs in %d s: %s\n' "$(wc -l < "$work/runs")" \
        $((SECONDS - began)) "$found"

    return "$status"
}


if [ "${1-}" = --run ]; then
    run "$2"
else
    main "$@"
fi
