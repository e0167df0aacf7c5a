#!/usr/bin/python3
"""seed.py TARGET DIR: the first corpus of a fuzz target.

Every line "name hex" of seeds/TARGET*.txt becomes the file DIR/seed-name, so
that no binary file is in the repository. No such text: no seeds. The samples
of regress/conf are the seeds of fuzz_conf_*; certificates are made anew.
"""
import glob
import os
import shutil
import subprocess
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


# name, key, subject, extensions. The target signs them once more.
CERTS = (
    ("leaf", "ec:P-256", "/C=CH/O=Acme/CN=alice", [
        "basicConstraints=CA:FALSE", "keyUsage=critical,digitalSignature",
        "extendedKeyUsage=clientAuth,1.3.6.1.5.5.7.3.17",
        "subjectAltName=DNS:a.acme.example,email:a@acme.example,IP:10.0.0.1,"
        "URI:http://x.example/,RID:1.2.3,dirName:who,"
        "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:a@acme.example",
        "crlDistributionPoints=URI:http://a.example/crl,URI:ldap://b/",
        "freshestCRL=URI:http://a.example/delta",
        "authorityInfoAccess=OCSP;URI:http://o.example/"]),
    ("names", "ec:P-384", "/C=CH/O=Acme/CN=CA", [
        "basicConstraints=critical,CA:TRUE,pathlen:1",
        "keyUsage=critical,keyCertSign,cRLSign",
        "nameConstraints=critical,permitted;email:acme.example,"
        "permitted;DNS:.example,permitted;IP:10.0.0.0/255.0.0.0,"
        "excluded;email:b.example,permitted;dirName:who"]),
    ("policies", "ed25519", "/CN=CA", [
        "basicConstraints=CA:TRUE",
        "policyConstraints=requireExplicitPolicy:1,inhibitPolicyMapping:0",
        "inhibitAnyPolicy=0", "certificatePolicies=1.2.3.4,2.5.29.32.0",
        "policyMappings=1.2.3.4:1.2.3.5"]),
    ("rsa", "rsa:2048", "/CN=b", ["1.2.3.4=critical,DER:0500",
                                  "subjectAltName=DNS:*.acme.example"]),
)


def certs(folder):
    for name, key, subject, exts in CERTS:
        alg = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:" + key[3:]] \
            if key.startswith("ec:") else ["-newkey", key]
        conf = "[req]\ndistinguished_name=who\nx509_extensions=e\n" \
            "[who]\nCN=x\n[e]\n" + "\n".join(exts) + "\n"
        cmd = ["openssl", "req", "-x509", "-nodes", "-config", "/dev/stdin",
               "-subj", subject, "-days", "9999", "-keyout", "/dev/null"]
        for form, end in ("DER", ""), ("PEM", ".pem"):
            subprocess.run(
                cmd + alg + ["-outform", form, "-out", os.path.join(
                    folder, "seed-" + name + end)],
                input=conf.encode(), check=True, stderr=subprocess.DEVNULL)


if target == "fuzz_crypto_cert":
    certs(out)
