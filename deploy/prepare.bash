# Sourced by deploy/serve and deploy/test: finds out what this machine lacks, installs it, checks Swift.
# What is missing is asked of the machine (pkg-config, the loader's cache), not of the package database:
# a library that was built by hand counts too, and a system without apt gets a list it can act on.
# shellcheck shell=bash

SWIFT_NEEDED="6.1"

say() { printf 'deploy: %s\n' "$*" >&2; }

fail() {
    say "$*"
    exit 1
}

# The package's own folder; $1 is the path of the script that was started.
package_root() { cd -P -- "$(dirname -- "$1")/.." && pwd; }

has_command() { command -v -- "$1" >/dev/null 2>&1; }

has_library() { has_command pkg-config && pkg-config --exists "$1"; }

# OpenBLAS is opened at run time, so the loader must know it.
has_openblas() {
    local cache
    cache=$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null) || return 1
    [[ $cache == *libopenblas.so* ]]
}

# C headers and the C++ library that the Swift linker asks for.
has_c_library() { [[ -e /usr/include/stdio.h ]] && compgen -G '/usr/lib*/gcc/*/*/libstdc++.so' >/dev/null; }

has_certificates() { [[ -e /etc/ssl/certs/ca-certificates.crt || -e /etc/pki/tls/certs/ca-bundle.crt ]]; }

# Packages that a bare toolchain archive needs before `swift build` can start: one name a line.
toolchain_packages() {
    local folder name line
    folder=$(dirname -- "$(readlink -f -- "$(command -v swift)")")
    for name in swift-build swift-frontend clang; do
        [[ -e $folder/$name ]] || continue
        while read -r line; do
            case $line in
                libsqlite3.so*"not found") echo libsqlite3-0 ;;
                libncurses.so*"not found") echo libncurses6 ;;
                libtinfo.so*"not found") echo libtinfo6 ;;
                libcurl.so*"not found") echo libcurl4 ;;
                libxml2.so*"not found") echo libxml2 ;;
                libuuid.so*"not found") echo libuuid1 ;;
                libz.so*"not found") echo zlib1g ;;
                libstdc++.so*"not found") echo libstdc++6 ;;
                libedit.so*"not found") echo libedit2 ;;
            esac
        done < <(ldd "$folder/$name" 2>/dev/null)
    done | sort -u
}

# The Debian names of everything that is missing: one a line.
missing_packages() {
    has_command pkg-config || echo pkg-config
    has_library openssl || echo libssl-dev
    has_library libturbojpeg || echo libturbojpeg0-dev
    has_library libpng || echo libpng-dev
    has_library libwebp || echo libwebp-dev
    has_openblas || echo libopenblas-dev
    has_command git || echo git
    has_certificates || echo ca-certificates
    has_c_library || echo g++
    toolchain_packages
}

# $1: "yes" to install what is missing, "no" to only name it.
install_packages() {
    local packages install
    mapfile -t packages < <(missing_packages)
    ((${#packages[@]})) || return 0
    install="apt-get update && apt-get install -y --no-install-recommends ${packages[*]}"
    has_command apt-get ||
        fail "missing: ${packages[*]} (Debian's names; this system has no apt-get). Install them and run this again."
    [[ $1 == yes ]] || fail "missing packages, and --no-install was given. Run as root: $install"

    say "installing: ${packages[*]}"
    if ((EUID == 0)); then
        DEBIAN_FRONTEND=noninteractive sh -c "$install" >&2 ||
            fail "the installation failed (see above). By hand, as root: $install"
    elif has_command sudo; then
        sudo env DEBIAN_FRONTEND=noninteractive sh -c "$install" >&2 ||
            fail "the installation failed (see above). By hand, as root: $install"
    else
        fail "missing packages, and this user is not root and has no sudo. Run as root: $install"
    fi
    mapfile -t packages < <(missing_packages)
    ((${#packages[@]} == 0)) || fail "still missing after the installation: ${packages[*]}"
}

require_swift_present() {
    has_command swift ||
        fail "Swift $SWIFT_NEEDED or newer is needed and 'swift' is not in PATH: install it from https://www.swift.org/install/linux/ and run this again."
}

require_swift_version() {
    local version major minor
    version=$(swift --version 2>&1)
    [[ $version =~ Swift\ version\ ([0-9]+)\.([0-9]+) ]] ||
        fail "'swift --version' does not work here ($(command -v swift) said: ${version%%$'\n'*}). Install Swift $SWIFT_NEEDED or newer from https://www.swift.org/install/linux/."
    major=${BASH_REMATCH[1]} minor=${BASH_REMATCH[2]}
    if ((major < ${SWIFT_NEEDED%.*} || (major == ${SWIFT_NEEDED%.*} && minor < ${SWIFT_NEEDED#*.}))); then
        fail "Swift $SWIFT_NEEDED or newer is needed and $major.$minor was found ($(command -v swift)): install a newer one from https://www.swift.org/install/linux/."
    fi
}

# Runs a long command so that Ctrl-C or SIGTERM to this script ends the command too and leaves no orphan.
run_to_end() {
    local child status
    set -m # a process group of its own, so that the compilers which a build started end with it
    "$@" &
    child=$!
    set +m
    # shellcheck disable=SC2064  # the child's number must be the one of now
    trap "kill -TERM -- -$child 2>/dev/null; wait $child; exit 143" TERM INT
    wait "$child"
    status=$?
    trap - TERM INT
    return "$status"
}

# $1: "yes" or "no", as for install_packages.
prepare() {
    # Swift first: it costs nothing to look, and nobody should be asked for root in vain.
    require_swift_present
    install_packages "$1"
    require_swift_version
}
