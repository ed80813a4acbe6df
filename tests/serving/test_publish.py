"""What may go live: the command, on exports that are good, damaged, better and worse."""

import csv
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from beam_pipelines.commands import job_lock
from beam_pipelines.errors import UserError
from serving import publish
from serving.checking import export_check
from serving.publishing.live_folder import LiveFolder
from tests.helpers.engines.processes import ROOT
from tests.helpers.exports import renumbered, serve, version


@pytest.fixture(scope="module")
def better(cnn):
    return version(cnn)


@pytest.fixture(scope="module")
def worse(trained_once):
    return version(trained_once("cnn"))


@pytest.fixture
def live(tmp_path):
    return tmp_path / "live"


@pytest.fixture
def numbered(tmp_path):
    return lambda folder, number: renumbered(folder, number, tmp_path / "exports")


@pytest.fixture
def unchecked(monkeypatch):
    """For what comes after the check of an export alone, which has tests of its own."""
    monkeypatch.setattr(export_check, "check", lambda export: None)


@pytest.fixture(scope="module")
def rated(rows, better, tmp_path_factory) -> str:
    """Reviews whose true scores one of the models knows."""
    path = tmp_path_factory.mktemp("fresh") / "fresh.csv"
    texts = [row["text"] for row in rows]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("text", "score"), *zip(texts, serve(better, texts)["score"], strict=True)])
    return str(path)


def test_a_good_export_goes_live_and_a_damaged_one_does_not(better, live, numbered, capsys):
    assert publish.main([numbered(better, 1), "--to", str(live)]) == 0
    assert f"version 1 is published in {live}, where 1 is live" in capsys.readouterr().out
    damaged = numbered(better, 2)
    with open(f"{damaged}/variables/variables.data-00000-of-00001", "ab") as file:
        file.write(b"x")
    with pytest.raises(
        UserError, match="not published: .*variables.data-00000-of-00001 is not the file that was expor"
    ):
        publish.main([damaged, "--to", str(live)])
    assert sorted(path.name for path in live.iterdir()) == ["1", "published.json"]


def test_what_errs_more_on_rated_reviews_is_refused_unless_forced(
    better, worse, live, numbered, rated, unchecked, capsys, caplog
):
    sample = ["--to", str(live), "--sample", rated]
    assert publish.main([numbered(worse, 1), *sample]) == 0
    assert f"{live} holds no version yet: --sample has nothing to compare this one with" in caplog.text
    assert publish.main([numbered(better, 2), *sample]) == 0
    assert "the mean score of 400 reviews was" in capsys.readouterr().out
    newer = numbered(worse, 3)
    with pytest.raises(UserError, match="not published: .* does not pass against .*/2: mean absolute error .* before"):
        publish.main([newer, *sample])
    assert publish.main([newer, *sample, "--force", "the old one is withdrawn by law"]) == 0
    assert publish.main(["--to", str(live), "--list"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert "live  forced: the old one is withdrawn by law (" in listed[-3]
    assert "of which 2 are allowed" in listed[-3]
    assert (live / "3/saved_model.pb").exists()


def test_on_unrated_reviews_scores_may_not_move_too_far(better, worse, live, numbered, rated, unchecked, tmp_path):
    texts = tmp_path / "texts.csv"
    with open(rated) as file:
        texts.write_text("".join(f"{row[0]}\n" for row in csv.reader(file)))
    publish.main([numbered(better, 1), "--to", str(live)])
    moved = numbered(worse, 2)
    with pytest.raises(UserError, match=r"of the scores lie beyond the old interval \(--max_moved_share 0.01\)"):
        publish.main([moved, "--to", str(live), "--sample", str(texts), "--max_moved_share", "0.01"])
    lax = ["--max_moved_share", "1", "--max_mean_shift", "1", "--min_rank_correlation", "-1"]
    assert publish.main([moved, "--to", str(live), "--sample", str(texts), *lax]) == 0


def test_what_a_service_pins_is_what_a_version_is_compared_with(
    better, worse, live, numbered, rated, unchecked, capsys
):
    for model, number in ((better, 1), (worse, 2)):
        publish.main([numbered(model, number), "--to", str(live)])
    LiveFolder(str(live)).pin("/srv/service", [1])
    with pytest.raises(UserError, match="not published: .* does not pass against .*/1: mean absolute error"):
        publish.main([numbered(worse, 3), "--to", str(live), "--sample", rated])
    capsys.readouterr()
    publish.main(["--to", str(live), "--list"])
    states = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()[1:]}
    assert states["1"].endswith("live, pinned in /srv/service")
    assert "live" not in states["2"]
    assert publish.main(["--to", str(live), "--unpin", "/srv/service"]) == 0
    assert capsys.readouterr().out == "/srv/service pins 1 no longer; 2 is live\n"


def test_another_scale_is_refused_without_a_sample_too(better, live, numbered, unchecked, caplog):
    publish.main([numbered(better, 1), "--to", str(live)])
    assert publish.main([numbered(better, 2), "--to", str(live)]) == 0
    assert "not compared with version 1, which is live: --sample ARCHIVE would tell which errs less" in caplog.text
    another = pathlib.Path(numbered(better, 3))
    about = another / "assets.extra/reviews.json"
    about.write_text(json.dumps(json.loads(about.read_text()) | {"score_max": 5}))
    with pytest.raises(UserError, match="not published: .*/3 scores from 0 to 5, and .*/2 from 0 to 100"):
        publish.main([str(another), "--to", str(live)])


def test_reviews_need_not_be_quoted(better, worse, live, numbered, rated, unchecked, capsys):
    publish.main([numbered(worse, 1), "--to", str(live)])
    publish.main([numbered(better, 2), "--to", str(live), "--sample", rated, "--no_text_in_reports"])
    printed = capsys.readouterr().out
    assert re.search(r"^    fresh.csv:\d+: [\d.]+ -> [\d.]+$", printed, re.MULTILINE)
    assert "number" not in printed


def test_a_live_version_that_is_damaged_can_be_followed_by_force(better, live, numbered, rated, unchecked):
    publish.main([numbered(better, 1), "--to", str(live)])
    (live / "1/variables/variables.index").write_bytes(b"")
    newer = [numbered(better, 2), "--to", str(live), "--sample", rated]
    with pytest.raises(UserError, match=r"not published: it cannot be compared with version 1, which is live"):
        publish.main(newer)
    assert publish.main([*newer, "--force", "the old one is broken"]) == 0


def test_a_wrong_flag_is_no_finding_that_could_be_forced(better, live, numbered, unchecked):
    publish.main([numbered(better, 1), "--to", str(live)])
    with pytest.raises(UserError, match="^--sample /nonexistent.csv matches no file"):
        publish.main([numbered(better, 2), "--to", str(live), "--sample", "/nonexistent.csv", "--force", "why not"])


def test_a_version_under_another_number_than_it_was_exported_with_is_refused(better, live, tmp_path):
    copy = shutil.copytree(better, tmp_path / "20300101000000")
    with pytest.raises(UserError, match=f"says that it is version {better.name}, not 20300101000000: a version keeps"):
        publish.main([str(copy), "--to", str(live)])


def test_what_is_no_export_is_listed_as_broken(better, live, numbered, unchecked, capsys):
    publish.main([numbered(better, 1), "--to", str(live)])
    (live / "2").mkdir()
    publish.main(["--to", str(live), "--list"])
    assert re.search(r"^2 +broken +.*/2 has no saved_model.pb", capsys.readouterr().out, re.MULTILINE)


def test_a_rollback_and_the_list(better, live, numbered, unchecked, capsys):
    for number in (20260101120000, 20260102120000, 20260103120000):
        publish.main([numbered(better, number), "--to", str(live), "--keep", "2"])
    assert publish.main(["--to", str(live), "--rollback"]) == 0
    assert "version 20260103120000 is withdrawn, 20260102120000 is live" in capsys.readouterr().out
    publish.main(["--to", str(live), "--list"])
    header, newest, older = capsys.readouterr().out.splitlines()
    assert header.split() == ["version", "published", "mean", "absolute", "error"]
    assert newest.split()[0] == "20260103120000"
    assert "withdrawn 20" in newest
    assert older.endswith("  live")


def test_what_is_published_already_is_not_published_again(cnn, better, tmp_path):
    trained = shutil.copytree(cnn, tmp_path / "trained")
    with pytest.raises(UserError, match=f"{version(trained)} stands in --to {trained} already"):
        publish.main([str(trained), "--to", str(trained)])


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ([], "give one of EXPORT, --list, --rollback and --unpin"),
        (["--list", "--rollback"], "give one of EXPORT, --list, --rollback and --unpin"),
        (["exports", "--force", " "], "--force needs a reason, which is kept with the version"),
        (["exports", "--keep", "0"], "--keep 0 would keep no version"),
        (["--rollback", "--keep", "1"], "--keep goes with EXPORT, not with --rollback"),
        (["--list", "--sample", "a.csv"], "--sample goes with EXPORT, not with --list"),
        (["exports", "--max_moved_share", "1"], "--max_moved_share needs --sample"),
    ],
)
def test_flags_that_say_nothing_clear_are_refused(flags, sentence, live, capsys):
    with pytest.raises(SystemExit):
        publish.main([*flags, "--to", str(live)])
    assert sentence in capsys.readouterr().err


def test_two_do_not_publish_at_once(better, live, numbered):
    with job_lock.only_job(str(live)), pytest.raises(UserError, match=f"{live} is in use by another job; wait"):
        publish.main([numbered(better, 1), "--to", str(live)])


@pytest.mark.slow
def test_a_publication_that_is_killed_leaves_nothing_that_a_server_would_take_up(better, live, numbered):
    export = numbered(better, 1)
    command = [sys.executable, "-m", "serving.publish", export, "--to", str(live)]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL)
    while not list(live.glob(".tmp/*/1/variables")):
        assert process.poll() is None
    process.kill()
    process.wait()
    assert not (live / "1").exists()
    assert publish.main([export, "--to", str(live)]) == 0
    assert (live / "1/saved_model.pb").exists()
    assert not (live / ".tmp").exists()
