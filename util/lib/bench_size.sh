# util/bench size: what an event takes of a queue, and how many it holds, with
# no Kafka there.

size_zone_mb=256
size_events=(100 300 1000 10000)
size_fills=60

bench_size() {
    local bytes

    build_modules
    topic=events
    brokers=127.0.0.1:1
    : > "$bench/figures"

    for bytes in "${size_events[@]}"; do
        start_nginx "${size_zone_mb}m"
        step "filling the queue with events of $bytes bytes" \
            size_fill "$bytes" || { show_log; exit 1; }
        check_log

        # What it holds is not meant for anybody.
        stop_process "$nginx_pid" 30
        nginx_pid=''
    done

    show_size
    check_size
}


# size_fill BYTES: posts events until one is refused, and notes
# BYTES events bytes_in_the_queue own_kb
size_fill() {
    local fill events bytes own

    export EVENT_BYTES=$1

    for ((fill = 1; ; fill++)); do
        DRAIN=0 load fill /events 1 "$connections" || return 1
        awk '$1 == "fill" && $6 { full = 1 } END { exit !full }' \
            "$bench/figures" && break

        [ "$fill" -lt "$size_fills" ] ||
            { echo "the queue is not full after $fill s"; return 1; }
    done

    sed -i '/^fill /d' "$bench/figures"
    events=$(metric ingest_queue_size) || return 1
    bytes=$(metric ingest_queue_bytes) || return 1
    own=$(awk '$1 == "RssAnon:" { print $2 }' "/proc/$worker_pid/status")

    echo "$1 $events $bytes $own" >> "$bench/figures"
}


# The size of a record by the formula of docs/sizing.md: an event that comes
# without an id and a timestamp gets 83 bytes of them.
size_record() {
    local id=36 added=83

    echo $(((64 + ${#topic} + 2 * id + 16 + $1 + added + 63) / 64 * 64))
}


show_size() {
    printf '\n  %8s  %12s  %12s  %12s  %12s\n' 'bytes' 'bytes' 'events' \
        'events' 'MB of the'
    printf '  %8s  %12s  %12s  %12s  %12s\n' 'posted' 'in the zone' \
        "in $size_zone_mb MiB" 'in 1 GiB' 'worker'

    awk -v zone_mb="$size_zone_mb" '
        { printf "  %8d  %12.0f  %12d  %12d  %12d\n", $1, $3 / $2, $2,
                 $2 * 1024 / zone_mb, $4 / 1024 }' "$bench/figures"
    echo
}


check_size() {
    local bytes events taken _

    while read -r bytes events taken _; do
        [ "$taken" -eq $((events * $(size_record "$bytes"))) ] ||
            die "an event of $bytes bytes should take" \
                "$(size_record "$bytes") bytes, and $events take $taken"
    done < "$bench/figures"
}
