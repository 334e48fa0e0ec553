# util/bench report: docs/performance.md, out of what the other parts measure.

report_file=docs/performance.md

bench_report() {
    local new=$bench/performance.md

    mkdir -p "$bench"
    build_modules
    report_machine > "$new"

    for part in http full size micro; do
        say "$part:"
        run "$root/util/bench" "$part" --rounds "$rounds" \
            --seconds "$seconds" --connections "$connections" ||
            die "there is no report without \"$part\""
        "report_$part" >> "$new"
    done

    mv -f "$new" "$root/$report_file"
    say "wrote $report_file"
}


report_machine() {
    cat << END
# Performance

Written by \`util/bench report\`; run it for the figures of your machine.  Each
is the median of $rounds rounds of $seconds s; what is compared takes turns.
Client, nginx and Kafka share the machine, so requests a second are less than
nginx alone would do; CPU time and ratios mind that less.

| | |
|---|---|
| date | $(date -u +%F) |
| machine | $(nproc) CPUs, $(sed -n 's/^model name.*: //p' /proc/cpuinfo |
    head -n 1), $(awk '/^MemTotal:/ { printf "%.1f GiB", $2 / 1048576 }' \
        /proc/meminfo) |
| load before | $(cut -d ' ' -f 1-3 /proc/loadavg) |
| system | $(. /etc/os-release; echo "$PRETTY_NAME"), Linux $(uname -r) |
| module | $(report_version) |
| nginx | $(report_nginx), one worker |
| librdkafka | $(pkg-config --modversion rdkafka) |
| Kafka | $(sed -n 's/^kafka_version=.*:-\(.*\)}$/\1/p' \
    "$root/util/kafka"), one broker |
| client | wrk, one thread, $connections connections |
END
}


report_version() {
    local commit

    sed -n 's/^#define NGX_HTTP_INGEST_VERSION *"\(.*\)"$/\1/p' \
        "$root/src/ngx/ngx_http_ingest.h" | tr -d '\n'

    commit=$(git -C "$root" rev-parse --short HEAD 2>/dev/null) || return 0
    printf ', commit %s' "$commit"
}


report_nginx() {
    "$("$root/util/nginx" binary)" -v 2>&1 | sed 's/.*nginx\///'
}


# row TEXT FORMAT NAME NAME EXPRESSION: a line of a table, with the medians of
# an expression for both names, and the second one over the first.
row() {
    local first second

    first=$(of "$3" "$5")
    second=$(of "$4" "$5")

    printf "| %s | $2 | $2 | %.2f |\n" "$1" "$first" "$second" \
        "$(calc "$second / $first")"
}


# us_of FIELD: of that field's nanoseconds, those of one event.
us_of() {
    calc "$(of events "$1 / \$2 / 1000")" '%.2f us'
}


report_http() {
    cat << END

## An event over HTTP

\`util/bench http\`: events of 200 bytes without an id, beside a location of the
same nginx that only reads the body and answers 202.  The CPU time is that of
all threads of the worker, until Kafka has the last event.

| | reads the body | event | ratio |
|---|---|---|---|
$(row 'CPU, us a request' %.2f floor events '$8 / $2 / 1000')
$(row 'requests/s' %.0f floor events '$2 / $3 * 1e6')
$(row 'p50, us' %.0f floor events '$4')
$(row 'p99, us' %.0f floor events '$5')

Of the event's CPU time the event loop has $(us_of '$9'), the sender
$(us_of '$10') and librdkafka $(us_of '$11').  In single rounds the ratio
of CPU was $(report_spread).  Kafka had one record for each 202.
END
}


report_spread() {
    awk '
        { us[$1, ++n[$1]] = $8 / $2 }
        END {
            for (i = 1; i <= n["events"]; i++) {
                ratio = us["events", i] / us["floor", i]
                if (i == 1 || ratio < low) low = ratio
                if (i == 1 || ratio > high) high = ratio
            }
            printf "%.2f to %.2f", low, high
        }' "$bench/figures"
}


report_full() {
    cat << END

## A full queue

\`util/bench full\`: Kafka is stopped and the queue is full, so each event is
answered 503; beside nginx's own \`return 503\`.

| | \`return 503\` | event | ratio |
|---|---|---|---|
$(row 'p99, us' %.0f unavailable events '$5')
$(row 'requests/s' %.0f unavailable events '$2 / $3 * 1e6')
END
}


report_size() {
    cat << END

## Memory

\`util/bench size\`: one fill of a zone of $size_zone_mb MiB that nobody
empties.  [sizing.md](sizing.md) has the formula.  The last column is what the
worker has beside the zone.

| bytes posted | in the zone | events in 1 GiB | at 1000/s | worker |
|---|---|---|---|---|
$(awk -v zone_mb="$size_zone_mb" '
    {
        events = $2 * 1024 / zone_mb
        printf "| %d | %.0f | %d | %.1f minutes | %d MB |\n", $1, $3 / $2,
               events, events / 60000, $4 / 1024
    }' "$bench/figures")
END
}


report_micro() {
    cat << END

## Parts of it

\`util/bench micro\`: parts of the way of an event, without nginx and Kafka;
nanoseconds, and calls of malloc.

\`\`\`text
$(sed '1 { /^$/d }' "$bench/figures")
\`\`\`
END
}
