#!/bin/bash
# make soak: HOURS (default 1) of logins, downloads and goodbyes with workers
# killed in between; every scenario again and again; nothing may be left over.
set -u
cd "$(dirname "$0")/../.." || exit 1
end=$(($(date +%s) + ${HOURS:-1} * 3600))
round=0
while [ "$(date +%s)" -lt "$end" ]; do
	round=$((round + 1))
	echo "== round $round"
	RESULTS=build/results/soak bash regress/suite.sh soak 2 300 \
	    regress/live/t_*.sh build/release/regress/exchange/test_* || exit 1
done
echo "$round rounds without a failure"
