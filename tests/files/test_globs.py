"""What a glob matches, without a disk; `test_local_globs` tries the same on one."""

import math

import pytest

from beam_pipelines.files import globs


@pytest.mark.parametrize(
    ("glob", "path", "matches"),
    [
        ("s3://b/in/*.csv", "s3://b/in/a.csv", True),
        ("s3://b/in/*.csv", "s3://b/in/.a.csv", False),
        ("s3://b/in/.*.csv", "s3://b/in/.a.csv", True),
        ("s3://b/in/**", "s3://b/in/a/b/c.csv", True),
        ("s3://b/in/**", "s3://b/in/a/.b/c.csv", False),
        ("s3://b/in/**", "s3://b/in/a/.b", False),
        ("s3://b/in/**.csv", "s3://b/in/a/.csv", False),
        ("s3://b/.in/**.csv", "s3://b/.in/a/b.csv", True),
        ("in/a**", "in/ab/c", True),
        ("in/a**", "in/a/.c", False),
        ("in/a?c", "in/a/c", True),
        ("in/a+(1)|b.csv", "in/a+(1)|b.csv", True),
        ("in/[ab]*", "in/b.csv", True),
        ("*", ".a", False),
        ("*.csv", "a.csv", True),
    ],
)
def test_matcher(glob, path, matches):
    assert bool(globs.matcher(glob)(path)) is matches


@pytest.mark.parametrize(
    ("glob", "most"), [("/in/*.csv", 2), ("/in/a?b/*", 4), ("/in/[!a]", 3), ("/in/**.csv", math.inf)]
)
def test_how_deep_a_match_can_lie(glob, most):
    assert globs.most_slashes(glob) == most


def test_folders_that_hold_no_file():
    folders = ["/in/a", "/in/a/b", "/in/c", "/in"]
    assert globs.without_matches(folders, ["/in/a/b/c.csv", "/in/c.csv"]) == ["/in/c"]
    assert globs.without_matches(["s3://b/in"], ["s3://b/in/a.csv"]) == []


def test_why_a_path_cannot_be_read(tmp_path):
    (tmp_path / "gone").symlink_to("/none")
    missing = FileNotFoundError(2, "No such file or directory")
    assert globs.why_unreadable(f"{tmp_path}/gone", missing) == "is a link to /none, which does not exist"
    assert globs.why_unreadable(f"{tmp_path}/none", missing) == "cannot be read: No such file or directory"
    assert globs.why_unreadable(f"{tmp_path}/gone", PermissionError(13, "Permission denied")) == (
        "cannot be read: Permission denied"
    )
