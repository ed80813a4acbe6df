"""The check of a live server: a real one on loopback, and versions and models that it does not serve."""

import shutil

import pytest

from beam_pipelines.errors import UserError
from serving import check
from serving.checking import server_check
from serving.checking.export_check import RUNS
from tests.helpers.exports import version
from tests.helpers.served import served


@pytest.fixture(scope="module")
def server(cnn):
    with served(version(cnn)) as server:
        yield server


@pytest.fixture(autouse=True)
def few_runs(monkeypatch):
    monkeypatch.setattr(server_check, "RUNS", dict.fromkeys(RUNS, 3))


def arguments(server, *more) -> list[str]:
    return ["--server", server.rest, "--grpc_port", server.grpc.rpartition(":")[2], *more]


def test_a_server_of_the_export_passes_by_both_protocols(server, cnn, capsys):
    assert check.main([str(cnn), *arguments(server)]) == 0
    printed = capsys.readouterr().out
    for address in (f"http://{server.rest}", f"grpc://{server.grpc}"):
        assert f"{address} serves version {version(cnn).name}" in printed
    assert printed.count("serving_default, explain, examples, regress answer within ") == 2
    assert printed.count("a request of 32 reviews of 3") == 2


def test_another_version_is_not_served(server, cnn, tmp_path):
    other = shutil.copytree(version(cnn), tmp_path / "7")
    with pytest.raises(UserError, match=f"http://{server.rest} answers 404: .*7"):
        check.main([str(other), *arguments(server)])


def test_other_scores_than_when_exported_fail(server, cnn, trained_once, tmp_path):
    """Another model under the same number."""
    other = shutil.copytree(version(trained_once("cnn")), tmp_path / version(cnn).name)
    with pytest.raises(UserError, match=r"serving_default scores the fixed texts [\d.]+ otherwise than when the model"):
        check.main([str(other), *arguments(server)])


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--server", "nowhere"], "--server nowhere: the server 'nowhere': expected HOST:PORT"),
        (["--server", "grpc://localhost:1"], "expected the address of its REST API; --grpc_port names the other"),
        (["--server", "127.0.0.1:9"], "http://127.0.0.1:9 cannot be reached"),
    ],
)
def test_a_server_that_cannot_be_asked_is_told(cnn, flags, sentence):
    with pytest.raises(UserError, match=sentence):
        check.main([str(cnn), *flags])
