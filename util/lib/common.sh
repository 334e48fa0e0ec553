# What the commands in util/ share: messages, steps with progress, and the
# promise that nothing runs on after the command that started it.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$root/build
command_name=${0##*/}
step_group=
step_log=
run_pid=
step_as_root=

say() {
    printf '%s\n' "$*"
}


die() {
    printf '%s: %s\n' "util/$command_name" "$*" >&2
    exit 1
}


# What follows works with this folder, nginx's configure too.
[[ $root != *[[:space:]]* ]] ||
    die "the path \"$root\" has a space in it, with which nginx cannot be" \
        "built: clone to another one"

mkdir -p "$build/log"

# A proxy is for the registries of packages, not for what runs here.
export no_proxy="127.0.0.1,localhost${no_proxy:+,$no_proxy}"
export NO_PROXY=$no_proxy


as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}


# step TEXT COMMAND...: runs a command with its output in a log and shows that
# it is under way.  It gets a process group of its own, so that a signal ends
# all of it, and runs beside the shell, so that a trap is not kept waiting.
# The log of the last one is $step_log.
step() {
    local text=$1 log status=0
    shift

    log=$build/log/$(tr -cs 'a-zA-Z0-9' - <<< "$text" | cut -c1-40).log
    log=${log/-.log/.log}
    step_log=${log#"$root/"}

    [ -t 1 ] || printf '  %s ...\n' "$text"

    set -m
    "$@" > "$log" 2>&1 < /dev/null &
    step_group=$!
    set +m

    SECONDS=0
    while [ -t 1 ] && kill -0 "$step_group" 2>/dev/null; do
        printf '\r  %s ... %d s ' "$text" "$SECONDS"
        sleep 0.2 || true
    done

    wait "$step_group" || status=$?
    step_group=

    [ -t 1 ] && printf '\r\033[K'

    if [ "$status" -ne 0 ]; then
        printf '  %s: failed after %d s\n' "$text" "$SECONDS"
        return "$status"
    fi

    printf '  %s: %d s\n' "$text" "$SECONDS"
}


# Shows why a step failed whose log is worth reading.
show_log() {
    tail -n 15 "$root/$step_log" >&2
}


# Ends the step under way, if any, and waits until it is gone.
step_stop() {
    local kill=kill

    [ -n "$step_group" ] || return 0
    [ -z "$step_as_root" ] || kill='as_root kill'

    $kill -TERM -- "-$step_group" 2>/dev/null || true

    for _ in $(seq 100); do
        kill -0 -- "-$step_group" 2>/dev/null || break
        sleep 0.1
    done

    $kill -KILL -- "-$step_group" 2>/dev/null || true
    step_group=
}


# The time a process was started in, which tells it from a later one that got
# the same number; nothing when there is no such process or it is a zombie.
process_born() {
    local stat

    { read -r stat < "/proc/$1/stat"; } 2>/dev/null || return 0

    # The name of the program may hold spaces; fields count from behind it.
    set -- ${stat##*) }
    [ "$1" = Z ] || printf '%s' "${20}"
}


# stop_process PID SECONDS [SIGNAL]: ends a process, waits, and in the end
# kills it.
stop_process() {
    local pid=$1 deadline=$((SECONDS + $2)) born

    born=$(process_born "$pid")
    [ -n "$born" ] || return 0

    kill -"${3-TERM}" "$pid" 2>/dev/null || return 0
    kill -CONT "$pid" 2>/dev/null || true

    while [ "$(process_born "$pid")" = "$born" ]; do
        if [ "$SECONDS" -ge "$deadline" ]; then
            kill -KILL "$pid" 2>/dev/null || true
            deadline=$((SECONDS + 5))
        fi

        sleep 0.05
    done
}


port_in_use() {
    (exec 3<> "/dev/tcp/127.0.0.1/$1") 2>/dev/null
}


# Ends a process group and waits until it is gone.
stop_group() {
    kill -TERM -- "-$1" 2>/dev/null || return 0

    for _ in $(seq 100); do
        kill -0 -- "-$1" 2>/dev/null || return 0
        sleep 0.1
    done

    kill -KILL -- "-$1" 2>/dev/null || true
}


# run COMMAND...: runs a command of ours, which ends well on SIGTERM, beside the
# shell, so that a trap is not kept waiting.
run() {
    local status=0

    "$@" &
    run_pid=$!
    wait "$run_pid" || status=$?
    run_pid=

    return "$status"
}


run_stop() {
    [ -z "$run_pid" ] || stop_process "$run_pid" 60
    run_pid=
}
