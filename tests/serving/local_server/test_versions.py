"""Which versions are served while folders come and go, with a loader that only notes what it loads."""

import pathlib

import pytest

from serving.local_server.failures import Failure
from serving.local_server.servable import Servable
from serving.local_server.versions import Versions


class Folder:
    """A folder of versions, and the versions of it that are served.

    Attributes:
      seen: The states of all versions at each load, by number.
    """

    def __init__(self, path: pathlib.Path, **options):
        self.path = path
        self.seen: list[dict[int, str]] = []
        self.versions = Versions("reviews", path, self._load, **options)

    def _load(self, folder: pathlib.Path) -> Servable:
        self.seen.append(self.states())
        if (folder / "saved_model.pb").read_text() == "damaged":
            raise OSError("it is damaged")
        return Servable(int(folder.name), None, {}, None)

    def put(self, name: str, content: str = "") -> None:
        (self.path / name).mkdir(exist_ok=True)
        (self.path / name / "saved_model.pb").write_text(content)
        self.versions.refresh()

    def take(self, name: str) -> None:
        (self.path / name / "saved_model.pb").unlink()
        (self.path / name).rmdir()
        self.versions.refresh()

    def states(self) -> dict[int, str]:
        return {number: status.state for number, status in self.versions.statuses.items()}


@pytest.fixture
def folder(tmp_path) -> Folder:
    return Folder(tmp_path)


def test_the_newest_is_served_and_the_older_goes_once_it_can_answer(folder):
    folder.put("9")
    folder.put("10")
    assert folder.states() == {9: "END", 10: "AVAILABLE"}
    assert folder.seen == [{9: "LOADING"}, {9: "AVAILABLE", 10: "LOADING"}]
    assert folder.versions.find("reviews").version == 10


def test_what_is_older_or_no_version_is_not_loaded(folder):
    for name in ("2", "1", "x", "-3", "²", "9999999999999999999"):
        folder.put(name)
    (folder.path / "4").mkdir()
    folder.versions.refresh()
    assert folder.states() == {2: "AVAILABLE"}
    assert len(folder.seen) == 1


def test_a_newest_that_is_taken_away_gives_back_the_one_before(folder):
    folder.put("1")
    folder.put("2")
    folder.take("2")
    assert folder.states() == {1: "AVAILABLE", 2: "END"}
    folder.take("1")
    with pytest.raises(Failure, match=r"^Servable not found for request: Latest\(reviews\)$") as raised:
        folder.versions.find("reviews")
    assert raised.value.code == "NOT_FOUND"


def test_one_that_does_not_load_leaves_the_one_before_and_is_tried_again_when_it_changes(folder):
    folder.put("1")
    folder.put("2", "damaged")
    folder.versions.refresh()
    assert folder.versions.find("reviews").version == 1
    assert folder.versions.statuses[2].error == "OSError: it is damaged"
    assert len(folder.seen) == 2
    folder.put("2", "mended")
    assert folder.states() == {1: "END", 2: "AVAILABLE"}


def test_pinned_versions_stand_beside_each_other_and_labels_name_them(tmp_path):
    folder = Folder(tmp_path, pinned=[1, 2], labels={"stable": 1, "gone": 7})
    for name in ("1", "2", "3"):
        folder.put(name)
    assert folder.states() == {1: "AVAILABLE", 2: "AVAILABLE"}
    find = folder.versions.find
    assert [find("reviews").version, find("reviews", 1).version, find("reviews", label="stable").version] == [2, 1, 1]
    with pytest.raises(Failure, match=r"^Servable not found for request: Specific\(reviews, 7\)$"):
        find("reviews", label="gone")


@pytest.mark.parametrize(
    ("asked", "code", "message"),
    [
        (("",), "INVALID_ARGUMENT", "ModelSpec has no name specified."),
        (("other",), "NOT_FOUND", r"Servable not found for request: Latest\(other\)"),
        (("reviews", 5), "NOT_FOUND", r"Servable not found for request: Specific\(reviews, 5\)"),
        (("reviews", None, "new"), "INVALID_ARGUMENT", "Unrecognized servable version label: new"),
    ],
)
def test_what_is_not_served_is_told_as_tensorflow_serving_tells_it(folder, asked, code, message):
    folder.put("1")
    with pytest.raises(Failure, match=f"^{message}$") as raised:
        folder.versions.find(*asked)
    assert raised.value.code == code
