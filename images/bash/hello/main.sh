#!/usr/bin/env bash
set -euo pipefail

greeting() { printf 'Hello, %s!' "$1"; }

words=()
for name in Ada Grace Jürgen; do
  words+=("$(greeting "$name")")
done
echo "${words[*]}"
printf 'π ≈ %.4f\n' "$(echo '4 * a(1)' | bc -l)"
