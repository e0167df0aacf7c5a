#!/bin/sh
# mkusers.sh: make the users that gatehoused's processes run as, one per role,
# where systemd-sysusers is not at hand. What is there already is kept. The
# names are those of privsep/ipc/role.def.
set -eu
def=$(dirname "$0")/../privsep/ipc/role.def
users=$(sed -n 's/^ROLE([A-Z]*, "[a-z]*", "\([a-z_]*\)").*/\1/p' "$def")
if [ -z "$users" ]; then
	echo "mkusers: no users in $def" >&2
	exit 1
fi
missing=""
for u in $users; do
	id "$u" >/dev/null 2>&1 || missing="$missing $u"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
	echo "mkusers: run it as root; these users are missing:$missing" >&2
	exit 1
fi
nologin=/usr/sbin/nologin
[ -x $nologin ] || nologin=/sbin/nologin
[ -x $nologin ] || nologin=/bin/false
for u in $missing; do
	getent group "$u" >/dev/null 2>&1 || groupadd --system "$u"
	useradd --system --gid "$u" --no-create-home --home-dir /nonexistent \
	    --shell "$nologin" --comment "Gatehouse" "$u"
done
