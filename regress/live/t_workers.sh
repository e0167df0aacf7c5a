#!/bin/bash
# Two net and two esp workers: sessions on each, DPD from the client and a
# kill from our side, all steered by our SPI.
NET_WORKERS=2 ESP_WORKERS=2
. "$(dirname "$0")/lib.sh"
topo_up
nat_up
conf_psk
headend_start
swan_start c1
swan_start c2
for round in 1 2 3; do
	for c in c1 c2; do
		swan_conf $c $HD4 "extra=dpd_delay = 1s"
		swan_must_up $c
		ping_inside $c
	done
	sessions_are 2 || fail "not two sessions"
	sleep 2.2 # two rounds of DPD
	sessions_are 2 || fail "DPD was not answered"
	swan c1 --list-sas | grep -q ESTABLISHED || fail "c1 gave up"
	swan_down c1
	ctl kill c2@test.example || fail "kill"
	wait_for 6 sessions_are 0 || fail "the kill left a session"
	dead() { ! swan c2 --list-sas | grep -q ESTABLISHED; }
	wait_for 5 dead || fail "the client was not told"
done
nothing_left
no_leak
headend_alive
