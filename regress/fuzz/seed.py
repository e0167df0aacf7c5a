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
import tempfile
import time

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


# ---- CRLs and OCSP responses, of an authority made for this
CA_CONF = """[ca]
default_ca = c
[c]
database = index.txt
crlnumber = number
default_md = sha256
default_crl_days = 9999
crl_extensions = e
[e]
authorityKeyIdentifier = keyid
%s
[who]
"""
INDEX = "V\t360101000000Z\t\t1234\tunknown\t/CN=alice\n"
for n, reason in enumerate(("", ",keyCompromise", ",CAkeyTime,20250101000000Z",
                            ",holdInstruction,holdInstructionReject",
                            ",removeFromCRL")):
    INDEX += f"R\t360101000000Z\t250101000000Z{reason}\t8{n}{n}0\t" \
        f"unknown\t/CN={n}\n"
CRL_EXTS = {
    "plain": "", "user": "issuingDistributionPoint=critical,onlyuser:TRUE",
    "part": "issuingDistributionPoint=critical,fullname:URI:http://a/",
    "fresh": "freshestCRL=URI:http://a.example/delta",
    "delta": "2.5.29.27=critical,DER:02021000", "odd": "1.2.3=critical,DER:0500"}


def tool(folder, *args):
    subprocess.run(("openssl",) + args, check=True, cwd=folder,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def authority(folder):
    for name, text in (("index.txt", INDEX), ("number", "1000\n"),
                       ("index.txt.attr", "")):
        with open(os.path.join(folder, name), "w") as f:
            f.write(text)
    key = ("-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    tool(folder, "req", "-x509", *key, "-subj", "/C=CH/CN=CA", "-days",
         "9999", "-keyout", "ca.key", "-out", "ca.pem")
    for name, ext in ("leaf", ""), ("signer", "extendedKeyUsage=OCSPSigning"):
        with open(os.path.join(folder, "ext"), "w") as f:
            f.write(ext + "\n")
        tool(folder, "req", "-new", *key, "-subj", "/CN=" + name, "-keyout",
             name + ".key", "-out", name + ".csr")
        tool(folder, "x509", "-req", "-in", name + ".csr", "-CA", "ca.pem",
             "-CAkey", "ca.key", "-set_serial", "0x1234", "-days", "9999",
             "-extfile", "ext", "-out", name + ".pem")
    for name in "ca", "leaf":
        tool(folder, "x509", "-in", name + ".pem", "-outform", "DER", "-out",
             name + ".der")


def read(folder, name):
    with open(os.path.join(folder, name), "rb") as f:
        return f.read()


def sized(b):
    return len(b).to_bytes(2, "big") + b


def write(name, b):
    with open(os.path.join(out, "seed-" + name), "wb") as f:
        f.write(b)


def crls(folder):
    ca = sized(read(folder, "ca.der"))
    for name, ext in CRL_EXTS.items():
        with open(os.path.join(folder, "conf"), "w") as f:
            f.write(CA_CONF % ext)
        tool(folder, "ca", "-gencrl", "-config", "conf", "-cert", "ca.pem",
             "-keyfile", "ca.key", "-out", "crl.pem")
        tool(folder, "crl", "-in", "crl.pem", "-outform", "DER", "-out",
             "crl.der")
        write(name, ca + read(folder, "crl.der"))
    pem = read(folder, "crl.pem")
    write("pem", ca + pem + read(folder, "ca.pem") + pem)


def ocsps(folder):
    head = int(time.time()).to_bytes(4, "big") + sized(
        read(folder, "ca.der")) + sized(read(folder, "leaf.der"))
    for name, signer, more in (("good", "ca", ()), ("key", "ca",
                               ("-resp_key_id",)), ("signer", "signer", ()),
                               ("bare", "signer", ("-resp_no_certs",))):
        tool(folder, "ocsp", "-index", "index.txt", "-CA", "ca.pem",
             "-rsigner", signer + ".pem", "-rkey", signer + ".key", "-issuer",
             "ca.pem", "-cert", "leaf.pem", "-ndays", "99", *more,
             "-respout", "r.der")
        write(name, head + read(folder, "r.der"))


if target in ("fuzz_crypto_crl", "fuzz_crypto_ocsp"):
    with tempfile.TemporaryDirectory() as made:
        authority(made)
        (crls if target.endswith("crl") else ocsps)(made)
