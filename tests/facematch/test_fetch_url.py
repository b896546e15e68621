"""Weights from the web travel over https only, and a transfer that breaks off counts for nothing."""

import datetime
import http.server
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from facematch.bundle import read_bundle
from facematch.errors import WeightsUnreachable
from facematch.fetch import download, fetch_weights
from tests.facematch.bundles import write_bundle


class _Site(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        pages = {"/weights": (200, {"Content-Length": "7"}), "/short": (200, {"Content-Length": "99"})}
        moved = {"/moved": "/weights", "/downgraded": "http://127.0.0.1:9/weights", "/local": "file:///etc/hostname"}
        status, headers = pages.get(self.path, (404, {}))
        if self.path in moved:
            status, headers = 302, {"Location": moved[self.path]}
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"weights" if status == 200 else b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it has above us
        """Say nothing: the test speaks."""


def _certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "site.pem").write_bytes(certificate.public_bytes(pem) + plain)
    return folder / "site.pem"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A real https site on this machine whose certificate the test trusts."""
    pem = _certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Site) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_url_is_a_source(site: str, tmp_path: Path) -> None:
    write_bundle(tmp_path, b"weights", sources=f'{{ url = "{site}/weights" }}')
    bundle = read_bundle("tiny", tmp_path)
    paths = fetch_weights(bundle, tmp_path / "weights", accept_licence=False, announce=print)
    assert paths["tiny.onnx"].read_bytes() == b"weights"


def test_a_redirection_within_https_is_followed(site: str, tmp_path: Path) -> None:
    download(f"{site}/moved", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"weights"


@pytest.mark.parametrize("path", ["/downgraded", "/local", "/absent", "/short"])
def test_what_leaves_https_or_breaks_off_is_refused(site: str, tmp_path: Path, path: str) -> None:
    with pytest.raises(OSError, match=r"unknown|not allowed|404|broke off"):
        download(site + path, tmp_path / "file")


def test_a_site_with_a_certificate_nobody_vouches_for_is_refused(
    site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        download(f"{site}/weights", tmp_path / "file")


def test_a_site_that_does_not_answer_is_out_of_reach(tmp_path: Path) -> None:
    write_bundle(tmp_path, b"weights", sources='{ url = "https://127.0.0.1:9/weights" }')
    with pytest.raises(WeightsUnreachable):
        fetch_weights(read_bundle("tiny", tmp_path), tmp_path / "weights", accept_licence=False, announce=print)
