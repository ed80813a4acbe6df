"""How long the clients wait, and what they ask for again, over both protocols."""

import concurrent.futures
import threading

import grpc
import pytest

from serving.client import AsyncReviewScorer, DeadlineExceeded, ReviewScorer, ServingError, Unavailable
from tests.helpers.fake_failures import refuse, silent, unavailable
from tests.helpers.slow_relay import slow_relay


def test_what_a_server_is_not_available_for_is_sent_again(server, open_client):
    server.script = [unavailable, unavailable]
    assert open_client(server.address).score(["abc"])[0].score == 0.3
    assert len(server.seen) == 3


def test_a_grpc_server_without_a_free_thread_is_asked_again_and_one_without_memory_is_not(grpc_server, open_client):
    refused = (grpc.StatusCode.RESOURCE_EXHAUSTED, "Server Threadpool Exhausted")
    out_of_memory = (grpc.StatusCode.RESOURCE_EXHAUSTED, "OOM when allocating tensor")
    grpc_server.script = [refuse(429, *refused), refuse(429, *refused), lambda context: False]
    client = open_client(grpc_server.address)
    assert client.score(["abc"])[0].score == 0.3
    grpc_server.script = [refuse(429, *out_of_memory)]
    with pytest.raises(ServingError, match="OOM"):
        client.score(["abc"])
    assert len(grpc_server.seen) == 4


def test_after_the_last_retry_the_servers_words_are_told(server, open_client):
    server.script = [unavailable] * 3
    said = "503" if server.address.startswith("http") else "UNAVAILABLE"
    with pytest.raises(Unavailable, match=f"^{server.address} answers {said}: the queue is full$") as raised:
        open_client(server.address, retries=2).score(["abc"])
    assert raised.value.code == said
    assert len(server.seen) == 3


def test_what_a_server_refuses_is_not_sent_again(server, open_client):
    server.script = [refuse(400, grpc.StatusCode.INVALID_ARGUMENT, "Task size 33 is larger than maximum batch size 32")]
    said = "400" if server.address.startswith("http") else "INVALID_ARGUMENT"
    expected = f"^{server.address} answers {said}: Task size 33 is larger than maximum batch size 32$"
    with pytest.raises(ServingError, match=expected) as raised:
        open_client(server.address).score(["abc"])
    assert not isinstance(raised.value, Unavailable)
    assert len(server.seen) == 1


def test_a_call_ends_at_its_deadline(server, open_client):
    server.script = [silent(server)]
    with pytest.raises(DeadlineExceeded, match=f"^{server.address} has not answered within 0.3 s$"):
        open_client(server.address, timeout_s=0.3).score(["abc"])


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), 0, -1, 1e9])
def test_a_time_that_cannot_be_waited_for_is_refused(seconds):
    expected = f"^timeout_s is {seconds:g}; it must be above 0 s, and at most 604800 s, a week$".replace("+", r"\+")
    for kind in (ReviewScorer, AsyncReviewScorer):
        with pytest.raises(ValueError, match=expected):
            kind("127.0.0.1:1", timeout_s=seconds)


@pytest.mark.parametrize("action", [unavailable, None])
def test_closing_ends_what_waits_in_other_threads(server, action):
    asked = threading.Event()

    def asking(handle):
        asked.set()
        return (action or silent(server))(handle)

    server.script = [asking] * 100
    client = ReviewScorer(server.address, timeout_s=60, retries=100)
    with concurrent.futures.ThreadPoolExecutor() as threads:
        waiting = threads.submit(client.score, ["a"])
        assert asked.wait(30)
        client.close()
        with pytest.raises((ServingError, ValueError), match="closed|CANCELLED"):
            waiting.result(timeout=30)


def test_a_closed_client_says_so(rest):
    client = ReviewScorer(rest.address)
    client.close()
    client.close()
    with pytest.raises(ServingError, match=f"^the client of {rest.address} is closed$"):
        client.score(["a"])


def test_retries_do_not_outlast_the_deadline(server, open_client):
    server.script = [unavailable] * 1000
    with pytest.raises((Unavailable, DeadlineExceeded)):
        open_client(server.address, timeout_s=0.5, retries=1000).score(["abc"])
    assert len(server.seen) < 20


def test_a_server_that_is_not_there(server, open_client, unused_port):
    scheme = server.address.partition(":")[0]
    with pytest.raises(Unavailable, match=f"^{scheme}://127.0.0.1:{unused_port} .*[Cc]onnect"):
        open_client(f"{scheme}://127.0.0.1:{unused_port}", retries=1).score(["abc"])


def test_a_server_may_take_its_time_to_take_a_connection(server, open_client):
    scheme, _, port = server.address.rpartition(":")
    with slow_relay(int(port), pause_s=0.5) as slow:
        (answer,) = open_client(f"{scheme}:{slow}", retries=0).score(["one"])
    assert answer.score == 0.3
