# util/bench http: events beside the floor of the same nginx.

bench_http() {
    local round names name

    build_modules
    start_kafka
    start_nginx 256m
    : > "$bench/figures"

    step "warming up" warm_up || { show_log; exit 1; }
    : > "$bench/figures"
    show_machine

    for ((round = 1; round <= rounds; round++)); do
        # Who comes second finds a machine that the first has warmed.
        names=(floor events)
        [ $((round % 2)) -eq 1 ] || names=(events floor)

        for name in "${names[@]}"; do
            step "round $round of $rounds, $name" load "$name" "/$name" \
                "$seconds" "$connections" || { show_log; exit 1; }
        done
    done

    show_machine
    show_http
    check_http
}


warm_up() {
    load floor /floor 1 "$connections" && load events /events 2 "$connections"
}


show_http() {
    local floor events ratio

    printf '\n  %5s  %22s  %22s  %5s\n' '' 'floor' 'events' 'ratio'
    printf '  %5s  %10s  %10s  %10s  %10s  %5s\n' 'round' 'us/request' \
        'requests/s' 'us/request' 'requests/s' 'of us'

    awk '
        {
            us[$1, ++n[$1]] = $8 / $2 / 1000
            rps[$1, n[$1]] = $2 / $3 * 1e6
        }
        END {
            for (i = 1; i <= n["floor"]; i++)
                printf "  %5d  %10.2f  %10.0f  %10.2f  %10.0f  %5.2f\n", i,
                       us["floor", i], rps["floor", i],
                       us["events", i], rps["events", i],
                       us["events", i] / us["floor", i]
        }' "$bench/figures"

    floor=$(of floor '$8 / $2 / 1000')
    events=$(of events '$8 / $2 / 1000')
    ratio=$(calc "$events / $floor")

    printf '  %5s  %10.2f  %10.0f  %10.2f  %10.0f  %5.2f\n\n' median \
        "$floor" "$(of floor '$2 / $3 * 1e6')" \
        "$events" "$(of events '$2 / $3 * 1e6')" "$ratio"

    say "  CPU of events by thread, us a request: event loop" \
        "$(calc "$(of events '$9 / $2 / 1000')")," \
        "sender $(calc "$(of events '$10 / $2 / 1000')")," \
        "librdkafka $(calc "$(of events '$11 / $2 / 1000')")"
    say "  CPU of events beside the floor: $ratio"

    http_ratio=$ratio
}


# Every answer was 202, and what was answered is in Kafka.
check_http() {
    check_records
    check_log

    awk '$6 + $7 { bad += $6 + $7 } END { exit bad > 0 }' "$bench/figures" ||
        die "there were answers that are not 2xx, or broken connections," \
            "see build/bench/figures"

    [ -z "$limit" ] || [ "$(calc "$http_ratio <= $limit" %d)" = 1 ] ||
        die "the ratio $http_ratio is above $limit"
}
