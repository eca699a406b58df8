#!/bin/sh
# Everything that must hold: checks, the page's unit tests, the Python tests with a real browser. Usage: test.sh VENV
set -eu
"$1/bin/python" tools/check_system.py test
sh tools/check.sh "$1"
(cd web && node --test --test-reporter=dot)
"$1/bin/python" -m pytest -q --durations=5
