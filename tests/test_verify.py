"""`verify` adds up what a scoring job has written, and names what is missing or damaged."""

import json
import pathlib
import shutil

import pytest

from beam_pipelines import verify
from beam_pipelines.errors import UserError
from tests.helpers.commands import run_score
from tests.helpers.folders import contents
from tests.helpers.reviews import write_csv


@pytest.fixture(scope="module")
def whole(rows, cnn, tmp_path_factory) -> pathlib.Path:
    """Three extents, the first two with a reject."""
    from beam_pipelines.archive import extents

    folder = tmp_path_factory.mktemp("whole")
    (folder / "dump").mkdir()
    for place, name in enumerate("abc"):
        part = rows[40 * place : 40 * place + 40]
        write_csv(folder / "dump" / f"{name}.csv", [{**part[0], "text": "good" if name == "c" else ""}, *part[1:]])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(extents, "MIN_BLOCK_BYTES", 1000)
        patched.setattr(extents, "WANTED_BLOCKS", 3)
        patched.setattr(extents, "WANTED_EXTENTS", 3)
        run_score(folder / "dump", cnn, folder / "out", "--max_rejected_share=1")
    return folder / "out"


@pytest.fixture
def copied(whole, tmp_path) -> pathlib.Path:
    shutil.copytree(whole, tmp_path / "out")
    return tmp_path / "out"


def faults_of(output: pathlib.Path, capsys) -> list[str]:
    """The lines of an output that is not whole."""
    capsys.readouterr()
    with pytest.raises(UserError, match="is not whole.*--resume mends what is missing or damaged") as ended:
        verify.main([str(output)])
    assert ended.value.status == 1
    return capsys.readouterr().out.splitlines()


def nth(output: pathlib.Path, kind: str, place: int) -> pathlib.Path:
    return sorted((output / kind).iterdir())[place]


def test_what_is_whole_is_said_to_be(whole, capsys):
    before = contents(whole)
    extents = len(list((whole / "scores").iterdir()))
    assert extents >= 3
    assert verify.main([str(whole)]) == 0
    assert f"{whole} is whole: {extents} extents, 120 rows read, 118 scored, 2 rejected" in capsys.readouterr().out
    assert contents(whole) == before


@pytest.mark.parametrize(
    ("kind", "harm"),
    [
        ("scores", "cut"),
        ("scores", "another byte"),
        ("rejected", "another byte"),
        ("rejected", "gone"),
        ("scores", "gone"),
    ],
)
def test_a_damaged_file_is_named(copied, capsys, kind, harm):
    path = nth(copied, kind, 0)
    data = path.read_bytes()
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(data[:-1] if harm == "cut" else data[:-1] + bytes([data[-1] ^ 1]))
    assert faults_of(copied, capsys) == [f"{kind}/{path.name} is missing or not what was written"]


def test_missing_statistics_are_a_gap(copied, capsys):
    path = nth(copied, "statistics", -1)
    path.unlink()
    assert faults_of(copied, capsys) == [
        f"scores/{path.stem}.parquet is of no extent of the job",
        f"{path.stem}: an extent is missing, or overlaps others",
    ]


def test_statistics_that_cannot_be_read_are_named(copied, capsys):
    path = nth(copied, "statistics", 0)
    written = path.read_text()
    for harmed in ("{", written.replace('"rows_read": 40', '"rows_read": 41')):
        assert harmed != written
        path.write_text(harmed)
        told = [f"statistics/{path.name} is not what was written"]
        if (copied / "rejected" / f"{path.stem}.jsonl").exists():
            told.append(f"rejected/{path.stem}.jsonl is of no extent of the job")
        assert faults_of(copied, capsys) == told


def test_files_of_no_extent_are_named(copied, capsys):
    """Whoever reads all of a folder would read their rows too."""
    shard, statistics = nth(copied, "scores", 0), nth(copied, "statistics", 0)
    shutil.copy(shard, copied / "scores/000099-00000000-000000000000000.parquet")
    shutil.copy(shard, copied / "scores/a.parquet")
    assert faults_of(copied, capsys) == [
        "scores/000099-00000000-000000000000000.parquet is of no extent of the job",
        "scores/a.parquet is of no extent of the job",
    ]
    (copied / "scores/a.parquet").unlink()
    shutil.copy(statistics, copied / "statistics/000099-00000000-000000000000000.json")
    assert faults_of(copied, capsys) == ["statistics/000099-00000000-000000000000000.json is not what was written"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("totals/000000.json", "totals/ does not hold those of all files"),
        ("by_file/000000.parquet", "by_file/ cannot be read: "),
        ("report.html", "report.html is missing"),
    ],
)
def test_missing_totals_are_told(copied, capsys, name, told):
    if name != "report.html":
        (copied / name).write_text("{")
        assert any(fault.startswith(told) for fault in faults_of(copied, capsys))
    (copied / name).unlink()
    assert faults_of(copied, capsys)[0].startswith(told)


def test_totals_that_differ_are_told(copied, capsys):
    path = copied / "totals/000000.json"
    totals = json.loads(path.read_text())
    totals["statistics"]["score_sum"] += 1
    path.write_text(json.dumps(totals))
    [fault] = faults_of(copied, capsys)
    assert fault.startswith("totals/: score_sum is ")


def test_shards_of_another_job_do_not_count(copied, capsys, tmp_path):
    """Such as one that was still at work when its folder was taken."""
    manifest = json.loads((copied / "manifest.json").read_text())
    manifest["fingerprint"]["settings"]["explain"] = True
    (copied / "manifest.json").write_text(json.dumps(manifest))
    assert all(
        fault.endswith(("is not what was written", "is of no extent of the job")) for fault in faults_of(copied, capsys)
    )


def test_a_missing_summary_is_told(copied, capsys):
    (copied / "summary.json").write_text("{")
    told = ["summary.json is missing, or cannot be read"]
    assert faults_of(copied, capsys) == told
    (copied / "summary.json").unlink()
    assert faults_of(copied, capsys) == told


def test_sums_that_differ_are_told(copied, capsys):
    path = copied / "summary.json"
    summary = json.loads(path.read_text())
    path.write_text(json.dumps({**summary, "rows_scored": 117, "rejected_by_reason": {"empty_text": 3}}))
    assert faults_of(copied, capsys) == [
        "summary.json: rows_scored is 117, and the extents sum up to 118",
        "summary.json: rejected_by_reason is {'empty_text': 3}, and the extents sum up to {'empty_text': 2}",
    ]


def test_only_some_of_many_faults_are_shown(copied, capsys, monkeypatch):
    monkeypatch.setattr(verify, "SHOWN_FAULTS", 2)
    paths = sorted((copied / "scores").iterdir())
    for path in paths:
        path.write_bytes(b"")
    with pytest.raises(UserError, match=rf"is not whole \(of {len(paths)} faults, the first are named\)"):
        verify.main([str(copied)])
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_what_no_scoring_job_wrote_is_refused(prepared, tmp_path):
    for output in (prepared, tmp_path):
        with pytest.raises(UserError, match=f"{output} holds no output of beam_pipelines.score"):
            verify.main([str(output)])


def test_a_job_that_had_not_begun_is_told(copied):
    (copied / "inputs.parquet").unlink()
    with pytest.raises(UserError, match="has no inputs.parquet: the job was stopped before it began"):
        verify.main([str(copied)])
    (copied / "inputs.parquet").write_text("?")
    with pytest.raises(UserError, match="inputs.parquet, the list of the job's files, is damaged"):
        verify.main([str(copied)])
