#!/bin/sh
# Format, lint, types, import rules and the page's types. Usage: check.sh VENV
set -eu
bin=$1/bin
"$bin/ruff" format --check --quiet .
"$bin/ruff" check --quiet .
"$bin/basedpyright" --level error
report=$(mktemp)
"$bin/lint-imports" --no-cache >"$report" || { cat "$report"; rm -f "$report"; exit 1; }
rm -f "$report"
if [ ! -d web/node_modules ]; then (cd web && npm ci --no-audit --no-fund --silent); fi
(cd web && npx --no-install tsc)
echo "checks passed"
