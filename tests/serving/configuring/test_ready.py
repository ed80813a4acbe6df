"""The script that tells whether a server is ready, against servers that are and servers that are not."""

import json
import shutil
import socket
import subprocess

import pytest

from serving.configuring import files, service
from serving.configuring.settings import ConfigureSettings
from tests.helpers.http_servers import serving
from tests.helpers.services import made_up_version


@pytest.fixture
def script(tmp_path):
    if not shutil.which("bash"):
        pytest.skip("needs bash, as the server's image has it")
    made_up_version(tmp_path, 8)
    path = tmp_path / "ready.sh"
    path.write_text(files.render(service.find(ConfigureSettings(str(tmp_path), "out")))["ready.sh"])
    return path


def status(script, port: int) -> int:
    return subprocess.run(["bash", script, "127.0.0.1", str(port)], capture_output=True, timeout=20).returncode


def state(name: str, code: str = "OK") -> bytes:
    """The answer of TensorFlow Serving's status call."""
    status = {"error_code": code, "error_message": ""}
    return json.dumps({"model_version_status": [{"version": "8", "state": name, "status": status}]}, indent=1).encode()


@pytest.mark.parametrize(
    ("code", "body", "exits"),
    [
        (200, state("AVAILABLE"), 0),
        (200, state("LOADING"), 1),
        (200, state("END", "UNAVAILABLE"), 1),
        (404, b'{ "error": "Could not find version 8 of model reviews" }', 1),
    ],
)
def test_the_state_counts_not_the_status(script, code, body, exits):
    asked = []

    def answer(request, _):
        asked.append(request.path)
        return code, body

    with serving(answer) as port:
        assert status(script, port) == exits
    assert asked == ["/v1/models/reviews/versions/8"]


def test_a_server_that_does_not_listen_is_not_ready(script):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert status(script, free.getsockname()[1]) == 1
