# util/bench rss: a hundred thousand events whose ids are known.

rss_events=100000
rss_connections=64
rss_zone_mb=64
rss_above_mb=64

bench_rss() {
    compile http_load "$root"/util/lib/http_load*.c --
    build_modules
    start_kafka
    start_nginx "${rss_zone_mb}m"
    show_machine

    step "posting $rss_events events" "$bench/http_load" "$port" /events \
        "$rss_connections" "$rss_events" "load-$$" "$bench/ids" 120 ||
        { show_log; exit 1; }
    say "  $(cat "$root/$step_log")"

    step "waiting for Kafka" await_empty 60 || { show_log; exit 1; }
    step "reading them back" read_keys || { show_log; exit 1; }

    check_log
    check_ids
    check_rss
}


read_keys() {
    "$root/util/kafka" read "$topic" --from-beginning --timeout 120 |
        sed -n 's/.*"key":"\([^"]*\)".*/\1/p' | sort > "$bench/keys"
}


# Each id that was sent, answered 202, and in Kafka once.
check_ids() {
    local accepted missing strange twice

    sort -o "$bench/ids" "$bench/ids"
    accepted=$(wc -l < "$bench/ids")
    missing=$(comm -23 "$bench/ids" <(uniq "$bench/keys") | wc -l)
    strange=$(comm -13 "$bench/ids" <(uniq "$bench/keys") | wc -l)
    twice=$(uniq -d "$bench/keys" | wc -l)

    say "  ids answered 202: $accepted, in Kafka: $(wc -l < "$bench/keys")," \
        "missing $missing, more than once $twice, never answered $strange"

    [ "$accepted" -eq "$rss_events" ] ||
        die "$((rss_events - accepted)) events were not answered 202"
    [ "$((missing + strange + twice))" -eq 0 ] ||
        die "what is in Kafka is not what was answered"
}


check_rss() {
    local peak

    peak=$(awk '/^VmHWM:/ { print int($2 / 1024) }' "/proc/$worker_pid/status")

    say "  the worker's memory: $peak MB at most, zone $rss_zone_mb MB"
    [ "$peak" -le $((rss_zone_mb + rss_above_mb)) ] ||
        die "that is more than the zone and $rss_above_mb MB"
}
