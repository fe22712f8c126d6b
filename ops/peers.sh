#!/bin/sh
# See to it that the tests of sources find an OpenSSH server: the system's, else Debian's packages
# unpacked beside the environment, without installing them or being root. Prints the folder on
# stdout, what it does on stderr.
set -eu
cd "$(dirname "$0")/.."
place=$PWD/.venv/peers

say() { printf '%s\n' "$*" >&2; }

has_sshd() { [ -x /usr/sbin/sshd ] || [ -x "$place/root/usr/sbin/sshd" ]; }

libraries() { find "$place/root" -name '*.so.*' -exec dirname {} + | sort -u | tr '\n' ':'; }

# Lists of our own, since only root may write the system's.
apt() {
    apt-get -qq -o Dir::State::lists="$place/lists" -o Dir::Cache="$place/cache" \
        -o Debug::NoLocking=1 "$@" >&2
}

unpack() {
    mkdir -p "$place/lists/partial" "$place/cache/archives/partial" "$place/root" "$place/packages"
    [ -e "$place/updated" ] || { apt update && : >"$place/updated"; }
    (cd "$place/packages" && apt download "$@")
    for package in "$place"/packages/*.deb; do
        dpkg -x "$package" "$place/root"
    done
    rm -rf "$place/packages" "$place/cache"
    # What a slim image may lack of the libraries that sshd is linked to.
    if [ "$1" = openssh-server ] &&
        LD_LIBRARY_PATH=$(libraries) ldd "$place/root/usr/sbin/sshd" | grep -q 'not found'
    then
        unpack libgssapi-krb5-2 libkrb5-3 libk5crypto3 libkrb5support0 libcom-err2 libkeyutils1 \
            libselinux1 libaudit1 libcap-ng0
    fi
}

mkdir -p "$place"
if ! has_sshd; then
    say "peers: unpacking an SFTP server for the tests"
    if command -v apt-get >/dev/null 2>&1; then
        unpack openssh-server openssh-sftp-server libwrap0 || true
    fi
    if ! has_sshd; then
        say "OpenSSH's sshd could not be had; install openssh-server and run this again. Only the"
        say "tests of sources need it (pytest --ignore=tests/connectors)."
        exit 1
    fi
fi
rm -rf "$place/lists" "$place/updated"
printf '%s\n' "$place"
