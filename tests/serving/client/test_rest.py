"""What REST alone can meet: connections that break, proxies, and answers of something else."""

import json
import re
import time

import pytest

from serving.client import DeadlineExceeded, ServingError, Unavailable
from tests.helpers.fake_failures import later, reset, says
from tests.helpers.fake_serving import outputs


def test_a_connection_that_is_reset_before_an_answer_is_tried_again(rest, open_client):
    rest.script = [reset]
    assert open_client(rest.address).score(["abc"])[0].score == 0.3
    assert len(rest.seen) == 2


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"<html>Welcome</html>", "answers what TensorFlow Serving does not: <html>Welcome</html>$"),
        (b'{"outputs": {"score": [1,', 'answers what TensorFlow Serving does not: {"outputs": {"score": \\[1,$'),
        (b'{"predictions": [1]}', 'answers what TensorFlow Serving does not: {"predictions": \\[1\\]}$'),
        (b'{"outputs": [1]}', "answers outputs without names: it serves another model$"),
        (b"[" * 100_000, r"answers what TensorFlow Serving does not: \[{500}$"),
    ],
)
def test_an_answer_of_something_else_is_an_error(rest, open_client, body, expected):
    rest.script = [says(body)]
    with pytest.raises(ServingError, match=f"^{rest.address} {expected}"):
        open_client(rest.address).score(["a"])


def test_an_answer_of_wrong_values_is_an_error(rest, open_client):
    rest.outputs = lambda texts, signature: {**outputs(texts, signature), "score": ["high"]}
    with pytest.raises(ServingError, match=r"^the server's answer is none of TensorFlow Serving's \(TypeError: must"):
        open_client(rest.address).score(["a"])


def test_the_words_of_a_proxy_are_told(rest, open_client):
    rest.script = [says(b"<h1>\r\n  Forbidden</h1>\r\n", 403)]
    with pytest.raises(ServingError, match=f"^{rest.address} answers 403: <h1> Forbidden</h1>$"):
        open_client(rest.address).score(["a"])


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_a_proxy_says_while_its_server_is_down_or_busy_is_sent_again(rest, open_client, status):
    rest.script = [says(b"<h1>Later</h1>", status)] * 2
    client = open_client(rest.address, retries=1)
    with pytest.raises(Unavailable, match=f"^{rest.address} answers {status}: <h1>Later</h1>$"):
        client.score(["abc"])
    assert client.score(["abc"])[0].score == 0.3


@pytest.mark.parametrize(
    ("status", "words"),
    [(504, "Timed out waiting for notification"), (429, "OOM when allocating tensor with shape[9]")],
)
def test_what_a_server_itself_has_no_time_or_memory_for_is_not_sent_again(rest, open_client, status, words):
    """It would take as much the next time."""
    rest.script = [says(json.dumps({"error": words}).encode(), status)]
    with pytest.raises(ServingError, match=f"^{rest.address} answers {status}: {re.escape(words)}$") as raised:
        open_client(rest.address).score(["abc"])
    assert not isinstance(raised.value, Unavailable)
    assert len(rest.seen) == 1


@pytest.mark.parametrize(
    "body",
    [b'{"error": {"code": 429, "message": "quota"}}', b'{"status": 504, "error": "Gateway Timeout", "path": "/v1"}'],
)
def test_what_a_proxy_says_in_json_is_sent_again(rest, open_client, body):
    rest.script = [says(body, 504)]
    assert open_client(rest.address).score(["abc"])[0].score == 0.3


def test_a_pause_is_no_shorter_than_the_server_asks_for(rest, open_client):
    rest.script = [later("1")]
    started = time.monotonic()
    assert open_client(rest.address).score(["abc"])[0].score == 0.3
    assert time.monotonic() - started >= 1


@pytest.mark.parametrize(("retry_after", "seconds"), [("60", 60), ("Fri, 31 Dec 1999 23:59:59 GMT", 0), ("-1", 0)])
def test_a_pause_that_goes_beyond_the_deadline_is_not_begun(rest, open_client, retry_after, seconds):
    rest.script = [later(retry_after)] * 2
    with pytest.raises(Unavailable, match="answers 429: too many requests$") as raised:
        open_client(rest.address, timeout_s=30, retries=1).score(["a"])
    assert raised.value.retry_after_s == seconds
    assert len(rest.seen) == (1 if seconds else 2)


@pytest.mark.parametrize("part", ["headers", "body"])
def test_an_answer_that_trickles_ends_at_the_deadline(rest, open_client, part):
    def trickle(handle):
        handle.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\nX: ")
        handle.wfile.write(b"\r\n\r\n" if part == "body" else b"x")
        while not rest.over.wait(0.05):
            try:
                handle.wfile.write(b" ")
            except OSError:
                break
        handle.close_connection = True
        return True

    rest.script = [trickle]
    with pytest.raises(DeadlineExceeded, match=f"^{rest.address} has not answered within 0.4 s$"):
        open_client(rest.address, timeout_s=0.4).score(["a"])


def test_the_grpc_port_is_no_rest_port(grpc_server, open_client):
    address = grpc_server.address.replace("grpc://", "http://")
    expected = f"^{address} gives no HTTP answer .*; a server's gRPC port is written grpc://HOST:PORT$"
    with pytest.raises(Unavailable, match=expected):
        open_client(address, retries=0).score(["a"])
