import json

import pytest

from benchmarks import __main__ as bench


@pytest.mark.slow
def test_a_small_run_compares_scoring_with_the_baselines(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(bench, "RESULTS", tmp_path / "results")
    arguments = ["--reviews=300", "--mean_words=40", "--repeats=1", "--only=score"]
    assert bench.main(arguments) == 0
    found = json.loads((tmp_path / "results" / "bench.json").read_text())
    names = [one["baseline"]["name"] for one in found["comparisons"]]
    assert [name.split()[0] for name in names] == ["stock", "TF", "fastText's", "fastText's"]
    assert found["comparisons"][1]["baseline_median"] > 0
    assert [run["rows"] for run in found["runs"]] == [300, 2400, 60, 300]
    assert found["stages"][0]["seconds"].keys() >= {"read", "tokenise", "score", "write"}
    printed = capsys.readouterr().out
    assert all(name in printed for name in [*names, found["machine"]["cpu"]])


def test_an_unknown_part_is_refused(capsys):
    with pytest.raises(SystemExit):
        bench.main(["--only=score,speed"])
    assert "speed: there are score, lstm, preprocess, training, serving, scaling" in capsys.readouterr().err
