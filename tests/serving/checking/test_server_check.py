"""The check of a live server: a real one on loopback, and versions and models that it does not serve."""

import shutil

import pytest

from beam_pipelines.errors import UserError
from serving import check
from serving.checking import server_check
from tests.helpers.exports import version
from tests.helpers.served import served


@pytest.fixture(autouse=True)
def few_runs(monkeypatch):
    monkeypatch.setattr(server_check, "RUNS", {1: 3, 32: 3})


def arguments(server, *more) -> list[str]:
    return ["--server", server.rest, "--grpc_port", server.grpc.rpartition(":")[2], *more]


def test_a_server_of_the_export_passes_by_both_protocols(served_cnn, cnn, capsys):
    assert check.main([str(cnn), *arguments(served_cnn)]) == 0
    printed = capsys.readouterr().out
    for address in (f"http://{served_cnn.rest}", f"grpc://{served_cnn.grpc}"):
        assert f"{address} serves version {version(cnn).name}" in printed
    assert printed.count("serving_default, explain, examples, regress answer within ") == 2
    assert printed.count("a request of 32 reviews of 3") == 2


def test_another_version_is_not_served(served_cnn, cnn, tmp_path):
    other = shutil.copytree(version(cnn), tmp_path / "7")
    with pytest.raises(UserError, match=f"http://{served_cnn.rest} does not serve 7, but {version(cnn).name}"):
        check.main([str(other), *arguments(served_cnn)])


def test_other_scores_than_when_exported_fail(served_cnn, cnn, trained_once, tmp_path):
    """Another model under the same number."""
    other = shutil.copytree(version(trained_once("cnn")), tmp_path / version(cnn).name)
    with pytest.raises(UserError, match=r"serving_default scores the fixed texts [\d.]+ otherwise than when the model"):
        check.main([str(other), *arguments(served_cnn)])


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--server", ""], "--server : the server '': expected HOST:PORT"),
        (["--server", "nowhere"], "--server nowhere: the server 'nowhere': expected HOST:PORT"),
        (["--server", "grpc://localhost:1"], "expected the address of its REST API; --grpc_port names the other"),
        (["--server", "127.0.0.1:9"], "http://127.0.0.1:9 cannot be reached"),
    ],
)
def test_a_server_that_cannot_be_asked_is_told(cnn, flags, sentence):
    with pytest.raises(UserError, match=sentence):
        check.main([str(cnn), *flags])


def test_a_label_is_asked_for_as_clients_do(cnn, trained_once, tmp_path, capsys):
    both = [version(cnn), version(trained_once("cnn"))]
    old, new = [shutil.copytree(folder, tmp_path / folder.name) for folder in both]
    labels = f"--labels=stable={old.name},canary={new.name}"
    with served(tmp_path, f"--versions={old.name},{new.name}", labels) as server:
        assert check.main([str(old), *arguments(server, "--version_label=stable")]) == 0
        assert capsys.readouterr().out.count(f" serves version {old.name}") == 2
        with pytest.raises(UserError, match=f"the label stable names version {old.name}, not {new.name}"):
            check.main([str(new), *arguments(server, "--version_label=stable")])
        with pytest.raises(UserError, match="400.*label"):
            check.main([str(new), *arguments(server, "--version_label=none")])


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--report", "gate.html"], "--report needs --against and --sample"),
        (["--max_moved_share", "1"], "--max_moved_share needs --against and --sample"),
        (["--grpc_port", "0"], "--grpc_port needs --server"),
        (["--version_label", "stable"], "--version_label needs --server"),
        (["--server", "localhost:1", "--verbose"], "--verbose tells of an export; it has no use with --server"),
        (["--against", "old"], "--against OLD and --sample ARCHIVE go together"),
        (["--agianst", "old", "--sample", "a.csv"], "unknown argument --agianst; did you mean --against?"),
        (["other"], "unknown argument other\n"),
    ],
)
def test_a_flag_that_would_change_nothing_is_refused(flags, sentence, capsys):
    with pytest.raises(SystemExit):
        check.main(["trained", *flags])
    assert sentence in capsys.readouterr().err
