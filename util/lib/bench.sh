# What the parts of util/bench share: programs, Kafka, nginx, and figures.

bench=$build/bench
source=$root/util/bench.d
topic=bench-$$
port=''
brokers=''
nginx_pid=''
worker_pid=''
own_kafka=''
own_topics=''

bench_leave() {
    local status=$?

    trap - EXIT
    trap '' INT TERM HUP

    step_stop
    run_stop
    [ -z "$nginx_pid" ] || stop_process "$nginx_pid" 30 QUIT

    if [ -n "$own_topics" ]; then
        "$root/util/kafka" topics delete "$topic" > /dev/null 2>&1 || true
        "$root/util/kafka" topics delete "$topic-dlq" > /dev/null 2>&1 || true
    fi

    [ -z "$own_kafka" ] || "$root/util/kafka" release $$
    exit "$status"
}


# compile NAME FILE... -- FLAG...: build/bench/NAME of C files, if it is older.
compile() {
    local name=$1 files=() file newer=''
    shift

    while [ "$1" != -- ]; do
        files+=("$1")
        shift
    done
    shift

    for file in "${files[@]}" "$root"/src/core/*.h; do
        [ "$bench/$name" -nt "$file" ] || newer=1
    done

    [ -n "$newer" ] || return 0

    mkdir -p "$bench"
    step "compiling $name" cc -std=gnu11 -O2 -g -Wall -Wextra -Werror \
        -o "$bench/$name.new" "${files[@]}" "$@" || { show_log; exit 1; }
    mv -f "$bench/$name.new" "$bench/$name"
}


build_modules() {
    step "building the module" make -j"$(nproc)" -C "$root" ||
        { show_log; die "the module did not build"; }

    step "building the floor" build_floor ||
        { show_log; die "the module of the floor did not build"; }
}


# The module that only reads the body, built for the same nginx.
build_floor() {
    local objs=$bench/floor nginx

    nginx=$("$root/util/nginx" binary)
    mkdir -p "$objs"

    if [ ! "$objs/objs/Makefile" -nt "$source/config" ] ||
        [ ! "$objs/objs/Makefile" -nt "$nginx" ]
    then
        (cd "$source" && "$root/util/configure" \
            "$("$root/util/nginx" source)" "$objs" "$nginx" \
            "-Wall -Wextra -Werror") || return 1
    fi

    make -C "$objs" -f objs/Makefile modules
}


# A broker with both of the JVM's compilers, as one in service has them.
start_kafka() {
    run "$root/util/kafka" prepare || exit 1
    own_kafka=1
    KAFKA_JVM='' step "starting Kafka" "$root/util/kafka" start --for $$ ||
        die "Kafka did not start: $(tail -n 1 "$root/$step_log")"
    brokers=$(cat "$build/kafka/brokers")

    own_topics=1
    run "$root/util/kafka" topics create "$topic" || exit 1
    run "$root/util/kafka" topics create "$topic-dlq" || exit 1
}


# The first port from the given one on where nobody listens.
first_free() {
    local port=$1

    while port_in_use "$port"; do
        port=$((port + 1))
    done

    printf '%s' "$port"
}


# start_nginx ZONE: one worker, and the events of $topic.
start_nginx() {
    local nginx directives='daemon off;' deadline=$((SECONDS + 10))

    nginx=$("$root/util/nginx" binary)
    [ "$(id -u)" -ne 0 ] || directives+=' user root;'

    port=$(first_free 18080)

    rm -rf "$bench/nginx"
    mkdir -p "$bench/nginx/logs" "$bench/nginx/temp" "$bench/nginx/modules"
    ln -s "$build/ngx_http_ingest_module.so" \
        "$bench/floor/objs/ngx_http_floor_module.so" "$bench/nginx/modules/"

    sed "s/ZONE/$1/; s/BROKERS/${brokers//,/ }/; s/TOPIC/$topic/
         s/PORT/$port/" "$source/nginx.conf" > "$bench/nginx/nginx.conf"

    set -m
    setpriv --pdeathsig TERM "$nginx" -p "$bench/nginx/" -e stderr \
        -c nginx.conf -g "$directives" \
        > "$build/log/bench-nginx.log" 2>&1 < /dev/null &
    nginx_pid=$!
    set +m

    until metric ingest_queue_size > /dev/null; do
        if [ -z "$(process_born "$nginx_pid")" ]; then
            nginx_pid=''
            cat "$build/log/bench-nginx.log" >&2
            die "nginx did not start"
        fi

        [ "$SECONDS" -lt "$deadline" ] || die "nginx does not answer"
        sleep 0.05
    done

    worker_pid=$(pgrep -P "$nginx_pid" -f 'worker process')
}


# metric NAME [LABEL]: its value in /metrics, 0 when it is not there yet.
metric() {
    local text

    text=$(curl -sf "http://127.0.0.1:$port/metrics") || return 1
    awk -v name="$1" -v label="${2-}" '
        index($1, name "{") == 1 && index($1, label) { sum += $NF }
        END { printf "%.0f\n", sum }' <<< "$text"
}


answers_202() {
    metric http_requests_total 'status="202"'
}


# await_empty SECONDS: until Kafka has all that nginx has accepted.
await_empty() {
    local deadline=$((SECONDS + $1)) size

    while size=$(metric ingest_queue_size); [ "$size" != 0 ]; do
        [ -n "$size" ] || { echo "nginx does not answer"; return 1; }

        if [ "$SECONDS" -ge "$deadline" ]; then
            echo "$size events are still in the queue after $1 s"
            return 1
        fi

        sleep 0.1
    done
}


# Kafka must hold exactly what was answered 202.
check_records() {
    local answered records

    answered=$(answers_202)
    records=$("$bench/bench_tool" records "$brokers" "$topic") || exit 1

    say "  records in Kafka: $records, answers 202: $answered"
    [ "$records" -eq "$answered" ] ||
        die "records and answers differ by $((records - answered))"
}


# What went wrong in nginx is no result.
check_log() {
    local lines

    lines=$(grep -E '\[(alert|emerg|crit|error)\]|exited on signal' \
        "$bench/nginx/logs/error.log" || true)

    [ -z "$lines" ] || die "nginx's log has:"$'\n'"$(head -n 5 <<< "$lines")"
}


# Prints the worker's CPU in ns: all, event loop, sender, librdkafka.
worker_cpu() {
    "$bench/bench_tool" cpu "$worker_pid" | awk '
        { ns = $NF; $NF = "" }
        /^all / { all = ns; next }
        /^loop / { loop += ns; next }
        /^rdk/ { rdk += ns; next }
        { sender += ns }
        END { printf "%.0f %.0f %.0f %.0f\n", all, loop, sender, rdk }'
}


# load NAME PATH SECONDS CONNECTIONS: wrk for a while, then until the queue is
# empty (DRAIN seconds at most; 0 does not wait), and one line of figures:
# NAME requests us p50 p99 status errors all_ns loop_ns sender_ns rdk_ns
load() {
    local before after wrk

    before=$(worker_cpu) || return 1

    wrk=$(wrk -t1 -c"$4" -d"${3}s" -s "$source/events.lua" \
        "http://127.0.0.1:$port$2") || return 1
    printf '%s\n' "$wrk"

    [ "${DRAIN-60}" -eq 0 ] || await_empty "${DRAIN-60}" || return 1

    after=$(worker_cpu) || return 1

    sed -n 's/[a-z0-9]*=//g; s/^wrk //p' <<< "$wrk" | tail -n 1 |
        awk -v name="$1" -v before="$before" -v after="$after" '
            {
                split(before, b, " "); split(after, a, " ")
                printf "%s %s", name, $0
                for (i = 1; i <= 4; i++)
                    printf " %.0f", a[i] - b[i]
                printf "\n"
            }' >> "$bench/figures"
}


# of NAME EXPRESSION: the median of an expression over the rounds of a name.
of() {
    awk -v name="$1" '$1 == name { print '"$2"' }' "$bench/figures" |
        sort -g | awk '{ v[NR] = $1 }
            END { if (NR % 2) print v[(NR + 1) / 2]
                  else print (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}


# calc EXPRESSION [FORMAT]
calc() {
    awk "BEGIN { printf \"${2-%.2f}\", $1 }"
}


show_machine() {
    say "  $(nproc) CPUs, load $(cut -d ' ' -f 1-3 /proc/loadavg)"
}
