#!/bin/sh
# Build the virtual environment: sh tools/setup.sh <folder>. Run by `make setup`, which knows when it is due.
set -eu
venv=${1:?usage: sh tools/setup.sh FOLDER}

# $1 is a Python of a version we support, with the venv module complete (Debian ships it apart)
suits() {
    "$1" -c "import sys; sys.exit(0 if (3, 10) <= sys.version_info[:2] <= (3, 14) else 1)" 2>/dev/null
}
complete() {
    "$1" -c "import ensurepip, venv" 2>/dev/null
}

python=
incomplete=
for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.14 python3.10}; do
    if suits "$candidate"; then
        if complete "$candidate"; then
            python=$candidate
            break
        fi
        incomplete=$candidate
    fi
done
if [ -z "$python" ]; then
    if [ -n "$incomplete" ]; then
        echo "setup: $incomplete has no venv module. On Debian and Ubuntu: apt install python3-venv" >&2
    elif [ -n "${PYTHON:-}" ]; then
        echo "setup: PYTHON=$PYTHON is not a Python 3.10 to 3.14" >&2
    else
        echo "setup: no Python 3.10 to 3.14 found. Install one, or name it: make setup PYTHON=/path/to/python3" >&2
    fi
    exit 1
fi

echo "setup: $("$python" --version) -> $venv (a minute or so)"
"$python" -m venv --clear "$venv"
pip() {
    "$venv/bin/python" -m pip --disable-pip-version-check "$@"
}
pip install -qq -r requirements.txt
for port in rp2 esp32; do
    pip install -qq --no-deps --target "$venv/stubs/$port" -c requirements-stubs.txt \
        "micropython-$port-stubs" micropython-stdlib-stubs
done

# No wheel for this platform is no reason to fail: all but the virtual meter works.
micropython="$venv/bin/micropython"
[ -x "$micropython" ] || micropython=$(command -v micropython || true)
if [ -z "$micropython" ]; then
    echo "setup: no MicroPython for this platform on PyPI. For the virtual meter put the Unix port, 1.24 or later," >&2
    echo "setup: on PATH as \`micropython\` (https://github.com/micropython/micropython, ports/unix)." >&2
elif ! "$micropython" -c 'import sys; sys.exit(0 if sys.implementation.version[:2] >= (1, 24) else 1)'; then
    echo "setup: $micropython is too old or does not start; the virtual meter needs MicroPython 1.24 or later" >&2
fi
touch "$venv/.ready"
