#!/bin/sh
# Gets the Debian packages that the tests need: by apt-get as root, else downloaded and unpacked into
# .cache, where the tests look for them. Says what is missing where neither works.
#   tools/system.sh venv | tests
set -eu
cd "$(dirname "$0")/.."

case $1 in
venv)
    packages="python3-venv"
    ;;
tests)
    packages="postgresql-15 postgresql-client-15 postgresql-15-pgtap postgresql-15-plpgsql-check
        postgresql-15-partman libtap-parser-sourcehandler-pgtap-perl"
    ;;
*)
    echo "usage: $0 venv | tests" >&2
    exit 2
    ;;
esac

missing=""
for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' && continue
    [ -e ".cache/debian/.$package" ] && continue
    missing="$missing $package"
done
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing$missing"
    apt-get -qq update
    # no cluster of Debian's own is made or started: the tests bring their own servers
    mkdir -p /etc/postgresql-common
    [ -e /etc/postgresql-common/createcluster.conf ] \
        || echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends $missing >/dev/null
    exit 0
fi

if command -v apt-get >/dev/null && command -v dpkg >/dev/null; then
    mkdir -p .cache/debian
    for package in $missing; do
        if (cd .cache/debian && apt-get -qq download "$package" && dpkg -x "$package"_*.deb . \
            && rm -f "$package"_*.deb && touch ".$package"); then
            echo "unpacked $package into .cache/debian"
        else
            echo "missing: $package. Install it as root: apt-get install $package" >&2
        fi
    done
    exit 0
fi

echo "missing:$missing. Install them with the package manager of this system." >&2
exit 0
