# util/bench micro: parts of the event path, each for itself.

bench_micro() {
    compile micro "$source"/micro*.c "$root"/src/core/*.c -- -lcjson

    show_machine
    step "measuring $rounds rounds" "$bench/micro" "$rounds" ||
        { show_log; exit 1; }
    tee "$bench/figures" < "$root/$step_log"
}
