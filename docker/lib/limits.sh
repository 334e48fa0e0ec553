# Copyright (C) The ngx_http_ingest_module authors

# What a container may use of its machine.  Where the files are that say so is
# an argument: /proc and /sys/fs/cgroup, or those of a test.

# Prints the first line of a file, nothing when there is none.
first_line() {
    line=
    { read -r line < "$1"; } 2>/dev/null || :
    printf '%s' "$line"
}


is_number() {
    case $1 in
        '' | *[!0-9]*) return 1 ;;
    esac

    [ ${#1} -le 19 ]
}


# usable_cpus PROC CGROUP: CPUs that this process may run on, or that its
# quota pays for if these are fewer.  Parts of a CPU do not count, but one is
# always there.
usable_cpus() {
    cpus=$(allowed_cpus "$1/self/status")
    quota=$(quota_cpus "$2")

    [ -z "$quota" ] || [ "$quota" -ge "$cpus" ] || cpus=$quota
    [ "$cpus" -ge 1 ] || cpus=1

    printf '%s' "$cpus"
}


# The kernel's list, for example "0-3,8".
allowed_cpus() {
    awk '$1 == "Cpus_allowed_list:" {
             n = split($2, parts, ",")
             for (i = 1; i <= n; i++) {
                 split(parts[i], range, "-")
                 last = parts[i] ~ /-/ ? range[2] : range[1]
                 count += last - range[1] + 1
             }
         }
         END { print count ? count : 1 }' "$1" 2>/dev/null || echo 1
}


# Whole CPUs that the quota pays for, 0 when it is less than one, nothing
# without a quota.
quota_cpus() {
    cpu_quota= cpu_period=

    if [ -e "$1/cpu.max" ]; then
        # Version 2: "QUOTA PERIOD", or "max PERIOD".
        set -- $(first_line "$1/cpu.max")
        cpu_quota=${1-} cpu_period=${2-}
    else
        # Version 1: -1 is none.
        for folder in "$1/cpu" "$1/cpu,cpuacct"; do
            [ -e "$folder/cpu.cfs_quota_us" ] || continue
            cpu_quota=$(first_line "$folder/cpu.cfs_quota_us")
            cpu_period=$(first_line "$folder/cpu.cfs_period_us")
            break
        done
    fi

    is_number "$cpu_quota" && is_number "$cpu_period" &&
        [ "$cpu_period" -gt 0 ] || return 0

    printf '%s' $((cpu_quota / cpu_period))
}


# memory_limit PROC CGROUP: bytes that there are for this process: the limit of
# its cgroup, or what the machine has if that is less.
memory_limit() {
    memory=$(awk '$1 == "MemTotal:" { printf "%.0f", $2 * 1024 }' \
        "$1/meminfo" 2>/dev/null) || :
    limit=$(first_line "$2/memory.max")
    [ -n "$limit" ] || limit=$(first_line "$2/memory/memory.limit_in_bytes")

    is_number "$memory" || memory=
    is_number "$limit" || limit=$memory

    if [ -n "$memory" ] && [ "$memory" -lt "$limit" ]; then
        limit=$memory
    fi

    printf '%s' "$limit"
}


# zone_min WORKERS: the smallest zone: five segments for each worker, and at
# least eight, of 64k and 128 bytes beside each; room for its counters; and 24
# bytes of nginx's for each page of 4k, here one in 160.
zone_min() {
    segments=$(($1 * 5))
    [ "$segments" -ge 8 ] || segments=8

    zone_bytes=$((segments * (65536 + 128) + 524288))
    zone_bytes=$((zone_bytes + zone_bytes / 160))

    printf '%s' $(((zone_bytes + 4095) / 4096 * 4096))
}


# zone_max LEAST LIMIT: the largest zone: all of the memory, as far as that is
# known, but up to 1 TiB.
zone_max() {
    most=1099511627776

    [ -z "$2" ] || [ "$2" -ge "$most" ] || most=$2
    [ "$most" -ge "$1" ] || most=$1

    printf '%s' "$most"
}


# zone_default EVENTS LIMIT WORKERS: 16k for each event that may wait, from 16m
# on, but not more than a quarter of the memory.
zone_default() {
    zone=$(($1 * 16384))
    least=$(zone_min "$3")

    [ "$zone" -ge 16777216 ] || zone=16777216
    [ -z "$2" ] || [ "$zone" -le $(($2 / 4)) ] || zone=$(($2 / 4))
    [ "$zone" -ge "$least" ] || zone=$least

    printf '%s' $((zone / 4096 * 4096))
}
