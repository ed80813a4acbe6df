"""Addresses, and what may not be asked of them."""

import datetime
import ipaddress
import re
import ssl

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from serving.client import ServingError, Unavailable
from serving.client.connection import Connection
from tests.helpers import fake_serving


@pytest.mark.parametrize(
    ("server", "address", "is_grpc", "is_secure"),
    [
        ("127.0.0.1:8501", "http://127.0.0.1:8501", False, False),
        ("[::1]:8501", "http://[::1]:8501", False, False),
        ("http://scores", "http://scores", False, False),
        ("https://scores.example/reviews/", "https://scores.example/reviews", False, True),
        ("grpc://scores:8500", "grpc://scores:8500", True, False),
        ("grpcs://scores:443/", "grpcs://scores:443", True, True),
    ],
)
def test_an_address_tells_the_protocol(server, address, is_grpc, is_secure):
    connection = Connection.of(server, model_name="reviews")
    assert (str(connection), connection.is_grpc, connection.is_secure) == (address, is_grpc, is_secure)


@pytest.mark.parametrize(
    "server",
    [
        *("", "scores", "scores:", "scores:http", "scores:99999", ":8501", "ftp://scores:21", "grpc://scores"),
        *("grpc://scores:8500/path", "http://user:secret@scores", "http://scores/?a=1"),
    ],
)
def test_what_is_no_address_is_refused(server):
    expected = "expected HOST:PORT, http://, https://, grpc:// or grpcs://HOST:PORT$"
    with pytest.raises(ValueError, match=expected):
        Connection.of(server, model_name="reviews")


@pytest.mark.parametrize("server", ["127.0.0.1:8501/v1/models/reviews:predict", "https://a:8501/v1/models/reviews/"])
def test_the_path_of_a_model_is_no_part_of_an_address(server):
    expected = r"give HOST:PORT alone, [\w.]+:8501; the model's name is given apart, and the path is made of it$"
    with pytest.raises(ValueError, match=expected):
        Connection.of(server, model_name="reviews")


@pytest.mark.parametrize(
    ("server", "options", "expected"),
    [
        ("a:1", {"version": 1, "label": "stable"}, "^a version and a label exclude each other; give one of them$"),
        (
            "a:1",
            {"token": "t"},
            "^http://a:1 is not encrypted and would show the token to others: use https",
        ),
        (
            "grpc://a:1",
            {"ca_file": "ca.pem"},
            "^grpc://a:1 is not encrypted and has no certificate: use https",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(server, options, expected):
    with pytest.raises(ValueError, match=expected):
        Connection.of(server, model_name="reviews", **options)


def test_a_token_goes_to_this_machine_unencrypted_and_is_not_shown():
    for server in ("127.0.0.1:8501", "localhost:8501", "grpc://[::1]:8500"):
        assert "secret" not in repr(Connection.of(server, model_name="reviews", token="secret"))


def test_no_proxy_of_the_environment_comes_between(server, rest, open_client, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy", "grpc_proxy"):
        monkeypatch.setenv(name, rest.address)
    for name in ("no_proxy", "NO_PROXY", "no_grpc_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert open_client(server.address, token="secret").score(["abc"])[0].score == 0.3
    assert len(server.seen) == 1
    assert rest.seen == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of 127.0.0.1 that signs itself: the files of the certificate and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("certificate")
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    pkcs8 = serialization.PrivateFormat.PKCS8
    files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, serialization.NoEncryption()))
    return files


@pytest.fixture(params=["rest", "grpc"])
def encrypted(request, certificate):
    if request.param == "rest":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        opened = fake_serving.rest(context)
    else:
        pair = (certificate[1].read_bytes(), certificate[0].read_bytes())
        opened = fake_serving.grpc_server(grpc.ssl_server_credentials([pair]))
    with opened as fake:
        yield fake


def test_a_server_whose_authority_is_given_is_asked_with_the_token(encrypted, certificate, open_client):
    client = open_client(encrypted.address, ca_file=str(certificate[0]), token="secret")
    assert client.score(["abc"])[0].score == 0.3
    assert "Bearer secret" in encrypted.seen[0][1].values()


def test_a_server_of_an_unknown_authority_is_asked_nothing(encrypted, open_client):
    with pytest.raises(ServingError) as raised:
        open_client(encrypted.address, token="secret").score(["abc"])
    assert re.match(
        f"{encrypted.address} cannot be trusted: .*CERTIFICATE_VERIFY_FAILED.*; ca_file names", str(raised.value)
    )
    assert not isinstance(raised.value, Unavailable)
    assert encrypted.seen == []


def test_a_server_without_tls_is_told_so(rest, open_client):
    address = rest.address.replace("http://", "https://")
    with pytest.raises(
        ServingError, match=f"^{address} does not speak TLS: write http://, or name the port that does$"
    ):
        open_client(address).score(["abc"])
