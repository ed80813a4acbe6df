"""How jobs scale is told of warm ones."""

from benchmarks import process, scaling
from benchmarks.workplace import Workplace


def test_each_job_runs_once_before_it_is_measured(tmp_path, monkeypatch):
    """The first job on a machine compiles, which a small archive would be blamed for."""
    ran = []

    def run(module, **flags):
        ran.append(module)
        return process.Measured(1, 1, 1)

    monkeypatch.setattr(process, "run", run)
    monkeypatch.setattr(Workplace, "trained", lambda place, model: tmp_path / model)
    monkeypatch.setattr(Workplace, "archive", lambda place, rows: tmp_path / f"{rows}.csv")
    place = Workplace(tmp_path, reviews=160, mean_words=10, vectors="", repeats=1)
    found = scaling.measure(place)
    assert len(ran) == len(found) + 2
    assert len(place.runs) == len(found)
