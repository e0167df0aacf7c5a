#!/bin/sh
# install.sh BUILD-FOLDER DESTDIR PREFIX: programs, man pages, unit, users.
set -eu
b=$1 dest=$2 prefix=$3
here=$(dirname "$0")
install -d "$dest$prefix/sbin" "$dest$prefix/share/man/man5" \
    "$dest$prefix/share/man/man8" "$dest/etc/gatehouse" \
    "$dest/lib/systemd/system" "$dest/usr/lib/sysusers.d"
install -m 755 "$b/gatehoused" "$b/gatehousectl" "$dest$prefix/sbin/"
install -m 644 "$here"/man/*.5 "$dest$prefix/share/man/man5/"
install -m 644 "$here"/man/*.8 "$dest$prefix/share/man/man8/"
install -m 644 "$here/gatehouse.conf.example" "$dest/etc/gatehouse/"
sed "s|/usr/local/sbin|$prefix/sbin|" "$here/systemd/gatehoused.service" \
    >"$dest/lib/systemd/system/gatehoused.service"
install -m 644 "$here/sysusers.d/gatehouse.conf" "$dest/usr/lib/sysusers.d/"
if [ -z "$dest" ]; then
	sh "$here/mkusers.sh"
	echo "Next: copy /etc/gatehouse/gatehouse.conf.example to" \
	    "/etc/gatehouse/gatehouse.conf, edit it, then" \
	    "gatehoused -n && systemctl enable --now gatehoused"
fi
