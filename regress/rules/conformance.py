"""conformance.py [--write]: what shows each of the 200 checks.

Reads conformance.txt, the hostile cases and the comments of tests that begin
with numbers, and prints a table. It fails when a check has no entry, when a
test, case or scenario that is named does not exist, and when the table in
etc/doc/PROTOCOL.md is another one; --write puts it there.
"""
import glob
import os
import re
import sys

DOC = "etc/doc/PROTOCOL.md"
MARK = "<!-- conformance: regress/rules/conformance.py --write -->\n"
SUITES, SUITES_END = "<!-- suites -->\n", "\n## Cookies"
bad = []


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def hostile():
    found = {}
    for m in re.finditer(r"^(?:BYTES|LIST)\((\w+), (\d+), (\w+),",
                         read("regress/lib/hostile.def"), re.M):
        found.setdefault(int(m[2]), []).append(f"{m[1]}/{m[3]}")
    return found


def tests():
    """Every case of every test program, and the numbers its comments name."""
    cases, found = {}, {}
    comment = r"/\*(?:[^*]|\*(?!/))*\*/"
    for path in sorted(glob.glob("regress/*/test_*.c")):
        name, text = os.path.basename(path)[5:-2], read(path)
        for m in re.finditer(rf"((?:{comment}\s*)?)START_TEST\((\w+)\)", text):
            # A case that no suite runs shows nothing.
            if not re.search(rf"(?:tcase_add_\w+|ADD)\(.*\b{m[2]}\b", text):
                continue
            cases.setdefault(name, set()).add(m[2])
            body = text[m.end():text.find("END_TEST", m.end())]
            for c in [m[1]] + re.findall(comment, body):
                c = re.sub(r"\s*\n\s*\*?\s*", " ", c).strip()
                for g in re.findall(
                        r"(?:^/\* |[;.] )(\d{1,3}(?:, \d{1,3})*)(?=:| \*/)", c):
                    for n in g.split(", "):
                        found.setdefault(int(n), []).append((name, m[2]))
    return cases, found


def listed(cases, hostiles):
    """conformance.txt: number -> title, [(kind, words)]."""
    out, n = {}, None
    known = {c for v in hostiles.values() for c in v}
    for line in read("regress/rules/conformance.txt").splitlines():
        if line.startswith("#"):
            continue
        if not line.startswith("\t"):
            n, title = line.split(" ", 1)
            n = int(n)
            if n in out:
                bad.append(f"check {n} stands twice")
            out[n] = (title, [])
            continue
        kind, words = line.strip().split(" ", 1)
        out[n][1].append((kind, words))
        name, *rest = words.split()
        if kind == "test" and name == "hostile":
            missing = [w for w in rest if w not in known]
        elif kind == "test":
            missing = [w for w in rest if w not in cases.get(name, ())]
        elif kind == "live":
            missing = [] if os.path.exists(
                f"regress/live/t_{words}.sh") else [words]
        elif kind in ("policy", "later"):
            missing = []
        else:
            missing = [kind]
        if missing or (kind == "test" and not rest):
            bad.append(f"check {n}: there is no {kind} {words}")
    return out


def row(n, title, extra, hostiles, found):
    shown = {}
    for c in hostiles:
        shown.setdefault("hostile", []).append(c)
    for name, case in found:
        shown.setdefault(name, []).append(case)
    words = []
    for kind, w in extra:
        if kind == "test":
            name, *rest = w.split()
            shown.setdefault(name, []).extend(rest)
        elif kind == "live":
            words.append(f"live `t_{w}.sh`")
        else:
            words.append(f"{kind}: {w}")
    text = [f"`{name}` " + " ".join(dict.fromkeys(c))
            for name, c in shown.items()] + words
    if not text:
        bad.append(f"check {n} ({title}) has no entry")
    return f"| {n} | {title} | {'; '.join(text)} |\n"


def suites():
    """suite.def as a table: kind, and what each suite adds."""
    kinds = {"ENCR": "cipher", "INTEG": "integrity", "PRF": "prf",
             "KEX": "group"}
    text = "| | `default` | `compatible` adds | `legacy` adds |\n" + \
        "|---|---|---|---|\n"
    lines = re.findall(r"^(\w+)\(.*?\"(\w+)\".*\b(S_\w+)",
                       read("privsep/crypto/suite.def"), re.M)
    for kind, word in kinds.items():
        cells = [" ".join(n for k, n, s in lines if (k, s) == (kind, suite))
                 for suite in ("S_DEFAULT", "S_COMPATIBLE", "S_LEGACY")]
        text += f"| {word} | {' | '.join(c or '-' for c in cells)} |\n"
    return text


def main():
    hostiles = hostile()
    cases, found = tests()
    out = listed(cases, hostiles)
    table = "| # | check | shown by |\n|---|---|---|\n"
    shown = 0
    for n in range(1, 201):
        if n not in out:
            bad.append(f"check {n} has no title")
            continue
        title, extra = out[n]
        table += row(n, title, extra, hostiles.get(n, []), found.get(n, []))
        shown += bool(hostiles.get(n) or found.get(n) or
                      any(k in ("test", "live") for k, _ in extra))
    table += f"\n{shown} of 200 are shown by a test.\n"
    doc = read(DOC)
    a = doc.index(SUITES) + len(SUITES)
    new = doc[:a] + suites() + doc[doc.index(SUITES_END):]
    new = new.partition(MARK)[0] + MARK + table
    if "--write" in sys.argv:
        with open(DOC, "w", encoding="utf-8") as f:
            f.write(new)
    elif new != doc:
        bad.append(f"{DOC} has another table: python3 "
                   "regress/rules/conformance.py --write")
    if "--print" in sys.argv:
        print(table, end="")
    for b in bad:
        print(b)
    return 1 if bad else 0


sys.exit(main())
