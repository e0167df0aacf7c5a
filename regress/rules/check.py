"""The rules that keep each line in its room: check.py RULE BUILD-FOLDER.

includes  every #include "..." is an allowed edge, vendor headers are fenced
sizes     no file over 800 lines
purity    the pure libraries call nothing of the outside world (nm -u)
messages  every message has its row in etc/doc/MESSAGES.md
words     no left-over markers, no path of one machine
"""
import os
import re
import subprocess
import sys

ROOMS = ("daemon", "privsep", "radius", "db")
PURE = ("daemon_wire", "daemon_ike", "daemon_esp")
IMPURE = re.compile(
    r"^(socket|socketpair|send\w*|recv\w*|write\w*|read|pread|pwrite|open\w*|"
    r"fopen|close|ioctl|time|clock\w*|gettimeofday|nanosleep|usleep|sleep|"
    r"random|rand|srand|getrandom|getentropy|arc4random\w*|randombytes\w*|"
    r"RAND_\w*|\w*printf\w*|puts|putchar|fork|exec\w*|system|log_\w+|"
    r"rand_bytes)$")
# Printing goes through base's cursor, and base itself is allowed memory.
bad = []


def sources():
    for room in ROOMS:
        for top, _, files in os.walk(room):
            for f in sorted(files):
                if f.endswith((".c", ".h", ".def", ".sql")):
                    yield os.path.join(top, f)


def table(name):
    rows = {}
    for line in open(os.path.join(os.path.dirname(__file__), name)):
        line = line.split("#")[0].strip()
        if line:
            key, _, val = line.partition(": ")
            rows[key] = val.split()
    return rows


def includes():
    edges, vendor = table("edges.def"), table("vendor.def")
    for path in sources():
        who = max((w for w in edges if path.startswith(w)), key=len,
                  default=None)
        for n, line in enumerate(open(path, encoding="utf-8"), 1):
            m = re.match(r'\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', line)
            if not m:
                continue
            ours, sys_h = m.groups()
            if ours:
                if who is None:
                    bad.append(f"{path}:{n}: no room of edges.def holds it")
                elif not any(ours.startswith(e) for e in edges[who]):
                    bad.append(f"{path}:{n}: {who} may not include {ours}")
            else:
                for v, where in vendor.items():
                    if sys_h.startswith(v) and not any(
                            path.startswith(w) for w in where):
                        bad.append(f"{path}:{n}: <{sys_h}> belongs to "
                                   + ", ".join(where))


def sizes():
    for path in list(sources()) + [
            os.path.join(t, f) for t, _, fs in os.walk("regress") for f in fs
            if f.endswith((".c", ".h", ".sh", ".py"))]:
        n = sum(1 for _ in open(path, encoding="utf-8"))
        if n > 800:
            bad.append(f"{path}: {n} lines; more than 800 is two files")


def purity(build):
    seen = 0
    for lib in PURE:
        path = os.path.join(build, f"lib{lib}.a")
        out = subprocess.run(["nm", "-u", path], capture_output=True,
                             text=True, check=True).stdout
        obj = ""
        for line in out.splitlines():
            if line.endswith(":"):
                obj = line
                continue
            m = re.match(r"\s*U (\w+)", line)
            if m:
                seen += 1
                if IMPURE.match(m.group(1)):
                    bad.append(f"{path} {obj} calls {m.group(1)}")
    if seen < 10:
        bad.append(f"{build}: nm -u showed {seen} symbols; built at all?")


def messages():
    """Each message of msg.def has its row, with the same ends."""
    doc = open("etc/doc/MESSAGES.md").read()
    names = re.findall(r"^M\((\w+), \w+, ([^,]+), ([^)]+)\)",
                       open("privsep/ipc/msg.def").read(), re.M)
    for name, *ends in names:
        ends = [", ".join(r.strip()[2:].lower() for r in e.split("|"))
                for e in ends]
        if f"| {name} | {ends[0]} | {ends[1]} | " not in doc:
            bad.append(f"etc/doc/MESSAGES.md: no row | {name} | "
                       f"{ends[0]} | {ends[1]} | … |")
    for name in re.findall(r"^\| ([A-Z_0-9]+) \|", doc, re.M):
        if name not in [n[0] for n in names]:
            bad.append(f"etc/doc/MESSAGES.md: {name} is not in msg.def")


def words():
    out = subprocess.run(["git", "ls-files"], capture_output=True, text=True,
                         check=True).stdout.split()
    # In two halves, so that the rule's own line is no left-over.
    mark = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
    for path in out:
        if path.endswith(("check.py", ".txt")) or not os.path.exists(path):
            continue
        for n, line in enumerate(open(path, encoding="utf-8",
                                      errors="replace"), 1):
            if mark.search(line) and not re.search(r"XXXXX", line):
                bad.append(f"{path}:{n}: left-over marker: {line.strip()}")
            if re.search(r"(^|[\s\"'=(])/(work|home|root)/", line):
                bad.append(f"{path}:{n}: a path of one machine")


{"includes": includes, "sizes": sizes, "words": words,
 "messages": messages,
 "purity": lambda: purity(sys.argv[2])}[sys.argv[1]]()
print("\n".join(bad) if bad else f"{sys.argv[1]}: good")
sys.exit(1 if bad else 0)
