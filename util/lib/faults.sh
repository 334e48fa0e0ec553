# What util/test faults and util/soak share.

faults=$build/faults
faults_guard=''

# Brokers are stopped and killed: they must be our own.
faults_prepare() {
    unset KAFKA_BROKERS

    run util/kafka prepare || exit 1
    step "compiling http_load" faults_compile || {
        show_log
        die "http_load did not compile"
    }

    step "building the module with fault points" \
        make -j"$(nproc)" FAULTS=1 || {
        show_log
        die "the module did not build"
    }

    export FAULTS_OWNER=$$ TEST_NGINX_BINARY
    export INGEST_MODULE=${INGEST_MODULE-$build/ngx_http_ingest_module.so}
    export PERL5LIB=$root/t/lib${PERL5LIB:+:$PERL5LIB}
    TEST_NGINX_BINARY=$(util/nginx binary)

    # Whatever happens to this process, the nginx of the plans is stopped.
    setsid "$root/util/lib/stop_nginx" "$faults" --after $$ \
        > /dev/null 2>&1 < /dev/null &
    faults_guard=$!
    disown "$faults_guard"
}


faults_compile() {
    mkdir -p "$faults"
    cc -std=gnu11 -O2 -Wall -Wextra -o "$faults/http_load.new" \
        "$root"/util/lib/http_load*.c
    mv -f "$faults/http_load.new" "$faults/http_load"
}


faults_leave() {
    [ -z "$faults_guard" ] || kill "$faults_guard" 2>/dev/null || true
    "$root/util/lib/stop_nginx" "$faults"
    "$root/util/kafka" release $$
}
