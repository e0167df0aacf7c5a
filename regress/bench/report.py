#!/usr/bin/env python3
"""The table of `make bench`: report.py RAW. Medians, ratios, budgets of the
design, and whether each is met. A budget that could not be measured says so
and makes the exit status 1; one that is not met does not."""
import collections
import statistics
import sys

raw = collections.defaultdict(list)
for line in open(sys.argv[1]):
    metric, who, value = line.split()
    raw[metric, who].append(float(value))


def med(metric, who):
    v = raw.get((metric, who))
    return statistics.median(v) if v else None


rows, missing = [], 0


def row(what, measured, unit, budget, goal=None, note=""):
    """measured <= budget? Both are numbers in `unit`."""
    global missing
    if measured is None or budget is None:
        missing += 1
        rows.append((what, "-", "-", "not measured", note))
        return
    verdict = "met" if measured <= budget else "NOT MET"
    if goal is not None and measured <= goal:
        verdict = "met, and the goal"
    rows.append((what, "%.3g%s" % (measured, unit),
                 "<= %.3g%s" % (budget, unit), verdict, note))


def ratio(what, metric, ours, theirs, budget, goal=None, unit=""):
    a, b = med(metric, ours), med(metric, theirs)
    note = "" if a is None or b is None else "%.3g / %.3g%s" % (a, b, unit)
    row(what, a / b if note else None, "", budget, goal, note)


def esp():
    for lib, name in ("ossl", "OpenSSL"), ("imb", "ipsec-mb"):
        for d in "tx", "rx":
            for other, title, budget, goal in (
                    ("libipsec", "libipsec", 1 / 8, 1 / 15),
                    ("off-" + lib, "espproto off", 1.25, None),
                    ("plain", "espproto plain", 1 / 4, None)):
                ratio("ESP %s, %s, beside %s" % (d, name, title), "esp." + d,
                      "gh-" + lib, other, budget, goal, " s/GB")


def login():
    prim = med("login.us", "hs_bench")
    row("login, all roles, beside primitives + 60 us", med("login.us", "gh"),
        " us", prim + 60 if prim else None, None,
        "primitives %.3g us" % prim if prim else "")
    ratio("login, all roles, beside charon", "login.us", "gh", "charon",
          1 / 4, 1 / 6, " us")
    row("memory per session, all roles", med("memory.kb", "gh"), " KB", 6)
    ratio("memory per session, beside charon", "memory.kb", "gh", "charon",
          1 / 4, None, " KB")


def cert():
    for kind, title in ("ec", "P-256"), ("rsa", "RSA-2048"):
        for when, prims in ("new", "bare"), ("known", "known"):
            m = "cert.%s.%s" % (kind, when)
            prim = med("cert.%s.%s" % (kind, prims), "hs_bench")
            x509 = med("cert.%s.x509" % kind, "hs_bench")
            note = "primitives %.3g us" % prim if prim else ""
            if x509 and when == "new":
                note += "; with OpenSSL's X509 %.3g us" % x509
            row("%s login, %s certificate, primitives + 60 us" % (title, when),
                med(m, "gh"), " us", prim + 60 if prim else None, None, note)
            ratio("%s login, %s certificate, beside charon" % (title, when),
                  m, "gh", "charon", 1 / 4, 1 / 6, " us")


def cookie():
    ratio("cookie answer, beside the cookie tool", "cookie.us", "gh", "tool",
          1.3, None, " us")
    row("memory that the flood leaves behind", med("cookie.kb", "gh"), " KB",
        64, None, "net worker, after all rounds")
    row("log lines that the flood makes", med("cookie.lines", "gh"), "", 8,
        None, "all roles; rate-limited summaries")


def idle():
    full, empty = med("idle.pct", "gh"), med("idle.empty_pct", "gh")
    n = med("idle.sessions", "gh")
    row("10,000 idle sessions, DPD 30 s",
        empty + (full - empty) * 10000 / n if n else None, " %", 1, None,
        "of a core; from %d sessions" % n if n else "")


parts = {"esp": esp, "login": login, "cert": cert,
         "cookie": cookie, "idle": idle}
for part in sys.argv[2:] or parts:
    parts[part]()
print("\nraw medians (all values)")
for (metric, who), v in sorted(raw.items()):
    print("  %-14s %-10s %10.4g   (%s)" % (
        metric, who, statistics.median(v), " ".join("%.4g" % x for x in v)))
print("\n%-52s %10s %10s  %-18s %s" % (
    "budget", "measured", "allowed", "", "medians"))
for r in rows:
    print("%-52s %10s %10s  %-18s %s" % r)
print("not measured here: the latency that a slow RADIUS server adds to other "
      "logins\n(no RADIUS role yet)")
sys.exit(1 if missing else 0)
