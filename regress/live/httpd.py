#!/usr/bin/env python3
"""The outside world of the certificate scenarios: files over HTTP, an OCSP
responder, a name server; in one process, inside of a namespace, for at most two
minutes.

    httpd.py --bind 192.0.2.1 --root DIR --log FILE [--dns NAME=ADDR]...

GET /x               the file DIR/x
POST /ocsp/CA        an answer of DIR/CA's responder (index.txt, cert.pem,
GET /ocsp/CA/BASE64  key.pem; when there are ocsp.pem and ocsp.key, they sign)
GET /drip/x          DIR/x byte by byte, 10 a second
GET /endless/x       never ends
GET /to/URL          302 to that URL

DIR/mode, read again for each request, makes it misbehave: lines "PREFIX WHAT";
WHAT: ok, hang, slow SECONDS, status CODE, garbage. The first prefix that fits
counts. --log gets a line for each request and question.
"""
import argparse
import base64
import http.server
import os
import signal
import socket
import socketserver
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

TYPES = {".crl": "application/pkix-crl", ".der": "application/pkix-cert",
         ".p7c": "application/pkcs7-mime"}


def log(*words):
    with open(ARGS.log, "a") as f:
        print(*words, file=f, flush=True)


def mode(path):
    try:
        with open(ARGS.root + "/mode") as f:
            for line in f:
                words = line.split()
                if words and path.startswith(words[0]):
                    return words[1:]
    except FileNotFoundError:
        pass
    return ["ok"]


def ocsp(ca, request):
    """What `openssl ocsp` answers; its index is the one of `openssl ca`."""
    d = ARGS.root + "/" + os.path.basename(ca)
    signer = ("ocsp.pem", "ocsp.key") if os.path.exists(d + "/ocsp.pem") \
        else ("cert.pem", "key.pem")
    with tempfile.TemporaryDirectory() as t:
        with open(t + "/req", "wb") as f:
            f.write(request)
        subprocess.run(
            ["openssl", "ocsp", "-index", d + "/index.txt", "-CA",
             d + "/cert.pem", "-rsigner", d + "/" + signer[0], "-rkey",
             d + "/" + signer[1], "-reqin", t + "/req", "-respout",
             t + "/resp", "-nmin", os.environ.get("OCSP_NMIN", "5"),
             "-rmd", "sha256"], check=True, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, timeout=10)
        with open(t + "/resp", "rb") as f:
            return f.read()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, fmt, *args):
        pass

    def reply(self, status, body, kind="application/octet-stream", extra=()):
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        for k, v in extra:
            self.send_header(k, v)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True
        log(self.command, self.path, status, len(body),
            self.headers.get("Host", "-"), self.headers.get("User-Agent", "-"))

    def misbehave(self):
        what = mode(self.path)
        if what[0] == "hang":
            log(self.command, self.path, "hang")
            time.sleep(100)
        elif what[0] == "slow":
            log(self.command, self.path, "slow")
            time.sleep(float(what[1]))
        elif what[0] == "status":
            self.reply(int(what[1]), b"no\n")
            return True
        elif what[0] == "garbage":
            self.reply(200, os.urandom(500))
            return True
        return False

    def endless(self):
        self.send_response_only(200)
        self.end_headers()
        log(self.command, self.path, "endless")
        while True:
            self.wfile.write(b"x" * 65536)

    def drip(self, body):
        self.send_response_only(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        log(self.command, self.path, "drip")
        for b in body:
            self.wfile.write(bytes([b]))
            self.wfile.flush()
            time.sleep(0.1)

    def file(self, path):
        full = os.path.realpath(ARGS.root + urllib.parse.unquote(path))
        if not full.startswith(os.path.realpath(ARGS.root) + "/") or \
                full.endswith(".key") or full.endswith("/key.pem"):
            return None
        try:
            with open(full, "rb") as f:
                return f.read()
        except OSError:
            return None

    def do_GET(self):
        if self.misbehave():
            return
        path = self.path.split("?")[0]
        if path.startswith("/endless/"):
            self.endless()
        elif path.startswith("/to/"):
            self.reply(302, b"", extra=[("Location", self.path[4:])])
        elif path.startswith("/ocsp/"):
            ca, _, req = path[6:].partition("/")
            self.reply(200, ocsp(ca, base64.b64decode(
                urllib.parse.unquote(req))), "application/ocsp-response")
        else:
            body = self.file(path[5:] if path.startswith("/drip/") else path)
            if body is None:
                self.reply(404, b"no\n")
            elif path.startswith("/drip/"):
                self.drip(body)
            else:
                self.reply(200, body, TYPES.get(
                    os.path.splitext(path)[1], "application/octet-stream"))

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.misbehave():
            return
        if self.path.startswith("/ocsp/") and self.headers.get(
                "Content-Type") == "application/ocsp-request":
            self.reply(200, ocsp(self.path[6:].strip("/"), body),
                       "application/ocsp-response")
        else:
            self.reply(400, b"no\n")


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def server_bind(self):
        # Without the look-up of our own name, which is known nowhere here.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "web", self.server_address[1]

    def handle_error(self, request, client_address):
        pass  # a client that goes away is none


def dns(sock, names):
    """A and AAAA of the names that were given; of all others: no such name."""
    while True:
        q, peer = sock.recvfrom(1500)
        try:
            i, labels = 12, []
            while q[i] != 0:
                labels.append(q[i + 1:i + 1 + q[i]].decode())
                i += q[i] + 1
            kind = struct.unpack(">H", q[i + 1:i + 3])[0]
        except (IndexError, struct.error, UnicodeDecodeError):
            continue
        name = ".".join(labels).lower()
        log("DNS", name, kind)
        what = mode("dns:" + name)
        if what[0] == "hang":
            continue
        addr = names.get(name)
        packed = b""
        if addr is not None and ":" in addr and kind == 28:
            packed = socket.inet_pton(socket.AF_INET6, addr)
        elif addr is not None and ":" not in addr and kind == 1:
            packed = socket.inet_aton(addr)
        head = q[:2] + struct.pack(
            ">HHHHH", 0x8180 if addr is not None else 0x8183, 1,
            1 if packed else 0, 0, 0)
        tail = b"\xc0\x0c" + struct.pack(
            ">HHIH", kind, 1, 60, len(packed)) + packed if packed else b""
        sock.sendto(head + q[12:i + 5] + tail, peer)


def main():
    global ARGS
    p = argparse.ArgumentParser()
    p.add_argument("--bind", required=True)
    p.add_argument("--port", type=int, default=80)
    p.add_argument("--root", required=True)
    p.add_argument("--log", required=True)
    p.add_argument("--dns", action="append", default=[])
    ARGS = p.parse_args()
    signal.alarm(120)
    signal.signal(signal.SIGTERM, lambda *a: os._exit(0))
    if ARGS.dns:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind((ARGS.bind, 53))
        names = dict(n.lower().split("=", 1) for n in ARGS.dns)
        threading.Thread(target=dns, args=(s, names), daemon=True).start()
    server = Server((ARGS.bind, ARGS.port), Handler)
    log("ready")
    server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
