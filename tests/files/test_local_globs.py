"""Local globs match what Beam's own file systems match, without Beam, but for dots and links."""

import os
import pathlib
import subprocess
import sys

import pytest
from apache_beam.io import localfilesystem
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beam_pipelines.files import storage

FILES = [
    "a.csv",
    "b.csv",
    ".hidden.csv",
    "c.tsv",
    "1.csv",
    "[1].csv",
    "!.csv",
    "^.csv",
    "new\nline.csv",
    "back\\slash.csv",
    "deep/d.csv",
    "deep/er/e.csv",
    "deep/.er/f.csv",
    ".cache/g.csv",
    "deep.csv/h.csv",
]
AT_TOP = ["a.csv", "b.csv", "1.csv", "[1].csv", "!.csv", "^.csv", "new\nline.csv"]
BELOW = ["deep/d.csv", "deep/er/e.csv", "deep.csv/h.csv", "folder/i.csv"]


@pytest.fixture
def tree(tmp_path) -> pathlib.Path:
    """A folder of files, with links to a file, to a folder and to nothing."""
    for name in FILES:
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(name.encode())
    (tmp_path / "in/empty").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/i.csv").write_bytes(b"i")
    (tmp_path / "in/link.csv").symlink_to(tmp_path / "elsewhere/i.csv")
    (tmp_path / "in/folder").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in/broken.csv").symlink_to(tmp_path / "nothing")
    return tmp_path / "in"


def matched(tree: pathlib.Path, glob: str) -> list[str]:
    return sorted(os.path.relpath(path, tree) for path in storage.match(glob.format(tree=tree)).files)


@pytest.mark.parametrize(
    ("glob", "expected"),
    [
        pytest.param("*.csv", [*AT_TOP, "link.csv"], id="a star stays in its folder"),
        pytest.param("**.csv", [*AT_TOP, "link.csv", "back\\slash.csv", *BELOW], id="two stars go down"),
        pytest.param("**/*.csv", BELOW, id="two stars and a slash need a folder"),
        pytest.param("deep**", ["deep/d.csv", "deep/er/e.csv", "deep.csv/h.csv"], id="from a prefix"),
        pytest.param("*/*.csv", ["deep/d.csv", "deep.csv/h.csv", "folder/i.csv"], id="a star for a folder"),
        pytest.param("deep/*", ["deep/d.csv"], id="a star takes files and no folders"),
        pytest.param("folder/*", ["folder/i.csv"], id="a link to a folder that the glob names is followed"),
        pytest.param("f*/*.csv", ["folder/i.csv"], id="and one that the glob finds"),
        pytest.param("?.csv", ["a.csv", "b.csv", "1.csv", "!.csv", "^.csv"], id="one letter"),
        pytest.param("deep?d.csv", ["deep/d.csv"], id="one letter may be a slash"),
        pytest.param("[ab].csv", ["a.csv", "b.csv"], id="a class"),
        pytest.param("[a-c].csv", ["a.csv", "b.csv"], id="a range"),
        pytest.param("[!a-z].csv", ["1.csv", "!.csv", "^.csv"], id="all but a range"),
        pytest.param("[^a].csv", ["a.csv", "^.csv"], id="a caret is a letter"),
        pytest.param("deep[!x]d.csv", ["deep/d.csv"], id="all but a letter may be a slash"),
        pytest.param("[[]1].csv", ["[1].csv"], id="a bracket in a class"),
        pytest.param("[1].csv", ["1.csv"], id="a class wins over the name"),
        pytest.param("*[1*", ["[1].csv"], id="an open bracket is a letter"),
        pytest.param("[*].csv", [], id="a star in a class is a letter"),
        pytest.param("a.csv", ["a.csv"], id="a name"),
        pytest.param("link.csv", ["link.csv"], id="a link"),
        pytest.param("broken.csv", [], id="a link to nothing"),
        pytest.param("none.csv", [], id="no such file"),
        pytest.param("none/*.csv", [], id="no such folder"),
        pytest.param("a.csv/*", [], id="a file as a folder"),
        pytest.param("empty/*", [], id="an empty folder"),
        pytest.param("back*", [], id="a star matches no backslash"),
        pytest.param("new*.csv", ["new\nline.csv"], id="a star matches a newline"),
        pytest.param("*.CSV", [], id="case counts"),
        pytest.param(".*", [".hidden.csv"], id="a dot is a dot"),
        pytest.param("*hidden.csv", [], id="a star does not match the dot that a name begins with"),
        pytest.param("**hidden.csv", [], id="nor do two"),
        pytest.param("?hidden.csv", [], id="nor does one letter"),
        pytest.param("[.]hidden.csv", [], id="nor does a class"),
        pytest.param(".c*/*.csv", [".cache/g.csv"], id="a folder with a dot that is named"),
        pytest.param("deep/.er/**", ["deep/.er/f.csv"], id="what is below one"),
        pytest.param("deep/**", ["deep/d.csv", "deep/er/e.csv"], id="two stars enter none"),
        pytest.param("**/.er/*", ["deep/.er/f.csv"], id="but find one that is named"),
    ],
)
def test_which_files_match(tree, glob, expected):
    assert matched(tree, f"{tree}/{glob}") == sorted(expected)


def test_a_match_tells_size_and_time(tree):
    [(path, (size, modified))] = storage.match(f"{tree}/a.*").files.items()
    assert (path, size) == (f"{tree}/a.csv", 5)
    assert modified == (tree / "a.csv").stat().st_mtime
    assert storage.match(f"{tree}/a.csv") == storage.match(f"{tree}/a.*")


@pytest.mark.parametrize(("glob", "expected"), [("./*.tsv", ["./c.tsv"]), ("deep/*", ["deep/d.csv"]), ("*.tsv", [])])
def test_a_relative_glob_needs_a_folder(tree, monkeypatch, glob, expected):
    monkeypatch.chdir(tree)
    assert list(storage.match(glob).files) == expected


pieces = st.sampled_from(["*", "**", "?", "[", "]", "!", "^", "-", "a", "d", ".", "/", "\\", "deep", ".csv", "er", "1"])


@pytest.mark.filterwarnings("ignore:Possible :FutureWarning")
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(pieces, min_size=1, max_size=8).map("".join))
def test_any_glob_matches_what_it_matches_through_beam(tree, glob):
    """Beam's rules are the ground that those of globs stand on."""
    # At the end, Beam takes a backslash for that of a folder.
    glob = glob.rstrip("\\")
    try:
        [result] = localfilesystem.LocalFileSystem(None).match([f"{tree}/{glob}"])
    except Exception:  # A range that ends before it starts is no regular expression, and matches nothing here.
        assert "-" in glob
        return
    through_beam = {entry.path: (entry.size_in_bytes, entry.last_updated_in_seconds) for entry in result.metadata_list}
    through_beam = {path: status for path, status in through_beam.items() if os.path.isfile(path)}
    found = storage.match(f"{tree}/{glob}").files
    # Links to folders are followed here, and dots only where a glob has them.
    linked = {path for path in found if "/folder/" in path}
    hidden = {path for path in through_beam if "/." in path[len(str(tree)) :]}
    assert {os.path.basename(path) for path in linked} <= {"i.csv"}
    assert found.keys() - linked | hidden == through_beam.keys()
    assert found.items() - {(path, found[path]) for path in linked} <= through_beam.items()
    if "." not in glob:
        assert not hidden & found.keys()


def test_a_range_that_ends_before_it_starts_matches_nothing(tree):
    assert matched(tree, f"{tree}/[b-a].csv") == []


LOCAL_ACCESS = """
import sys
from beam_pipelines.files import leases, storage

root = sys.argv[1]
storage.write_bytes(root, "a/b.txt", b"text")
storage.write_json(root, "c.json", {})
assert storage.read_bytes(root + "/a/b.txt") == b"text"
assert storage.read_json(root + "/c.json") == {}
assert storage.exists(root + "/a")
assert storage.listing(root) == ["a/b.txt", "c.json"]
assert list(storage.match(root + "/**.txt").files) == [root + "/a/b.txt"]
assert storage.absolute(root) == root
with storage.local_copy(root) as folder:
    assert folder == root
storage.delete(root, ["a/b.txt"])
leases.clear_temporary(root)
assert not sys.modules.keys() & {"apache_beam", "beam_pipelines.files.object_stores"}
"""


def test_local_files_need_no_beam(tmp_path):
    """Beam takes a second to load, and knows nothing of local files that the operating system does not."""
    subprocess.run([sys.executable, "-c", LOCAL_ACCESS, str(tmp_path / "job")], check=True)
