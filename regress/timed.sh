#!/bin/bash
# timed.sh NAME COMMAND...: one line with its seconds; a failure is a failed
# test of that name.
name=$1
shift
RESULTS=${RESULTS:-build/results}
mkdir -p "$RESULTS"
start=$(date +%s)
if "$@" >"$RESULTS/$name.log" 2>&1; then
	st=pass
else
	st=fail
	echo "FAILED $name:" >&2
	grep -aE 'error|Error|undefined' "$RESULTS/$name.log" | head -20 >&2
	tail -n 20 "$RESULTS/$name.log" >&2
fi
echo "$st $name $(($(date +%s) - start))" >"$RESULTS/$name"
echo "$name: $st in $(($(date +%s) - start)) s"
[ $st = pass ]
