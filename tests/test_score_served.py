"""A job that a server scores for: as if this machine had, whatever becomes of the server."""

import concurrent.futures
import json
import os
import signal
import sys

import pandas as pd
import pytest

from beam_pipelines import score, verify
from beam_pipelines.artifacts import exports
from beam_pipelines.errors import UserError
from beam_pipelines.scoring.engines import patience
from serving.client import retries
from tests.helpers import fake_failures, fake_serving
from tests.helpers.engines.processes import ROOT, running, wait_until
from tests.helpers.exports import version
from tests.helpers.reviews import write_csv
from tests.helpers.served import served

COLUMNS = ["score", "score_low", "score_high"]


@pytest.fixture(scope="module")
def dump(tmp_path_factory, rows):
    """Some dozens of extents, with rows that cannot be scored."""
    many = [{**row, "id": f"{row['id']}-{copy}", "text": f"{row['text']} {copy}"} for copy in range(8) for row in rows]
    many = [{**row, "text": "" if place % 97 == 0 else row["text"]} for place, row in enumerate(many)]
    return write_csv(tmp_path_factory.mktemp("dump") / "reviews.csv", many)


@pytest.fixture(autouse=True)
def small_extents(monkeypatch):
    from beam_pipelines.archive import extents

    monkeypatch.setattr(extents, "MIN_BLOCK_BYTES", 20_000)
    monkeypatch.setattr(extents, "WANTED_BLOCKS", 1 << 30)
    monkeypatch.setattr(extents, "WANTED_EXTENTS", 40)


def run(dump, model, output, *flags: str) -> int:
    given = ["--input", str(dump), "--model", str(model), "--output", str(output), "--text_column=text"]
    return score.main([*given, "--id_column=id", "--max_rejected_share=1", *flags])


def shards(output) -> list:
    return sorted((output / "scores").glob("*"))


def summary(output) -> dict:
    return json.loads((output / "summary.json").read_text())


@pytest.fixture(scope="module")
def here(dump, cnn, tmp_path_factory):
    """What this machine scores."""
    from beam_pipelines.archive import extents

    output = tmp_path_factory.mktemp("here") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(extents, "MIN_BLOCK_BYTES", 20_000)
        patch.setattr(extents, "WANTED_BLOCKS", 1 << 30)
        patch.setattr(extents, "WANTED_EXTENTS", 40)
        assert run(dump, cnn, output) == 0
    return output


def assert_same(output, here, cnn) -> None:
    """The same rows in the same shards, with scores that are equal within the tolerance."""
    assert [path.name for path in shards(output)] == [path.name for path in shards(here)]
    found, expected = (pd.read_parquet(folder / "scores") for folder in (output, here))
    within = exports.SERVER_TOLERANCE * exports.find(str(cnn)).info.scale.span
    assert found[COLUMNS].to_numpy() == pytest.approx(expected[COLUMNS].to_numpy(), abs=within)
    pd.testing.assert_frame_equal(found.drop(columns=COLUMNS), expected.drop(columns=COLUMNS))
    assert [path.read_bytes() for path in sorted((output / "rejected").glob("*"))] == [
        path.read_bytes() for path in sorted((here / "rejected").glob("*"))
    ]
    for name in ("rows_read", "rows_scored", "rejected_by_reason", "unknown_tokens"):
        assert summary(output)[name] == summary(here)[name]
    assert verify.main([str(output)]) == 0


def test_its_output_is_that_of_this_machine_and_says_who_scored(served_cnn, dump, cnn, here, tmp_path):
    number = exports.find(str(cnn)).version
    assert run(dump, cnn, tmp_path / "out", f"--server={served_cnn.rest}", f"--model_version={number}") == 0
    assert_same(tmp_path / "out", here, cnn)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["engines"] == ["server"]
    told = {name: manifest["server"][name] for name in ("address", "model_name", "version")}
    assert told == {"address": served_cnn.rest, "model_name": "reviews", "version": number}
    with pytest.raises(UserError, match="the job in .* was another one: settings server is gone"):
        run(dump, cnn, tmp_path / "out", "--resume")


def test_a_rehearsal_asks_the_server_and_writes_nothing(dump, cnn, tmp_path, capsys):
    with fake_serving.rest() as server:
        server.outputs = fake_serving.outputs_of(version(cnn))
        assert run(dump, cnn, tmp_path / "out", f"--server={server.address}", "--dry_run") == 0
    assert "with the engine server\n" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_server_that_is_killed_in_the_middle_is_waited_for(dump, cnn, here, tmp_path):
    output = tmp_path / "out"
    with served(cnn) as server, concurrent.futures.ThreadPoolExecutor() as threads:
        slow = ["--server_in_flight=1", "--server_max_rows=2"]
        running = threads.submit(run, dump, cnn, output, f"--server=grpc://{server.grpc}", *slow)
        wait_until(lambda: running.done() or shards(output), seconds=60, process=server.process, log=server.log)
        server.kill()
        assert not running.done()
        server.start()
        assert running.result(timeout=120) == 0
    assert_same(output, here, cnn)


def test_a_server_that_is_lost_behind_a_proxy_is_waited_for(dump, cnn, here, tmp_path, monkeypatch):
    monkeypatch.setattr(retries, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(patience, "PAUSE_S", 0.01)
    output = tmp_path / "out"
    with fake_serving.rest() as server:
        answer = fake_serving.outputs_of(version(cnn))
        # What nginx answers while what it stands before is killed and starts again.
        down = [fake_failures.says(b"<h1>502 Bad Gateway</h1>", 502)] * 50

        def killed_after_a_shard(texts, signature):
            if shards(output) and down:
                server.script = [down.pop() for _ in range(50)]
            return answer(texts, signature)

        server.outputs = killed_after_a_shard
        assert run(dump, cnn, output, f"--server={server.address}", "--server_in_flight=1") == 0
        assert (down, server.script) == ([], [])
    assert_same(output, here, cnn)


@pytest.fixture
def interruptible():
    """A process ignores Ctrl-C where the one that starts it does, as in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interruption_ends_a_job_that_waits_for_a_lost_server(interruptible, dump, cnn, tmp_path):
    output, log = tmp_path / "out", tmp_path / "log"
    command = [sys.executable, "-m", "beam_pipelines.score", "--input", dump, "--model", cnn, "--output", output]
    with fake_serving.rest() as server:
        answer = fake_serving.outputs_of(version(cnn))

        def lost_after_the_proof(texts, signature):
            server.script = [fake_failures.unavailable] * 1_000_000
            return answer(texts, signature)

        server.outputs = lost_after_the_proof
        flags = ["--text_column=text", f"--server={server.address}", "--server_wait_s=3600"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with running(log, *command, *flags, env=environment, cwd=tmp_path) as process:
            wait_until(lambda: "waiting up to 3600 s" in log.read_text(), seconds=120, process=process, log=log)
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=60) == 130
    expected = "interrupted; with --resume and without --overwrite, the same command goes on from here\n"
    assert log.read_text().endswith(expected)


def test_a_server_that_stays_lost_ends_the_job_which_goes_on_later(dump, cnn, here, tmp_path, monkeypatch):
    monkeypatch.setattr(retries, "FIRST_PAUSE_S", 0.01)
    output = tmp_path / "out"
    with fake_serving.rest() as server:
        answer = fake_serving.outputs_of(version(cnn))

        def lost_after_a_shard(texts, signature):
            if shards(output):
                server.script = [fake_failures.unavailable] * 1_000_000
            return answer(texts, signature)

        server.outputs = lost_after_a_shard
        flags = [f"--server={server.address}", "--server_in_flight=1", "--server_wait_s=0.2"]
        expected = "the job has waited 0.2 s for it .* the same command with --resume and without --overwrite"
        with pytest.raises(UserError, match=expected):
            run(dump, cnn, output, *flags)
        done = {path: path.stat().st_mtime_ns for path in shards(output)}
        assert 0 < len(done) < len(shards(here))
        server.outputs, server.script = answer, []
        assert run(dump, cnn, output, *flags, "--resume") == 0
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert_same(output, here, cnn)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--server_wait_s=3"], "--server_wait_s says how a server is asked; give --server too\n"),
        (["--server=a:1", "--engine=compiled"], "--server scores in the place of an --engine; give one of them\n"),
        (
            ["--server=a:1", "--server_timeout_s=nan"],
            "--server_timeout_s is nan; it must be above 0 s, and at most 604800 s, a week\n",
        ),
        (
            ["--server=a:1", "--server_wait_s=inf"],
            "--server_wait_s is inf; it must be above 0 s, and at most 604800 s, a week\n",
        ),
        (
            ["--server=a:1", "--server_wait_s=0"],
            "--server_wait_s is 0; it must be above 0 s, and at most 604800 s, a week\n",
        ),
        (["--server=a:1", "--server_in_flight=0"], "--server_in_flight is 0; it must be at least 1\n"),
    ],
)
def test_flags_that_contradict_each_other_are_refused(dump, cnn, tmp_path, flags, expected, capsys):
    with pytest.raises(SystemExit):
        run(dump, cnn, tmp_path / "out", *flags)
    assert capsys.readouterr().err.endswith(expected)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--server=a:1", "--model_version=7"], "^--model_version 7 is not that of --model .*; name the folder of the"),
        (["--server=grpc://a"], "^--server grpc://a: the server 'grpc://a': expected HOST:PORT"),
        (["--server=a:1", "--server_token_file=/none"], "^--server a:1: the file of the token, /none, cannot be read"),
    ],
)
def test_what_can_be_mended_is_told_before_anything_is_scored(dump, cnn, tmp_path, flags, expected):
    with pytest.raises(UserError, match=expected):
        run(dump, cnn, tmp_path / "out", *flags)
    assert not (tmp_path / "out" / "scores").exists()
