#!/bin/bash
# make bench: the budgets of the design, measured as ratios: both sides of each
# on this machine, in this run, medians of interleaved rounds of CPU time per
# unit (wall-clock throughput says little on a shared machine).
#
#   PARTS="esp login cert cookie idle"   what to measure
#   ROUNDS=5  SECONDS_EACH=2  LOGINS=400  LOGINS_AT_ONCE=32  IDLE=1000
#   CERTS=100       logins with a certificate in each round
#   RAW_TO=FILE     keep the raw values there
#
# Needs root, six minutes, and a machine that does little else. The files:
# common.sh (namespaces, contenders), one *.sh a part, report.py (the table);
# espproto, hs_bench and cookie are the yardsticks that know no IKE at all.
here=$(dirname "$0")
. "$here/common.sh"
for part in esp login cert cookie idle; do
	# shellcheck source=/dev/null
	. "$here/$part.sh"
done
[ "$(id -u)" = 0 ] || fail "needs root for network namespaces"
trap bench_cleanup EXIT
trap 'exit 130' INT TERM
: >"$RAW"
say "$(uname -sr), $(nproc) CPUs, $(sed -n 's/^model name.*: //p' \
    /proc/cpuinfo | head -1)"
for part in ${PARTS:-esp login cert cookie idle}; do
	"part_$part"
done
[ -z "${RAW_TO:-}" ] || cp "$RAW" "$RAW_TO"
python3 "$here/report.py" "$RAW" ${PARTS:-}
