#!/bin/bash
# Run the programs of one suite and count: suite.sh NAME JOBS LIMIT_S FILE...
# Each file exits 0 (passed), 77 (skipped: says why) or else (failed). The
# result goes to $RESULTS/NAME, one "STATUS FILE SECONDS" a line.
set -u
name=$1 jobs=$2 limit=$3
shift 3
RESULTS=${RESULTS:-build/results}
mkdir -p "$RESULTS"
: >"$RESULTS/$name"
start=$(date +%s)
one() { # one FILE LANE
	local f=$1 lane=$2 t0 t1 st log
	log=$RESULTS/$name.$(basename "$f").log
	t0=$(date +%s)
	LANE=gh$lane timeout -k 10 "$limit" ${RUNNER:+bash "$RUNNER"} "$f" >"$log" 2>&1 </dev/null
	st=$?
	t1=$(date +%s)
	case $st in
	0) echo "pass $f $((t1 - t0))" ;;
	77)
		echo "skip $f $((t1 - t0))"
		echo "SKIPPED $name/$(basename "$f"): $(grep -a SKIP "$log" |
			tail -1)" >&2
		;;
	*)
		echo "fail $f $((t1 - t0))"
		{
			echo "FAILED $name/$(basename "$f") (status $st" \
			    "after $((t1 - t0)) s):"
			tail -n "${TAIL:-60}" "$log"
		} >&2
		;;
	esac >>"$RESULTS/$name"
}
# Each lane takes every jobs-th file, so that two never share a name.
for lane in $(seq 0 $((jobs - 1))); do
	(
		i=0
		for f in "$@"; do
			[ $((i % jobs)) != "$lane" ] || one "$f" "$lane"
			i=$((i + 1))
		done
	) &
done
wait
pass=$(grep -c '^pass' "$RESULTS/$name")
bad=$(grep -c '^fail' "$RESULTS/$name")
skip=$(grep -c '^skip' "$RESULTS/$name")
echo "$name: $pass passed, $bad failed, $skip skipped" \
    "in $(($(date +%s) - start)) s"
[ "$bad" = 0 ]
