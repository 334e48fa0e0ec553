# Copyright (C) The ngx_http_ingest_module authors

# nginx.conf out of what read_variables has found.

# Reads and checks all variables.  The first wrong one ends it.
read_variables() {
    http_port=$(whole HTTP_PORT "${HTTP_PORT-8080}" 1 65535)
    log_level=$(level LOG_LEVEL "${LOG_LEVEL-INFO}")

    kafka_brokers=$(brokers KAFKA_BROKERS "${KAFKA_BROKERS-localhost:9092}")
    kafka_topic=$(topic KAFKA_TOPIC "${KAFKA_TOPIC-events}")
    kafka_dlq_topic=$(topic KAFKA_DLQ_TOPIC "${KAFKA_DLQ_TOPIC-events-dlq}")
    read_dlq_topic

    # A retry is what follows a first attempt.
    max_attempts=0
    if [ -n "${KAFKA_MAX_RETRIES+set}" ]; then
        max_attempts=$(whole KAFKA_MAX_RETRIES "$KAFKA_MAX_RETRIES" 0 65533)
        max_attempts=$((max_attempts + 1))
    fi

    retry_backoff_ms=$(duration KAFKA_RETRY_BACKOFF \
        "${KAFKA_RETRY_BACKOFF-100ms}" 1 300000 \
        "a duration from 1ms to 300s, with its unit")
    write_timeout_ms=$(duration KAFKA_WRITE_TIMEOUT \
        "${KAFKA_WRITE_TIMEOUT-10s}" 1000 2147483647 \
        "a duration from 1s to 596h, with its unit")

    pool_size=$(whole WORKER_POOL_SIZE "${WORKER_POOL_SIZE-10}" 1 999999999)
    queue_size=$(whole QUEUE_SIZE "${QUEUE_SIZE-1000}" 1 999999999)

    limit_rate=$(rate RATE_LIMIT_RPS "${RATE_LIMIT_RPS-1000}")
    limit_burst=$(whole RATE_LIMIT_BURST "${RATE_LIMIT_BURST-100}" 1 999999999)
}


# What nginx would refuse, or take for something else.
read_dlq_topic() {
    [ "$kafka_dlq_topic" != off ] ||
        wrong KAFKA_DLQ_TOPIC off "a topic, and none of this name"

    [ "$kafka_dlq_topic" != "$kafka_topic" ] ||
        wrong KAFKA_DLQ_TOPIC "$kafka_dlq_topic" \
            "another topic than KAFKA_TOPIC"
}


# fit PROC CGROUP: worker processes and zone, by what there is.
fit() {
    cpus=$(usable_cpus "$1" "$2")
    workers=$pool_size
    [ "$workers" -le "$cpus" ] || workers=$cpus
    # There are 256 slots, and old workers keep theirs while they drain.
    [ "$workers" -le 120 ] || workers=120

    memory_bytes=$(memory_limit "$1" "$2")

    if [ -n "${ZONE_SIZE+set}" ]; then
        least=$(zone_min "$workers")
        zone_bytes=$(size ZONE_SIZE "$ZONE_SIZE" "$least" \
            "$(zone_max "$least" "$memory_bytes")")
    else
        zone_bytes=$(zone_default "$queue_size" "$memory_bytes" "$workers")
    fi
}


say_fit() {
    printf 'ingest: %s worker processes: %s %s, %s usable CPUs\n' \
        "$workers" WORKER_POOL_SIZE "$pool_size" "$cpus" >&2
    printf 'ingest: zone of %s KiB: QUEUE_SIZE %s, memory %s\n' \
        $((zone_bytes / 1024)) "$queue_size" \
        "${memory_bytes:+$((memory_bytes / 1048576)) MiB}" >&2
}


# nginx's own log is never at debug: that would show what events hold.
error_level() {
    case $1 in
        debug) printf info ;;
        info) printf notice ;;
        *) printf '%s' "$1" ;;
    esac
}


# Which answers are in the access log.
logged_statuses() {
    case $1 in
        debug | info) printf '~.' ;;
        warn) printf '~[45]..' ;;
        error) printf '~5..' ;;
    esac
}


# Most that each worker may have open.
connections() {
    files=$(ulimit -n)

    is_number "$files" && [ "$files" -lt 16384 ] || files=16384
    printf '%s' "$files"
}


# listen lines; a kernel without IPv6 has no such file.
listen() {
    printf 'listen %s;' "$http_port"
    [ ! -e "$1/net/if_inet6" ] ||
        printf '\n        listen [::]:%s;' "$http_port"
}


limit() {
    printf 'limit_req zone=rate nodelay'
    [ "$limit_burst" -eq 1 ] || printf ' burst=%s' $((limit_burst - 1))
}


# write_config RUN MORE PROC OUT: RUN is the one folder that nginx writes to,
# MORE holds further configuration, OUT is where the access log goes.
write_config() {
    cat << END
# Written by the container's entrypoint at each start.  Anything more belongs
# to files below $2.

load_module modules/ngx_http_ingest_module.so;

daemon off;
worker_processes $workers;
error_log stderr $(error_level "$log_level");
pid $1/nginx.pid;

include $2/main/*.conf;

events {
    worker_connections $(connections);
}

http {
    server_tokens off;

    # Paths that clients make up are no errors of this service.
    log_not_found off;

    client_body_temp_path $1/body;
    proxy_temp_path $1/proxy;
    fastcgi_temp_path $1/fastcgi;
    uwsgi_temp_path $1/uwsgi;
    scgi_temp_path $1/scgi;

    # What a client may choose, but for the id: short, and without bytes that
    # escape=json leaves alone though they are not UTF-8.
    map \$uri \$ingest_logged_uri {
        "~^[A-Za-z0-9/_.-]{1,256}\z" \$uri;
        default "-";
    }

    map \$request_method \$ingest_logged_method {
        "~^[A-Z_-]{1,32}\z" \$request_method;
        default "-";
    }

    log_format ingest escape=json
        '{"time":"\$time_iso8601","client":"\$remote_addr",'
        '"method":"\$ingest_logged_method",'
        '"uri":"\$ingest_logged_uri","status":\$status,'
        '"result":"\$ingest_result","id":"\$ingest_id",'
        '"count":"\$ingest_count","bytes":\$request_length,'
        '"seconds":\$request_time}';

    map \$status \$ingest_logged {
        $(logged_statuses "$log_level") 1;
        default 0;
    }

    # A write of up to 4k to a pipe is never torn by that of another worker,
    # and no line is longer: the longest field is an id of 255 bytes, escaped.
    access_log $4 ingest buffer=4k flush=1s if=\$ingest_logged;

    ingest_log $4 $log_level;

    # All clients together.  An empty key would not be limited.
    limit_req_zone all zone=rate:64k rate=$limit_rate;

    ingest_queue events {
        zone $((zone_bytes / 1024))k;
        brokers $kafka_brokers;
        topic $kafka_topic;
        dead_letter_topic $kafka_dlq_topic;
        max_events $queue_size;
        max_attempts $max_attempts;
        kafka retry.backoff.ms $retry_backoff_ms;
        kafka message.timeout.ms $write_timeout_ms;

        include $2/queue/*.conf;
    }

    include $2/*.conf;

    server {
        $(listen "$3")

        client_max_body_size 16m;
        client_body_buffer_size 64k;

        include $2/server/*.conf;

        location = /events {
            $(limit);
            limit_req_status 429;
            limit_req_log_level info;

            ingest events;
            ingest_require none;

            include $2/events/*.conf;
        }

        location = /metrics {
            access_log off;
            ingest_metrics;
        }

        location = /health {
            access_log off;
            ingest_health;
        }

        location = /ready {
            access_log off;
            ingest_health ready;
        }
    }
}
END
}
