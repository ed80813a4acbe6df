import csv
import json
import pathlib
import socket

import pytest

from benchmarks import many_extents, scale, small_files, stores
from benchmarks.bounds import Bound
from benchmarks.process import Measured
from benchmarks.workers import rate_bounds


def test_an_unknown_part_is_refused(capsys):
    with pytest.raises(SystemExit):
        scale.main(["--only=stores,speed"])
    assert "speed: there are small_files, stores, graph, totals, workers, start, threads, " in capsys.readouterr().err


def test_another_checkout_is_named(capsys):
    with pytest.raises(SystemExit):
        scale.main(["--only=earlier"])
    assert "the part earlier needs --earlier_checkout" in capsys.readouterr().err


@pytest.mark.parametrize(("value", "status"), [(1.5, 0), (1.6, 1), (float("nan"), 1)])
def test_a_bound_that_is_missed_is_told(monkeypatch, tmp_path, capsys, value, status):
    monkeypatch.setattr(scale, "RESULTS", tmp_path)
    monkeypatch.setitem(scale.PARTS, "graph", lambda place: iter([Bound("files", value, 1.5)]))
    assert scale.main(["--only=graph"]) == status
    assert ("MISSED" in capsys.readouterr().out) == bool(status)
    assert [bound["holds"] for bound in json.loads((tmp_path / "scale.json").read_text())["bounds"]] == [not status]


def test_many_files_hold_the_rows_of_one(tmp_path):
    rows = [["a - 1%", "one"], ["b - 2%", "two,\nlines"], ["c - 3%", "three"]]
    with (tmp_path / "one.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["review_title", "review_content"], *rows])
    folder = small_files.split(tmp_path / "one.csv", tmp_path / "many", 2)
    written = [list(csv.reader(path.open(newline=""))) for path in sorted(folder.iterdir())]
    assert written == [
        [["review_title", "review_content"], rows[0]],
        [["review_title", "review_content"], *rows[1:]],
    ]


def test_what_a_server_sends_is_counted():
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        stores.CountingProxy(server.getsockname()) as proxy,
        socket.create_connection(("127.0.0.1", proxy.port)) as client,
    ):
        answering, _ = server.accept()
        with answering:
            client.sendall(b"question")
            assert answering.recv(100) == b"question"
            answering.sendall(b"answer" * 1000)
        received = b"".join(iter(lambda: client.recv(10_000), b""))
    assert received == b"answer" * 1000
    assert proxy.sent == 6000


def test_extents_are_told_again_with_tokens_of_their_own(cnn, archive, tmp_path):
    from beam_pipelines import score

    output = tmp_path / "scored"
    assert score.main([f"--input={archive}", f"--model={cnn}", f"--output={output}", "--text_column=text"]) == 0
    found = many_extents.sum_up(str(output), str(cnn), 250)
    assert 0 < found["finish_seconds"] < 60
    summary = json.loads((output / "summary.json").read_text())
    assert summary["rows_read"] == 250 * 400


@pytest.mark.parametrize("job", ["score", "preprocess"])
def test_graphs_and_manifest_do_not_grow_with_the_files(cnn, tmp_path, job):
    flags = {"model": str(cnn)} if job == "score" else {"score_column": "score"}
    few, many = (
        many_extents.sizes_of_graph(job, {"text_column": "text", **flags}, str(tmp_path / str(files)), files)
        for files in (10, 1000)
    )
    assert len(few) == (2 if job == "score" else 3)
    # The steps of a graph are compressed, and hold the name of the folder and a digest.
    assert few == {name: pytest.approx(size, abs=100 if "manifest" in name else 1000) for name, size in many.items()}
    assert pathlib.Path(tmp_path, "1000", "inputs.parquet").exists()


def test_rates_are_told_by_the_clock_and_by_cpu():
    found = {
        ("one", 100): [Measured(10, 9, 1)],
        ("one", 1100): [Measured(20, 17, 1)],
        ("several", 100): [Measured(10, 18, 1)],
        ("several", 1100): [Measured(15, 27, 1)],
    }
    by_clock, by_cpu = rate_bounds("score", (100, 1100), found)
    assert by_clock.value == pytest.approx(2)
    assert by_cpu.value == pytest.approx(2 * 8 / 9)
    assert by_clock.holds
    assert not by_cpu.holds
