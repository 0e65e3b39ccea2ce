#!/bin/sh
# What the tests need beside Python: a browser for the pages, a font with Hangul for the pictures, Java for Spark,
# PostgreSQL for MLflow's server.
# Installs them on Debian and Ubuntu when run as root; elsewhere says what is missing.
set -eu

missing=""
command -v chromium >/dev/null || command -v google-chrome >/dev/null || missing="chromium"
fc-list :lang=ko 2>/dev/null | grep -q . || missing="$missing fontconfig fonts-noto-cjk"
command -v java >/dev/null || missing="$missing default-jre-headless"
command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null
else
    echo "The tests also need: $missing (on Debian: sudo apt-get install $missing)" >&2
fi
