"""What is wrong with the archive of preprocess --unrated is told."""

import os
import pathlib
import shutil

import pytest

from beam_pipelines.archive import sample
from beam_pipelines.errors import UserError
from tests.helpers.archives import zipped
from tests.helpers.unrated import NEW, prepare, write_archives, write_csv


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> pathlib.Path:
    return write_archives(tmp_path_factory.mktemp("archives"))


def test_an_unrated_file_that_changed_is_refused(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "in")
    assert prepare(tmp_path / "in", tmp_path / "out", "--phase=count") == 0
    os.utime(tmp_path / "in/others/b.csv", (1, 1))
    with pytest.raises(UserError, match=r"--phase examples: .*/in/others/b\.csv was written again"):
        prepare(tmp_path / "in", tmp_path / "out", "--phase=examples")


@pytest.mark.parametrize(
    ("unrated", "flags", "told"),
    [
        ("none.csv", [], r"--unrated .*none\.csv matches no file"),
        ("others", ["--teacher_column=teacher"], r"others/a\.csv has no column 'teacher'; it has: id, text, judge"),
        ("other_column.csv", [], r"other_column\.csv has no column 'text'; it has: body"),
        ("others.zip", [], r"has no column 'text'; it has: body\. To read .* names: --unrated '.*others\.zip:NAME'"),
        ("", [], r"--unrated '' names no file"),
        ("folder", [], r"--unrated .*folder is a folder without a file"),
    ],
)
def test_what_is_wrong_is_told_before_any_work(folder, tmp_path, unrated, flags, told):
    write_csv(tmp_path / "in/other_column.csv", ["body"], [("a text",)])
    (tmp_path / "in/others.zip").write_bytes(zipped({"a.csv": b"body\na text\n"}))
    (tmp_path / "in/folder").mkdir()
    shutil.copytree(folder / "others", tmp_path / "in/others")
    with pytest.raises(UserError, match=told):
        prepare(folder, tmp_path / "out", *flags, f"--unrated={unrated and tmp_path / 'in' / unrated}")
    assert not (tmp_path / "out").exists()


def test_a_dirty_archive_is_stopped_before_the_work(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(sample, "WORTH_BYTES", 0)
    write_csv(tmp_path / "others.csv", ["text", "judge"], [(text, "good") for text in NEW])
    told = r"^100\.0% of 150 rows of a sample of --unrated would be rejected, most often for teacher_not_read \(150\)"
    with pytest.raises(UserError, match=told):
        prepare(folder, tmp_path / "out", "--teacher_column=judge", unrated=tmp_path / "others.csv")
    assert not (tmp_path / "out").exists()


def test_texts_that_are_all_rated_are_warned_of(folder, tmp_path, caplog):
    assert prepare(folder, tmp_path / "out", unrated=folder / "rated.csv") == 0
    assert "no text of --unrated is used, of 90 rows (rated 90)" in caplog.text
    assert not (tmp_path / "out/unrated").exists()
