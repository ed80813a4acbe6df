"""The clients against a real process, which is killed and restarted in the middle."""

import concurrent.futures
import contextlib
import subprocess
import sys

import pytest

from beam_pipelines.artifacts import exports
from serving.client import ReviewScorer, ServingError
from tests.helpers.exports import serve, version
from tests.helpers.served import served


@pytest.fixture(scope="module")
def texts(cnn):
    return [fixed.text for fixed in exports.find(str(cnn)).info.fixed_texts]


def address(server, protocol: str) -> str:
    return f"http://{server.rest}" if protocol == "rest" else f"grpc://{server.grpc}"


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_the_scores_are_those_of_the_saved_model(served_cnn, cnn, texts, protocol):
    with ReviewScorer(address(served_cnn, protocol), max_rows=5) as client:
        scores = client.score(texts)
        assert client.metadata().outputs["explain"]["points"].shape[0] == -1
        assert [status.is_available for status in client.status()] == [True]
    expected = serve(version(cnn), texts)
    for name, values in expected.items():
        assert [getattr(score, name) for score in scores] == pytest.approx(values.tolist(), rel=1e-5)


def test_both_protocols_give_the_same_explanations(served_cnn, texts):
    answers = []
    for protocol in ("rest", "grpc"):
        with ReviewScorer(address(served_cnn, protocol)) as client:
            answers.append(client.explain(texts))
    assert answers[0] == answers[1]
    assert any(answer.phrases for answer in answers[0])
    for text, answer in zip(texts, answers[0], strict=True):
        assert all(text.encode()[told.start :].startswith(told.phrase.encode()) for told in answer.phrases)
    assert all(answer.phrases == tuple(sorted(answer.phrases, key=lambda p: -abs(p.points))) for answer in answers[0])


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_a_version_that_is_not_served_is_told_in_the_servers_words(served_cnn, protocol):
    with (
        ReviewScorer(address(served_cnn, protocol), version=7) as client,
        pytest.raises(ServingError, match=r"Servable not found for request: Specific\(reviews, 7\)"),
    ):
        client.score(["a"])


def test_a_server_that_is_killed_and_restarted_is_asked_again(cnn, texts):
    with served(cnn) as server, contextlib.ExitStack() as opened:
        clients = [
            opened.enter_context(ReviewScorer(address(server, protocol), max_rows=1, retries=1000, timeout_s=90))
            for protocol in ("rest", "grpc")
        ]
        expected = [client.score(texts) for client in clients]
        streams = [client.score_each(texts) for client in clients]
        begun = [[next(stream)] for stream in streams]
        server.kill()
        with concurrent.futures.ThreadPoolExecutor() as threads:
            starting = threads.submit(server.start)
            ends = threads.map(list, streams)
            assert [first + end for first, end in zip(begun, ends, strict=True)] == expected
            starting.result()


PROGRAM = """
import asyncio, sys
from serving.client import AsyncReviewScorer
async def ask():
    async with AsyncReviewScorer(sys.argv[1], max_rows=1) as client:
        answers = await asyncio.gather(*(client.score([text]) for text in ("one", "two")))
        print(len(answers))
asyncio.run(ask())
"""


def test_tasks_share_an_async_client(served_cnn):
    for protocol in ("rest", "grpc"):
        command = [sys.executable, "-c", PROGRAM, address(served_cnn, protocol)]
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "2\n"
