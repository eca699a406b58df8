#!/bin/sh
# Creates the virtual environment and installs everything at the versions of constraints.txt. Usage: setup.sh VENV
set -eu
venv=$1
python=${PYTHON:-python3.11}

if ! command -v "$python" >/dev/null 2>&1; then
  echo "visavis needs Python 3.11: install it (Debian: apt-get install python3.11 python3.11-venv) or run make PYTHON=/path/to/python." >&2
  exit 1
fi
if ! "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))'; then
  echo "visavis needs Python 3.11, 3.12 or 3.13, but $python is $("$python" --version 2>&1)." >&2
  exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  echo "This Python cannot create virtual environments: apt-get install python3.11-venv" >&2
  exit 1
fi
"$python" tools/check_system.py run

echo "[1/3] virtual environment in $venv"
"$python" -m venv "$venv"
echo "[2/3] installing Python packages (about 700 MB on disk; a minute or two)"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
echo "[3/3] compiling the kernels of renderer and tracker (once)"
"$venv/bin/visavis" warm-up
echo "Ready: $venv/bin/visavis --help"
