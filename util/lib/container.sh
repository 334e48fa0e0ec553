# What util/test container needs: an image of docker/Dockerfile, built without a
# container engine, and an nginx in it.
#
# Everything lies in build/container, and what buildah stores is removed again;
# the base system is kept for the next time.

container=$build/container
container_debian=bookworm

# buildah with a storage of its own.
in_storage() {
    buildah --root "$container/storage" --runroot "$container/run" \
        --storage-driver vfs "$@"
}


container_prepare() {
    [ "$(id -u)" -eq 0 ] ||
        die "container: this mounts and changes roots, so it needs root"

    container_clean
    mkdir -p "$container"

    [ -e "$container/base.tar" ] ||
        step "making a base image of Debian $container_debian" make_base || {
            show_log
            die "debootstrap failed: is there a network?"
        }

    step "building docker/Dockerfile" build_image || {
        show_log
        die "docker/Dockerfile did not build"
    }
}


# What the machine knows about its network goes into the image: the mirror, and
# how apt and TLS get there.
make_base() {
    local mirror security base=$container/base

    mirror=$(debian_mirror)
    security=$(debian_security)

    rm -rf "$base"
    debootstrap --variant=minbase --include=ca-certificates \
        "$container_debian" "$base" "${mirror%.list}"

    echo "deb $mirror $container_debian main" > "$base/etc/apt/sources.list"
    [ -z "$security" ] ||
        echo "deb $security $container_debian-security main" \
            >> "$base/etc/apt/sources.list"

    # Engines put a file of their own in its place.
    printf '127.0.0.1 localhost\n::1 localhost\n' > "$base/etc/hosts"

    apt-config dump | grep -E '^Acquire::(http|https|Check-|Retries)' \
        > "$base/etc/apt/apt.conf.d/80machine" || true
    cp /etc/ssl/certs/ca-certificates.crt "$base/etc/ssl/certs/" || true
    rm -rf "$base"/var/lib/apt/lists/* "$base"/var/cache/apt/archives/*.deb

    tar -C "$base" -cf "$container/base.tar.new" .
    mv "$container/base.tar.new" "$container/base.tar"
    rm -rf "$base"
}


# Of a Debian machine; the Dockerfile's packages are in the main archive too.
debian_security() {
    local file

    for file in /etc/apt/sources.list.d/*.sources /etc/apt/sources.list \
        /etc/apt/sources.list.d/*.list
    do
        [ ! -r "$file" ] ||
            grep -oE -m 1 'https?://[^ ]+/debian-security/?' "$file" || true
    done | head -n 1
}


build_image() {
    local from

    from=$(in_storage from scratch) &&
        in_storage add -q "$from" "$container/base.tar" / &&
        in_storage commit -q "$from" docker.io/library/debian:bookworm-slim &&
        in_storage rm "$from" || return 1

    # Without --format docker the health check would be dropped.
    in_storage bud --isolation chroot --pull-never --network host \
        --format docker -t localhost/ingest -f "$root/docker/Dockerfile" \
        "$root" || return 1

    in_storage inspect --type image localhost/ingest \
        > "$container/image.json" || return 1
    in_storage from --pull-never --name ingest localhost/ingest &&
        in_storage mount ingest > "$container/root"
}


# The tests, in a network of their own where every port is free, the service's
# 8080 and Kafka's 9092 too.
container_test() {
    ! util/kafka status > /dev/null ||
        die "container: this Kafka's folder is in use, stop it: util/kafka stop"

    run util/kafka prepare || exit 1
    export PERL5LIB=$root/t/lib${PERL5LIB:+:$PERL5LIB}
    check "container" util/lib/own_network "$root/util/lib/container_tests"
    container_clean
}


# Unmounts and removes what buildah has stored.
container_clean() {
    if [ -d "$container/storage" ]; then
        in_storage umount -a > /dev/null 2>&1 || true
        in_storage rm -a > /dev/null 2>&1 || true
    fi

    rm -rf "$container/storage" "$container/run" "$container/root" \
        "$container/image.json" "$container/work"
}
