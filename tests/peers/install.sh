#!/bin/sh
# Installs the independent peers that `cargo test -p tidings-tests` talks to: pinned Python and Node
# packages beside this file (both folders are git-ignored); curl, nginx, Caddy, OpenSSL and Chromium from Debian
# where missing.
set -eu
cd "$(dirname "$0")"

missing=""
for command in curl nginx caddy openssl python3 node npm chromium; do
    command -v "$command" >/dev/null 2>&1 || [ -x "/usr/sbin/$command" ] || missing="$missing $command"
done
if [ -n "$missing" ]; then
    packages=$(echo "$missing" | sed 's/python3/python3-venv/; s/ node/ nodejs/')
    sudo=""; [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq
    # shellcheck disable=SC2086 # the list is split on purpose
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $packages
fi

# A stamp of the pinned versions makes a second run cost nothing.
stamp=$(cat python/requirements.txt node/package-lock.json | cksum)
if [ ! -d node/node_modules ] || [ ! -f .venv/.stamp ] || [ "$(cat .venv/.stamp)" != "$stamp" ]; then
    [ -x .venv/bin/python ] || python3 -m venv .venv
    .venv/bin/pip install --quiet --disable-pip-version-check -r python/requirements.txt
    (cd node && npm ci --silent --no-audit --no-fund)
    echo "$stamp" > .venv/.stamp
fi

.venv/bin/python -c 'import aiohttp, httpx_sse, websockets; from importlib.metadata import version; print("peers:", *(f"{name} {version(name)}" for name in ["aiohttp", "httpx-sse", "websockets"]))'
(cd node && node -e 'const v = (n) => JSON.parse(require("fs").readFileSync(`node_modules/${n}/package.json`)).version; console.log("peers: ws", v("ws"), "eventsource", v("eventsource"), "typescript", v("typescript"))')
