#!/bin/bash
# run.sh TARGET: FUZZ_S seconds of a libFuzzer target over its corpus, which
# is made of the seeds in regress/fuzz/seeds/TARGET* and grows in the build
# folder only. Any crash, leak or time-out is a failure.
set -u
t=$1
n=$(basename "$t")
dir=$(dirname "$t")/corpus-$n
mkdir -p "$dir"
here=$(dirname "$0")
if [ -x "$here/seed.py" ] || [ -f "$here/seed.py" ]; then
	python3 "$here/seed.py" "$n" "$dir" || exit 1
fi
cd "$(dirname "$t")" || exit 1
exec "$t" -max_total_time="${FUZZ_S:-20}" -timeout=5 -rss_limit_mb=2048 \
    -max_len="${FUZZ_LEN:-4096}" -print_final_stats=1 \
    -artifact_prefix="$dir.crash-" "$dir"
