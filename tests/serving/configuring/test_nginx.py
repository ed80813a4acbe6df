"""The example of a proxy runs as a real nginx, before servers that say what reached them."""

import concurrent.futures
import contextlib
import json
import os
import socket
import ssl
import subprocess
import time

import grpc
import httpx
import pytest

from serving.configuring import files, service
from serving.configuring.settings import ConfigureSettings
from tests.helpers import programs
from tests.helpers.http_servers import serving
from tests.helpers.services import made_up_version

# As long as the one that nginx.conf says how to make.
SECRET = "Bearer " + "0123456789abcdef" * 4
TOKEN = {"Authorization": SECRET}
MIB = 1 << 20
ANY_SIZE = [("grpc.max_receive_message_length", -1)]
PREDICT = "/tensorflow.serving.PredictionService/Predict"
RELOAD = "/tensorflow.serving.ModelService/HandleReloadConfigRequest"

pytestmark = pytest.mark.usefixtures("folder")


def told(request, body: bytes) -> tuple[int, bytes]:
    """Answers with what reached the server."""
    reached = {"path": request.path, "token": request.headers.get("Authorization"), "bytes": len(body)}
    return 200, json.dumps(reached).encode()


class Calls(grpc.GenericRpcHandler):
    """Answers every call with the size of its message and the token that came with it."""

    def service(self, details):
        token = dict(details.invocation_metadata).get("authorization", "none")
        return grpc.unary_unary_rpc_method_handler(lambda message, _: f"{len(message)} {token}".encode())


@pytest.fixture(scope="module")
def grpc_port():
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2), handlers=[Calls()], options=ANY_SIZE)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(None).wait()


def nginx() -> str:
    return programs.need("nginx", packages="nginx-light")[0]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of an nginx.conf, with the files that it includes."""
    programs.need("nginx", "openssl", packages="nginx-light and openssl")
    folder = tmp_path_factory.mktemp("nginx")
    made_up_version(folder / "export", 7)
    made_up_version(folder / "export", 8)
    (folder / "tokens.map").write_text(f'"{SECRET}" client-1;\n')
    made = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    files_made = "-keyout certificate_key.pem -out certificate.pem"
    subprocess.run([*made.split(), *files_made.split()], cwd=folder, check=True, capture_output=True)
    return folder


def configuration(folder, rest_port: int, grpc_port: int, proxy_port: int, **flags) -> str:
    ports = {"rest_port": rest_port, "grpc_port": grpc_port, "proxy_port": proxy_port}
    settings = ConfigureSettings(str(folder / "export" / "7"), "out", **ports, **flags)
    return files.render(service.find(settings))["nginx.conf"]


@contextlib.contextmanager
def running(folder, text: str, port: int):
    """Runs nginx on loopback while the block runs, without touching what lies outside of the folder."""
    changes = {f"listen {port} ": f"listen 127.0.0.1:{port} ", "/var/log/nginx/": f"{folder}/"}
    for old, new in changes.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    (folder / "nginx.conf").write_text(text)
    # A master that is root would have workers who may not enter the test's folder.
    more = f"daemon off; pid {folder}/nginx.pid; {'user root;' if os.getuid() == 0 else ''}"
    command = [nginx(), "-p", folder, "-c", folder / "nginx.conf", "-e", "stderr", "-g", more]
    process = subprocess.Popen(command)
    try:
        wait_for(process, port)
        yield
        assert process.poll() is None
    finally:
        process.terminate()
        process.wait(20)


def wait_for(process: subprocess.Popen, port: int) -> None:
    """Waits until a process listens."""
    for _ in range(500):
        with socket.socket() as tried:
            if not tried.connect_ex(("127.0.0.1", port)):
                return
        assert process.poll() is None
        time.sleep(0.02)
    raise AssertionError(f"nothing listens on port {port}")


@pytest.fixture(scope="module")
def proxy(folder, grpc_port):
    """The port of a proxy before one version."""
    port = free_port()
    with serving(told) as rest, running(folder, configuration(folder, rest, grpc_port, port), port):
        yield port


@pytest.fixture(scope="module")
def client(folder):
    trusted = ssl.create_default_context(cafile=folder / "certificate.pem")
    with httpx.Client(verify=trusted) as client:
        yield client


def test_a_request_reaches_the_server_without_its_token(proxy, client):
    answer = client.post(f"https://localhost:{proxy}/v1/models/reviews:predict", content=b"x" * MIB, headers=TOKEN)
    assert answer.json() == {"path": "/v1/models/reviews/labels/stable:predict", "token": None, "bytes": MIB}


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "secret"}])
def test_whoever_has_no_token_is_refused(proxy, client, headers):
    answer = client.post(f"https://localhost:{proxy}/v1/models/reviews:predict", content=b"{}", headers=headers)
    assert answer.status_code == 401
    assert answer.json() == {"error": "Give a valid token: Authorization: Bearer TOKEN"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v1/models/reviews:regress", 200),
        ("POST", "/v1/models/reviews/versions/8:predict", 200),
        ("POST", "/v1/models/reviews/labels/canary:predict", 200),
        ("GET", "/v1/models/reviews", 200),
        ("GET", "/v1/models/reviews/versions/8", 200),
        ("GET", "/v1/models/reviews/labels/stable/metadata", 200),
        ("GET", "/v1/models/reviews:predict", 403),
        ("POST", "/v1/models/reviews", 403),
        ("POST", "/v1/models/reviews:classify", 404),
        ("POST", "/v1/models/others:predict", 404),
        ("GET", "/monitoring/prometheus/metrics", 404),
        ("GET", "/v1/models/reviews/../../monitoring/prometheus/metrics", 404),
        ("GET", "/", 404),
    ],
)
def test_the_paths_of_the_model_are_open_and_no_others(proxy, client, method, path, status):
    assert client.request(method, f"https://localhost:{proxy}{path}", headers=TOKEN).status_code == status


def test_a_request_of_more_than_four_megabytes_is_refused(proxy, client):
    answer = client.post(f"https://localhost:{proxy}/v1/models/reviews:predict", content=b"x" * 5 * MIB, headers=TOKEN)
    assert answer.status_code == 413


def call(folder, port: int, method: str, message: bytes, token: str | None = SECRET) -> bytes:
    """Calls a method over gRPC with TLS."""
    trusted = grpc.ssl_channel_credentials((folder / "certificate.pem").read_bytes())
    with grpc.secure_channel(f"localhost:{port}", trusted) as channel:
        metadata = [("authorization", token)] if token else []
        return channel.unary_unary(method)(message, metadata=metadata, timeout=20)


def test_a_grpc_call_reaches_the_server_without_its_token(proxy, folder):
    assert call(folder, proxy, PREDICT, b"x" * MIB) == b"%d none" % MIB
    assert call(folder, proxy, "/tensorflow.serving.ModelService/GetModelStatus", b"x") == b"1 none"


@pytest.mark.parametrize(
    ("method", "token", "code"),
    [
        (PREDICT, None, grpc.StatusCode.UNAUTHENTICATED),
        (RELOAD, SECRET, grpc.StatusCode.UNIMPLEMENTED),
    ],
)
def test_a_grpc_call_without_a_token_or_of_another_method_is_refused(proxy, folder, method, token, code):
    with pytest.raises(grpc.RpcError) as refused:
        call(folder, proxy, method, b"x", token)
    assert refused.value.code() == code


def test_a_grpc_message_of_more_than_four_megabytes_is_refused(proxy, folder):
    with pytest.raises(grpc.RpcError, match="Received http2 header with status: 413"):
        call(folder, proxy, PREDICT, b"x" * 5 * MIB)


def test_the_canary_gets_its_share_of_requests_for_no_version(folder, grpc_port, client):
    port, share = free_port(), {"canary": 8, "canary_percent": 30}
    with serving(told) as rest, running(folder, configuration(folder, rest, grpc_port, port, **share), port):
        url = f"https://localhost:{port}/v1/models/reviews"
        paths = [client.post(f"{url}:predict", content=b"{}", headers=TOKEN).json()["path"] for _ in range(150)]
        asked = client.post(f"{url}/labels/stable:regress", content=b"{}", headers=TOKEN).json()["path"]
    counts = [paths.count(f"/v1/models/reviews/labels/{label}:predict") for label in ("stable", "canary")]
    assert sum(counts) == 150
    # Five standard deviations of 45.
    assert 17 < counts[1] < 73
    assert asked == "/v1/models/reviews/labels/stable:regress"


@pytest.mark.parametrize("percent", [0, 100])
def test_nginx_takes_any_share(folder, percent):
    path = folder / f"{percent}.conf"
    path.write_text(configuration(folder, 1, 2, 3, canary=8, canary_percent=percent))
    tested = subprocess.run([nginx(), "-t", "-p", folder, "-c", path], capture_output=True, text=True)
    assert "test is successful" in tested.stderr
