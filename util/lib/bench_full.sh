# util/bench full: answers of a queue that is full, its broker stopped, beside
# "return 503".

full_above_us=200
full_growth_mb=4

bench_full() {
    local round names name before after

    ! "$root/util/kafka" status > /dev/null 2>&1 ||
        die "this stops Kafka in between: util/kafka stop, and try again"

    # Another Kafka of this machine may take the usual port while ours is down.
    KAFKA_PORT=$(first_free 19300)
    export KAFKA_PORT

    build_modules
    start_kafka
    start_nginx 16m
    : > "$bench/figures"

    step "warming up" load warm /events 1 "$connections" ||
        { show_log; exit 1; }
    step "stopping Kafka" "$root/util/kafka" broker stop || exit 1
    DRAIN=0 step "filling the queue" load fill /events 3 "$connections" ||
        { show_log; exit 1; }
    awk '$1 == "fill" { exit !$6 }' "$bench/figures" ||
        die "the queue did not become full"

    show_machine
    before=$(rss_mb)

    for ((round = 1; round <= rounds; round++)); do
        names=(unavailable events)
        [ $((round % 2)) -eq 1 ] || names=(events unavailable)

        for name in "${names[@]}"; do
            DRAIN=0 step "round $round of $rounds, $name" load "$name" \
                "/$name" "$seconds" "$connections" || { show_log; exit 1; }
        done
    done

    after=$(rss_mb)
    show_machine
    show_full

    KAFKA_JVM='' step "starting Kafka again" "$root/util/kafka" broker start ||
        { show_log; exit 1; }
    step "waiting for Kafka" await_empty 120 || { show_log; exit 1; }

    check_full "$before" "$after"
}


rss_mb() {
    awk '/^VmRSS:/ { print int($2 / 1024) }' "/proc/$worker_pid/status"
}


show_full() {
    printf '\n  %5s  %22s  %22s\n' '' 'return 503' 'events'
    printf '  %5s  %10s  %10s  %10s  %10s\n' 'round' 'p99 us' 'requests/s' \
        'p99 us' 'requests/s'

    awk '
        { p99[$1, ++n[$1]] = $5; rps[$1, n[$1]] = $2 / $3 * 1e6 }
        END {
            for (i = 1; i <= n["events"]; i++)
                printf "  %5d  %10d  %10.0f  %10d  %10.0f\n", i,
                       p99["unavailable", i], rps["unavailable", i],
                       p99["events", i], rps["events", i]
        }' "$bench/figures"

    printf '  %5s  %10.0f  %10.0f  %10.0f  %10.0f\n\n' median \
        "$(of unavailable '$5')" "$(of unavailable '$2 / $3 * 1e6')" \
        "$(of events '$5')" "$(of events '$2 / $3 * 1e6')"
}


# check_full BEFORE AFTER: the worker's memory in MB when the rounds began and
# when they ended.
check_full() {
    local above

    say "  the worker's memory: $1 MB when the queue was full, then $2 MB"
    check_records
    check_log

    awk '$1 ~ /^(events|unavailable)$/ && ($6 != $2 || $7 != 0) { exit 1 }' \
        "$bench/figures" ||
        die "not every answer was 503, see build/bench/figures"

    [ $(($2 - $1)) -le "$full_growth_mb" ] || die "the memory has grown"

    above=$(calc "$(of events '$5') - $(of unavailable '$5')" %.0f)
    say "  p99 of events is $above us above that of return 503"
    [ "$above" -le "$full_above_us" ] || die "that is above $full_above_us us"
}
