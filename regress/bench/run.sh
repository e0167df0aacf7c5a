#!/bin/bash
# make bench: the budgets of the design, measured as ratios: both sides of each
# on this machine, in this run, medians of interleaved rounds of CPU time per
# unit (wall-clock throughput says little on a shared machine).
#
#   PARTS="esp login cookie idle"   what to measure
#   ROUNDS=5  SECONDS_EACH=2  KEEP=1  (leave the raw values behind)
here=$(dirname "$0")
. "$here/common.sh"
for part in esp login cookie idle; do
	. "$here/$part.sh"
done
[ "$(id -u)" = 0 ] || skip "needs root for network namespaces"
trap bench_cleanup EXIT
trap 'exit 130' INT TERM
: >"$RAW"
say "$(uname -sr), $(nproc) CPUs, $(sed -n 's/^model name.*: //p' \
    /proc/cpuinfo | head -1)"
for part in ${PARTS:-esp login cookie idle}; do
	"part_$part"
done
[ -z "${RAW_TO:-}" ] || cp "$RAW" "$RAW_TO"
python3 "$here/report.py" "$RAW" ${PARTS:-}
