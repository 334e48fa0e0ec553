# Copyright (C) The ngx_http_ingest_module authors

# Checks of the container's variables.  Each function takes the name of a
# variable and its value, and prints what nginx.conf says for it; or it says in
# one line what is wrong, and fails.
#
# What is printed is made of characters that mean nothing to nginx: a list of
# those that are allowed is looked at, never one of those that are not.  The
# caller has set LC_ALL=C, so that A-Z are these letters alone.

# wrong NAME VALUE ALLOWED
wrong() {
    printf 'ingest: %s="%s": must be %s\n' "$1" "$(printable "$2")" "$3" >&2
    exit 1
}


# What others wrote is shown on one line, and not at any length.
printable() {
    printf '%.200s' "$1" | LC_ALL=C tr '\000-\037\177' '?'
}


# whole NAME VALUE MIN MAX: a whole number, without leading zeros, which a
# shell would take for octal ones.
whole() {
    value_number=$2

    case $value_number in
        '' | *[!0-9]*) wrong_whole "$@" ;;
    esac

    while :; do
        case $value_number in
            0?*) value_number=${value_number#0} ;;
            *) break ;;
        esac
    done

    [ ${#value_number} -le 9 ] && [ "$value_number" -ge "$3" ] &&
        [ "$value_number" -le "$4" ] || wrong_whole "$@"

    printf '%s' "$value_number"
}


wrong_whole() {
    wrong "$1" "$2" "a whole number from $3 to $4"
}


# duration NAME VALUE MIN_MS MAX_MS ALLOWED: a duration as Go writes it, such as
# 100ms, 1.5s or 1m30s, in milliseconds.
duration() {
    value=$2 awk -v min="$3" -v max="$4" '
        BEGIN {
            rest = ENVIRON["value"]
            sub(/^\+/, "", rest)

            ms["ns"] = 0.000001; ms["us"] = 0.001; ms["µs"] = 0.001
            ms["μs"] = 0.001; ms["ms"] = 1; ms["s"] = 1000
            ms["m"] = 60000; ms["h"] = 3600000

            if (rest == "") exit 1

            while (rest != "") {
                if (!match(rest, /^([0-9]+\.?[0-9]*|\.[0-9]+)/)) exit 1
                number = substr(rest, 1, RLENGTH)
                rest = substr(rest, RLENGTH + 1)

                if (!match(rest, /^(ns|us|µs|μs|ms|s|m|h)/)) exit 1
                sum += number * ms[substr(rest, 1, RLENGTH)]
                rest = substr(rest, RLENGTH + 1)
            }

            sum = int(sum + 0.0000005)
            if (sum < min || sum > max) exit 1
            printf "%.0f", sum
        }' || wrong "$1" "$2" "$5"
}


# rate NAME VALUE: events a second.  nginx knows whole numbers, a second or a
# minute.
rate() {
    case $2 in
        '' | . | *[!0-9.]* | *.*.*) wrong_rate "$@" ;;
    esac

    value=$2 awk '
        BEGIN {
            n = ENVIRON["value"] + 0
            if (n <= 0 || n > 999999999) exit 1

            if (n == int(n)) { printf "%.0fr/s", n; exit 0 }

            n = int(n * 60 + 0.5)
            printf "%.0fr/m", n < 1 ? 1 : n
        }' || wrong_rate "$@"
}


wrong_rate() {
    wrong "$1" "$2" "a number above 0, up to 999999999, such as 1000 or 0.5"
}


# size NAME VALUE MIN MAX: bytes, or with k, m or g behind the number; in units
# of 4k, which are the pages of shared memory.  MAX is what memory there is.
size() {
    size_factor=1
    size_number=$2

    case $2 in
        *[kK]) size_factor=1024 size_number=${2%?} ;;
        *[mM]) size_factor=1048576 size_number=${2%?} ;;
        *[gG]) size_factor=1073741824 size_number=${2%?} ;;
    esac

    case $size_number in
        '' | *[!0-9]* | 0*) wrong_size "$@" ;;
    esac

    # Nothing beyond what a shell can calculate with.
    [ ${#size_number} -le 13 ] &&
        [ "$size_number" -le $(($4 / size_factor)) ] &&
        [ $((size_number * size_factor)) -ge "$3" ] || wrong_size "$@"

    printf '%s' $((size_number * size_factor / 4096 * 4096))
}


wrong_size() {
    size_range="from $(($3 / 1024))k to $(($4 / 1024))k, all memory"
    wrong "$1" "$2" "a size $size_range, such as 64m"
}


# level NAME VALUE
level() {
    case $2 in
        [dD][eE][bB][uU][gG]) printf debug ;;
        [iI][nN][fF][oO]) printf info ;;
        [wW][aA][rR][nN]) printf warn ;;
        [eE][rR][rR][oO][rR]) printf error ;;
        *) wrong "$1" "$2" "DEBUG, INFO, WARN or ERROR" ;;
    esac
}


# topic NAME VALUE: a name that Kafka accepts.
topic() {
    case $2 in
        '' | . | .. | *[!A-Za-z0-9._-]*) wrong_topic "$@" ;;
    esac

    [ ${#2} -le 249 ] || wrong_topic "$@"
    printf '%s' "$2"
}


wrong_topic() {
    wrong "$1" "$2" "a topic of 1 to 249 letters, digits, \".\", \"_\" or \"-\""
}


# brokers NAME VALUE: HOST[:PORT],... separated by spaces.
brokers() {
    # A comma at an end would not make an empty part for the shell.
    case ",$2," in
        *,,*) wrong_brokers "$@" ;;
    esac

    (
        IFS=,
        for broker in $2; do
            broker_valid "$broker" || exit 1
            printf '%s ' "$broker"
        done
    ) || wrong_brokers "$@"
}


wrong_brokers() {
    wrong "$1" "$2" "HOST:PORT, or several of them with \",\" between"
}


broker_valid() {
    case $1 in
        \[*\]) host=${1#?} host=${host%?} port=9092 ;;
        \[*\]:*) host=${1#?} host=${host%\]:*} port=${1##*:} ;;
        *:*) host=${1%:*} port=${1##*:} ;;
        *) host=$1 port=9092 ;;
    esac

    case $1 in
        \[*)
            ipv6_valid "$host" || return 1
            ;;
        *)
            # The longest name of DNS, and no part of it empty.
            [ ${#host} -le 253 ] || return 1
            case $host in
                '' | [-.]* | *..* | *[!A-Za-z0-9._-]*) return 1 ;;
            esac
            ;;
    esac

    (whole port "$port" 1 65535) > /dev/null 2>&1
}


# ipv6_valid ADDRESS: eight groups, or fewer and one "::"; an IPv4 address may
# be the last two.
ipv6_valid() {
    address=$1 awk '
        function groups(text,    n, i, part) {
            if (text == "") return 0

            n = split(text, part, ":")
            for (i = 1; i <= n; i++) {
                if (part[i] !~ /^[0-9a-fA-F]+$/ || length(part[i]) > 4) return 9
            }
            return n
        }

        BEGIN {
            text = ENVIRON["address"]

            if (match(text, /:[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$/)) {
                split(substr(text, RSTART + 1), byte, ".")
                for (i = 1; i <= 4; i++) if (byte[i] > 255) exit 1
                text = substr(text, 1, RSTART) "0:0"
            }

            gap = index(text, "::")
            if (!gap) exit groups(text) != 8

            exit groups(substr(text, 1, gap - 1)) \
                 + groups(substr(text, gap + 2)) > 7
        }'
}
