# What the commands need of Debian, installed when it is missing.  A package
# that would start a service is never installed: it is unpacked under build/.

unpacked=$build/root

build_packages='gcc make libc6-dev libpcre2-dev libssl-dev zlib1g-dev
                librdkafka-dev libcjson-dev'
kafka_packages='procps util-linux gcc libc6-dev librdkafka-dev'
# time is for whoever wants to know how long a run takes: a plain sh has none.
run_packages='curl time'
model_packages='spin gcc libc6-dev'
container_packages='buildah debootstrap dash curl iproute2 util-linux
                    ca-certificates'
unit_packages='check libsubunit-dev binutils'
http_packages='perl libtest-base-perl libtext-diff-perl
               liblist-moreutils-perl libtest-longstring-perl libwww-perl
               libipc-run-perl liburi-perl procps curl openssl'

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}


# Runs apt-get as root without a question and without restarting anything.
apt_root() {
    as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
        apt-get -q "$@"
}


# The index may be missing or too old, and one broken source of the machine
# must not stop us: only what is fetched afterwards tells.
apt_update() {
    [ -z "${apt_updated-}" ] || return 0
    apt_updated=1

    step_as_root=1
    step "reading the package index" apt_root update || true
    step_as_root=
}


need_apt() {
    command -v apt-get > /dev/null && command -v dpkg-query > /dev/null ||
        die "this needs Debian's apt-get; missing: $*"
}


need_root() {
    [ "$(id -u)" -ne 0 ] || return 0

    command -v sudo > /dev/null ||
        die "run as root, or have sudo, to install: $*"

    sudo -v || die "sudo was refused; to be installed: $*"
}


# need_packages NAME...: installs those that are missing.
need_packages() {
    local name missing=()

    command -v dpkg-query > /dev/null || need_apt "$@"

    for name in "$@"; do
        [[ " ${missing[*]-} " = *" $name "* ]] || is_installed "$name" ||
            missing+=("$name")
    done

    [ ${#missing[@]} -gt 0 ] || return 0

    need_apt "${missing[@]}"
    say "These Debian packages are missing and will be installed:"
    say "  ${missing[*]}"
    need_root "${missing[@]}"
    apt_update

    step_as_root=1
    step "installing packages" apt_root install -y \
        --no-install-recommends "${missing[@]}" ||
        die "apt-get could not install them: is there a network?" \
            "See $step_log"
    step_as_root=
}


# unpack_packages NAME...: unpacks packages into build/root, scripts unrun.
unpack_packages() {
    local work=$build/apt/unpack

    need_apt "$@"
    rm -rf "$work" && mkdir -p "$work"

    if [ -z "$(apt-cache policy "$1" | grep Candidate: | grep -v none)" ]; then
        need_root "$@"
        apt_update
    fi

    if ! step "unpacking $* under build/" download_and_unpack "$work" "$@"
    then
        need_root "$@"
        apt_update
        step "unpacking $* under build/" download_and_unpack "$work" "$@" ||
            die "could not download $*: is there a network? See $step_log"
    fi

    rm -rf "$work"
}


# download_and_unpack FOLDER NAME... [-- APT_OPTION...]
download_and_unpack() {
    local work=$1 names=() deb
    shift

    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        names+=("$1")
        shift
    done
    [ $# -eq 0 ] || shift

    (cd "$work" && apt-get -q "$@" download "${names[@]}") || return 1

    mkdir -p "$unpacked"
    for deb in "$work"/*.deb; do
        dpkg-deb -x "$deb" "$unpacked" || return 1
    done
}


# nginx, its headers and its configure.
need_nginx() {
    "$root/util/nginx" binary > /dev/null 2>&1 ||
        unpack_packages nginx nginx-dev

    "$root/util/nginx" binary > /dev/null ||
        die "Debian's nginx does not run here"

    # Newer ones ask dpkg for the flags of their own build.
    ! grep -qs dpkg- "$unpacked/usr/share/nginx/src/conf_flags" ||
        need_packages dpkg-dev
}


# Sets promtool to where it is, with prometheus beside it; the package would
# start one.
need_promtool() {
    promtool=$(command -v promtool || true)
    [ ! -x "${promtool%promtool}prometheus" ] || return 0

    promtool=$unpacked/usr/bin/promtool
    [ -x "${promtool%promtool}prometheus" ] || unpack_packages prometheus

    # It is a package of its own since Debian 13.
    [ -x "$promtool" ] || unpack_packages promtool
}


# Test::Nginx is packaged in Debian sid alone: one package is fetched with a
# private apt, so that the machine's own apt stays as it is.
need_test_nginx() {
    test_nginx_lib=$unpacked/usr/share/perl5

    [ ! -e "$test_nginx_lib/Test/Nginx/Socket.pm" ] || return 0
    ! perl -MTest::Nginx::Socket -e 1 2>/dev/null || return 0

    step "fetching libtest-nginx-perl from Debian sid" fetch_test_nginx ||
        die "Debian sid is out of reach: is there a network? See $step_log"
}


fetch_test_nginx() {
    local apt=$build/apt/sid mirror options

    mirror=$(debian_mirror)
    [ -n "$mirror" ] || return 1

    rm -rf "$apt"
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/work" \
        "$apt/parts"

    printf 'deb [signed-by=%s] %s sid main\n' \
        /usr/share/keyrings/debian-archive-keyring.gpg "$mirror" \
        > "$apt/sources.list"

    options=(-o Dir::Etc::sourcelist="$apt/sources.list"
             -o Dir::Etc::sourceparts="$apt/parts"
             -o Dir::State::lists="$apt/lists"
             -o Dir::Cache="$apt/cache"
             -o Acquire::Languages=none)

    # Without root apt cannot drop to its own user.
    [ "$(id -u)" -eq 0 ] && options+=(-o APT::Sandbox::User=root)

    apt-get -q "${options[@]}" update &&
        download_and_unpack "$apt/work" libtest-nginx-perl -- "${options[@]}" &&
        rm -rf "$apt"
}


# The mirror that this machine takes Debian from.
debian_mirror() {
    local file

    for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list \
        /etc/apt/sources.list.d/*
    do
        [ -r "$file" ] || continue
        awk '$1 == "URIs:" { print $2 }
             $1 == "deb" { for (i = 2; i <= NF; i++)
                               if ($i ~ /:\/\//) { print $i; break } }' "$file"
    done | grep -E -m 1 '/debian(\.list)?/?$' || true
}


# need_parts PART...: all packages of some parts in one go.
need_parts() {
    local part names=()

    for part in "$@"; do
        case $part in
            build) names+=($build_packages) ;;
            kafka)
                names+=($kafka_packages)
                command -v java > /dev/null || names+=(default-jre-headless)
                command -v mvn > /dev/null || names+=(maven ca-certificates)
                ;;
            run) names+=($run_packages) ;;
            docs) names+=(perl iproute2 util-linux) ;;
            container)
                names+=($container_packages)
                command -v docker-compose > /dev/null ||
                    names+=(docker-compose)
                ;;
            unit) names+=($unit_packages) ;;
            http) names+=($http_packages) ;;
            model) names+=($model_packages) ;;
            fuzz) names+=(make clang libclang-rt-dev libc6-dev libcjson-dev) ;;
            *) die "unknown part $part" ;;
        esac
    done

    need_packages "${names[@]}"

    for part in "$@"; do
        case $part in
            build) need_nginx ;;
            http) need_test_nginx; need_promtool ;;
        esac
    done
}
