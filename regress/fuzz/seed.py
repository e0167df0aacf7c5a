#!/usr/bin/python3
"""seed.py TARGET DIR: the first corpus of a fuzz target.

Every line "name hex" of seeds/TARGET*.txt becomes the file DIR/seed-name, so
that no binary file is in the repository. No such text: no seeds. The samples
of regress/conf are the seeds of fuzz_conf_*.
"""
import glob
import os
import shutil
import sys

target, out = sys.argv[1:3]
here = os.path.dirname(os.path.abspath(__file__))
for path in sorted(glob.glob(os.path.join(here, "seeds", target + "*.txt"))):
    with open(path) as text:
        for line in text:
            if line.startswith("#") or not line.strip():
                continue
            name, hexes = line.split(None, 1)
            with open(os.path.join(out, "seed-" + name), "wb") as seed:
                seed.write(bytes.fromhex(hexes))
if target.startswith("fuzz_conf_"):
    for path in glob.glob(os.path.join(here, "..", "conf", "*.conf")):
        shutil.copy(path, os.path.join(out, "seed-" + os.path.basename(path)))
