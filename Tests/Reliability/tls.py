"""TLS as scanners see it, and a certificate that changes while clients are connected."""

import json
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from harness import Row, status

GET = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Certificate:
    """A self-signed P-256 certificate for localhost, as Mozilla's profiles want it: 90 days."""

    def __init__(self, folder):
        self.certificate, self.key = Path(folder) / "certificate.pem", Path(folder) / "key.pem"

    def write(self, name):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "89",
             "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost", "-keyout", f"{self.key}.new", "-out",
             f"{self.certificate}.new"], check=True, capture_output=True)
        Path(f"{self.key}.new").replace(self.key)
        Path(f"{self.certificate}.new").replace(self.certificate)


def serve(programs, files, *arguments):
    return programs.mllmseg("--tls-certificate", files.certificate, "--tls-key", files.key, *arguments)


def connect(server, session=None, context=None):
    context = context or ssl._create_unverified_context()
    plain = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    return context.wrap_socket(plain, server_hostname="localhost", session=session)


def peer_name(client):
    text = ssl.DER_cert_to_PEM_cert(client.getpeercert(True))
    return subprocess.run(["openssl", "x509", "-noout", "-subject"], input=text, capture_output=True,
                          text=True).stdout.strip().rsplit("= ", 1)[-1]


def manners(server):
    rows = []
    answer = server.exchange(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    rows.append(Row("plain HTTP on the TLS port", f"{status(answer)}, {'says https://' if b'https://' in answer else 'silent'}",
                    "a clear 400", status(answer) == 400 and b"https://" in answer))
    context = ssl._create_unverified_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with connect(server, context=context) as client:
        rows.append(Row("ALPN of a client that offers h2 and http/1.1", str(client.selected_alpn_protocol()), "http/1.1",
                        client.selected_alpn_protocol() == "http/1.1"))
    tool = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-tls1_2", "-legacy_renegotiation"],
        input="R\n", capture_output=True, text=True, timeout=20)
    refused = "no renegotiation" in tool.stderr or "error" in tool.stderr.lower().split("renegotiating")[-1]
    rows.append(Row("renegotiation asked by a TLS 1.2 client", "refused" if refused else "accepted", "refused", refused))
    return rows


def reload(server, files):
    """Eight clients ask over kept and new connections while the certificate is replaced ten times."""
    failures, answered, stop, names = [], [0], threading.Event(), set()

    def ask(fresh):
        client = None
        while not stop.is_set():
            try:
                if fresh or client is None:
                    client = connect(server)
                client.sendall(GET)
                if status(client.recv(4096)) != 200:
                    failures.append("no 200")
                answered[0] += 1
            except OSError as error:
                failures.append(str(error))
                client = None

    threads = [threading.Thread(target=ask, args=(index % 2 == 0,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for turn in range(10):
        files.write(f"turn{turn}")
        server.process.send_signal(signal.SIGHUP)
        server.settles(lambda: peer_name(connect(server)) == f"turn{turn}", 3)
        names.add(peer_name(connect(server)))
    stop.set()
    for thread in threads:
        thread.join()
    return Row("10 certificate reloads (SIGHUP) under load", f"{answered[0]:,} answered, {len(failures)} dropped, "
               f"{len(names)} of 10 certificates seen", "0 dropped", not failures and len(names) == 10)


def sslyze(server, files):
    program = shutil.which("sslyze") or (Path(sys.executable).parent / "sslyze")
    if not Path(program).exists():
        return Row("sslyze --mozilla_config=modern", "not installed (pip install sslyze)", "", None)
    tool = subprocess.run([program, "--mozilla_config=modern", "--certinfo", f"--certinfo_ca_file={files.certificate}",
                           f"localhost:{server.port}"], capture_output=True, text=True, timeout=180)
    lines = [line.strip() for line in tool.stdout.splitlines()]
    at = next((index for index, line in enumerate(lines) if line.startswith("COMPLIANCE AGAINST")), len(lines))
    done = any("compliant" in line.lower() for line in lines[at:])
    # What no self-signed certificate can have: a path to an authority that the world knows.
    faults = [line for line in lines[at:] if line.startswith("*") and "certificate_path_validation" not in line]
    return Row("sslyze --mozilla_config=modern with --tls-minimum 1.3",
               "; ".join(faults) or ("compliant, but for the test certificate's own signature" if done else tool.stderr[-200:]),
               "compliant", done and not faults)


# What a self-signed certificate for a test can't have.
OF_THE_CERTIFICATE = ("cert_", "overall_grade", "DNS_CAA", "OCSP", "grade_cap", "final_score", "HSTS", "security_headers",
                      "BREACH", "banner", "service", "clientsimulation", "scanTime", "cookie")


def testssl(server):
    program = shutil.which("testssl") or shutil.which("testssl.sh")
    if not program:
        return Row("testssl.sh", "not installed", "", None)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        subprocess.run([program, "--quiet", "--warnings", "off", "--color", "0", "-p", "-E", "-f", "-U", "-S", "-R",
                        "--jsonfile", report, f"127.0.0.1:{server.port}"], capture_output=True, text=True, timeout=400)
        findings = json.loads(report.read_text())
    bad = [f"{item['id']}: {item['finding'][:60]}" for item in findings
           if item["severity"] in ("LOW", "MEDIUM", "HIGH", "CRITICAL") and not item["id"].startswith(OF_THE_CERTIFICATE)]
    return Row("testssl.sh: protocols, ciphers, forward secrecy, known vulnerabilities",
               "; ".join(bad) or f"{len(findings)} findings, none against the server", "none", not bad)


def tls(programs):
    if not shutil.which("openssl"):
        return [Row("TLS", "not measured: no openssl", "", None)]
    with tempfile.TemporaryDirectory() as folder:
        files = Certificate(folder)
        files.write("localhost")
        with serve(programs, files) as server:
            rows = manners(server) + [testssl(server), reload(server, files)]
        files.write("localhost")
        with serve(programs, files, "--tls-minimum", "1.3") as server:
            rows.append(sslyze(server, files))
    return rows


CHECKS = [tls]
