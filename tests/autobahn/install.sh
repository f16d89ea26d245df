#!/usr/bin/env bash
# Installs the WebSocket conformance suite (autobahntestsuite) from PyPI into a Python 2.7 environment.
#   usage: install.sh ENVDIR [--force]
# Needs: a CPython 2.7 (of pyenv, of the PATH, or PY27=/path/to/python2.7), python3 with venv, a C compiler.
# Does nothing, in a fraction of a second, when ENVDIR already holds the pinned set.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
env=${1:?usage: install.sh ENVDIR [--force]}
force=${2:-}
stamp=$env/.kit-$(sha256sum "$here/requirements.txt" "${BASH_SOURCE[0]}" | sha256sum | cut -c1-16)

if [ "$force" != --force ] && [ -e "$stamp" ] && "$env/bin/python" -c 'import autobahntestsuite' 2>/dev/null; then
  echo "autobahn kit: $env is up to date"; exit 0
fi

py27=${PY27:-}
if [ -z "$py27" ]; then
  for c in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/2.7*/bin/python2.7 "$(command -v python2.7 || true)" /usr/bin/python2.7; do
    if [ -n "$c" ] && [ -x "$c" ] && "$c" -c 'import sys, zlib, ssl; sys.exit(sys.version_info[:2] != (2, 7))' 2>/dev/null; then
      py27=$c; break
    fi
  done
fi
[ -n "$py27" ] || { echo "autobahn kit: no CPython 2.7 found; the suite is Python 2 code. Set PY27=/path/to/python2.7" >&2; exit 3; }

rm -rf "$env"
mkdir -p "$env"
tool=$(mktemp -d)
trap 'rm -rf "$tool"' EXIT
python3 -m venv "$tool/v"
# 20.21.1 is the last virtualenv line that can still make Python 2.7 environments (it bundles pip 20.3.4).
"$tool/v/bin/pip" install -q --disable-pip-version-check 'virtualenv==20.21.1'
"$tool/v/bin/virtualenv" -q --no-periodic-update -p "$py27" "$env"
for try in 1 2 3; do
  if PYTHONWARNINGS=ignore "$env/bin/pip" install -q --no-deps --no-python-version-warning --disable-pip-version-check -r "$here/requirements.txt"; then break; fi
  [ $try = 3 ] && { echo "autobahn kit: pip failed three times" >&2; exit 4; }
  sleep $((try * 3))
done
"$env/bin/python" - <<'P'
import sys, autobahn, autobahntestsuite
from autobahntestsuite.fuzzing import Cases
from autobahn.websocket.utf8validator import Utf8Validator
print "autobahn kit: autobahntestsuite %s, autobahn %s, python %s, %d cases, UTF-8 validator from %s" % (
    autobahntestsuite.version, autobahn.version, sys.version.split()[0], len(Cases), Utf8Validator.__module__)
P
: > "$stamp"
