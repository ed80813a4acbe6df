"""The local server as a process: its ports, its one line, the folder that it watches, and how it ends."""

import contextlib
import json
import re
import shutil
import socket
import subprocess
import sys

import httpx
import pytest

from beam_pipelines.errors import UserError
from serving import local
from tests.helpers.commands import run_command
from tests.helpers.engines.processes import wait_until
from tests.helpers.exports import version
from tests.helpers.served import START_S, served


def states(server) -> dict[str, str]:
    return {each["version"]: each["state"] for each in httpx.get(server.url).json()["model_version_status"]}


def wait_for(server, expected: dict[str, str]) -> None:
    wait_until(lambda: states(server) == expected, seconds=START_S, process=server.process, log=server.log)


def test_it_prints_its_addresses_in_one_line(cnn, served_cnn):
    (line,) = (line for line in served_cnn.printed().splitlines() if line.startswith("serving"))
    assert line == (
        f"serving reviews version {version(cnn).name}: REST http://{served_cnn.rest}/v1/models/reviews, "
        f"gRPC {served_cnn.grpc}, page http://{served_cnn.rest}/"
    )
    assert served_cnn.rest.startswith("127.0.0.1:")


@pytest.mark.slow
def test_a_folder_is_watched_and_a_killed_server_starts_again_at_its_ports(cnn, tmp_path):
    shutil.copytree(version(cnn), tmp_path / "1")
    with served(tmp_path) as server:
        assert states(server) == {"1": "AVAILABLE"}
        shutil.copytree(version(cnn), tmp_path / "aside")
        (tmp_path / "aside").rename(tmp_path / "2")
        wait_for(server, {"1": "END", "2": "AVAILABLE"})
        (tmp_path / "3").mkdir()
        (tmp_path / "3/saved_model.pb").write_bytes(b"damaged")
        wait_for(server, {"1": "END", "2": "AVAILABLE", "3": "END"})
        status = httpx.get(f"{server.url}/versions/3").json()["model_version_status"][0]["status"]
        assert status["error_code"] != "OK"
        assert "DecodeError" in status["error_message"]
        shutil.rmtree(tmp_path / "3")
        shutil.rmtree(tmp_path / "2")
        wait_for(server, {"1": "AVAILABLE", "2": "END", "3": "END"})

        before = server.rest, server.grpc
        server.kill()
        with pytest.raises(httpx.ConnectError):
            httpx.get(server.url)
        server.restart()
        assert (server.rest, server.grpc) == before
        assert states(server) == {"1": "AVAILABLE"}
        assert answer_while_it_ends(server).endswith(b'"truncated":[false]}}')


def answer_while_it_ends(server) -> bytes:
    """Has the server end while it reads a request, and returns its answer."""
    host, port = server.rest.split(":")
    body = json.dumps({"inputs": ["a"]}).encode()
    with socket.create_connection((host, int(port)), timeout=START_S) as client:
        head = f"POST /v1/models/reviews:predict HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n"
        client.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert client.recv(100).startswith(b"HTTP/1.1 100 ")
        server.process.terminate()
        wait_until(lambda: is_refused(host, int(port)), seconds=START_S, process=server.process, log=server.log)
        client.sendall(body)
        answer = b"".join(iter(lambda: client.recv(65_536), b""))
    assert server.process.wait(START_S) == 0
    assert answer.startswith(b"HTTP/1.1 200 ")
    return answer


def is_refused(host: str, port: int) -> bool:
    with contextlib.suppress(ConnectionRefusedError), socket.create_connection((host, port)):
        return False
    return True


@pytest.mark.parametrize("flag", ["--port", "--grpc_port"])
def test_a_taken_port_is_told_in_a_sentence(cnn, flag):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        sentence = f"{flag} {port} at 127.0.0.1: Address already in use; name another port, or 0 for a free one"
        with pytest.raises(UserError) as raised:
            local.main([str(cnn), "--port=0", "--grpc_port=0", flag, str(port)])
    assert str(raised.value) == sentence


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["{cnn}", "--versions=5"], "{cnn}/export/reviews holds no version 5"),
        (["s3://bucket/model"], "EXPORT s3://bucket/model is not on this machine; copy it, or let TensorFlow Serving "),
        (["{cnn}", "--host=nowhere"], "--port 0 at nowhere: .*; name another port, or 0 for a free one"),
    ],
)
def test_what_cannot_be_served_is_told_in_a_sentence(cnn, arguments, sentence):
    given = [argument.format(cnn=cnn) for argument in arguments]
    with pytest.raises(UserError, match=f"^{sentence.format(cnn=re.escape(str(cnn)))}"):
        local.main([*given, "--port=0", "--grpc_port=0"])


def test_a_version_that_does_not_load_is_not_started_with(cnn, tmp_path):
    copy = shutil.copytree(version(cnn), tmp_path / "7")
    (copy / "saved_model.pb").write_bytes(b"damaged")
    with pytest.raises(UserError, match=f"^{tmp_path}/7 does not load: DecodeError: ") as raised:
        local.main([str(copy), "--port=0", "--grpc_port=0"])
    assert raised.value.status == 1


def test_help_says_what_production_is_and_imports_nothing_slow():
    done = run_command("serving.local", "--help")
    assert done.returncode == 0
    assert "in production, TensorFlow Serving does" in done.stdout
    program = "import sys\nfrom serving import local\ntry: local.main(['-h'])\nexcept SystemExit: pass\n"
    program += "sys.exit(bool({'tensorflow', 'apache_beam', 'uvicorn', 'grpc'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", program], stdout=subprocess.DEVNULL).returncode == 0
