"""A folder of versions as a server sees it: whole versions or none, and numbers that grow."""

import json
import pathlib
import shutil

import pytest

from beam_pipelines.artifacts import exports
from beam_pipelines.errors import UserError
from beam_pipelines.files import storage
from serving.publishing import live_folder, publication
from serving.publishing.live_folder import LiveFolder
from tests.helpers.exports import version


@pytest.fixture
def numbered(cnn, tmp_path):
    """Makes exports that differ in their number alone."""

    def make(number: int) -> exports.Export:
        return exports.find(str(shutil.copytree(version(cnn), tmp_path / "made" / str(number))))

    return make


@pytest.fixture
def folder(tmp_path) -> LiveFolder:
    return LiveFolder.of(str(tmp_path / "live"))


def test_a_version_appears_under_its_number_with_all_its_files(numbered, folder):
    export = numbered(20260101120000)
    folder.add(export)
    assert folder.versions == [20260101120000]
    assert folder.live == 20260101120000
    published = folder.export(folder.live)
    assert published.info == export.info
    assert export.info.changed_files(published.path) == []
    assert {name.partition("/")[0] for name in storage.listing(folder.path)} == {"20260101120000", "published.json"}


def test_what_is_known_of_a_version_is_kept(numbered, folder, cnn):
    folder.add(numbered(5), forced="the archive is new")
    known = folder.publication(5)
    metrics = json.loads((cnn / "metrics.json").read_text())
    assert (known.mae, known.mae_split, known.forced) == (metrics["test"]["mae"], "test", "the archive is new")


def test_a_number_that_is_not_greater_than_all_before_is_refused(numbered, folder):
    export = numbered(7)
    folder.add(export)
    folder.add(numbered(8))
    folder.withdraw()
    with pytest.raises(UserError, match="version 6 is no newer than 8, which .*/live has or had"):
        folder.refuse_older(numbered(6))
    with pytest.raises(UserError, match="version 7 is in .*/live already"):
        folder.refuse_older(export)
    with pytest.raises(UserError, match="version 8 was withdrawn from .*; to bring it back, move .*/withdrawn/8 to"):
        folder.refuse_older(exports.find(f"{folder.path}/withdrawn/8"))


def test_what_a_server_would_take_for_the_newest_is_no_older(numbered, folder):
    """A server looks at numbers alone, whatever lies there."""
    folder.add(numbered(7))
    pathlib.Path(folder.path, "99").mkdir()
    assert folder.versions == [7, 99]
    with pytest.raises(UserError, match="version 8 is no newer than 99"):
        folder.refuse_older(numbered(8))


def test_a_rollback_takes_the_newest_out_of_a_server_s_sight(numbered, folder):
    folder.add(numbered(1))
    folder.add(numbered(2))
    assert folder.withdraw() == 2
    assert (folder.versions, folder.withdrawn) == ([1], [2])
    assert folder.publication(2).withdrawn
    with pytest.raises(UserError, match=r"has no earlier version to go back to, but \[1\]"):
        folder.withdraw()


def test_old_versions_are_deleted(numbered, folder):
    for number in (1, 2, 3):
        folder.add(numbered(number))
    pathlib.Path(folder.path, "4").mkdir()  # No version that could be kept.
    assert folder.prune(5) == []
    assert folder.prune(2) == [1]
    assert folder.versions == [2, 3, 4]
    assert not storage.listing(f"{folder.path}/1")


def test_what_was_withdrawn_is_deleted_with_the_versions_of_its_age(numbered, folder):
    for number in (1, 2):
        folder.add(numbered(number))
    folder.withdraw()
    folder.add(numbered(3))
    assert folder.prune(1) == [1, 2]
    assert not pathlib.Path(folder.path, "withdrawn").exists()


def test_a_copy_that_was_changed_on_the_way_does_not_appear(numbered, folder):
    export = numbered(3)
    with open(f"{export.path}/assets/vocabulary.txt", "a") as file:
        file.write("more\n")
    with pytest.raises(UserError, match="made/3/assets/vocabulary.txt is not the file that was exported"):
        folder.add(export)
    assert storage.listing(folder.path) == ["published.json"]
    assert folder.publications() == {}


def test_what_a_service_pins_stays(numbered, folder):
    for number in (1, 2, 3):
        folder.add(numbered(number))
    folder.pin("/srv/service", [1, 3])
    assert folder.prune(1) == [2]
    with pytest.raises(
        UserError, match="version 3 is pinned in /srv/service, whose README.md tells how to change to 1"
    ):
        folder.withdraw()
    folder.pin("/srv/service", [1])
    assert folder.withdraw() == 3


def test_a_service_that_is_no_more_is_forgotten(numbered, folder):
    for number in (1, 2):
        folder.add(numbered(number))
    folder.pin("/srv/service", [1])
    assert folder.live == 1
    with pytest.raises(UserError, match="^/srv/other pins no version of .*; services that do: /srv/service"):
        folder.unpin("/srv/other")
    assert folder.unpin("/srv/service") == [1]
    assert (folder.pins(), folder.live) == ({}, 2)


def test_a_folder_of_versions_stands_for_the_one_that_is_live(numbered, folder):
    for number in (1, 2):
        folder.add(numbered(number))
    assert live_folder.live_export(folder.path, "--against").version == 2
    folder.pin("/srv/service", [1])
    assert live_folder.live_export(folder.path, "--against").version == 1
    assert live_folder.live_export(f"{folder.path}/2", "--against").version == 2


def test_going_back_passes_over_what_no_server_could_load(numbered, folder):
    folder.add(numbered(1))
    for part in ("2", "3"):
        pathlib.Path(folder.path, part).mkdir()
    assert folder.live == 1
    with pytest.raises(UserError, match=r"/2 has no saved_model.pb"):
        folder.publication(2)
    assert folder.withdraw() == 3
    # A server that looks at numbers alone finds no other.
    assert (folder.versions, folder.withdrawn) == ([1], [2, 3])


@pytest.mark.parametrize("name", ["published.json", "pinned.json"])
def test_a_damaged_list_is_named(numbered, folder, name):
    folder.add(numbered(1))
    pathlib.Path(folder.path, name).write_text("{")
    with pytest.raises(UserError, match=f"{folder.path}/{name} is damaged .*; mend it or move it away"):
        (folder.publications if name == "published.json" else folder.pins)()


def test_a_version_holds_what_was_exported_and_no_more(numbered, folder):
    export = numbered(1)
    folder.add(export)
    assert sorted(names_below(folder.export(1).path)) == sorted(names_below(export.path))


def names_below(folder) -> list[str]:
    """Files and folders, empty ones too."""
    return [str(path.relative_to(folder)) for path in pathlib.Path(folder).rglob("*")]


def test_the_trainer_s_output_is_a_folder_of_versions_too(cnn):
    folder = LiveFolder.of(str(cnn))
    assert folder.versions == [int(version(cnn).name)]
    assert folder.publication(folder.versions[0]).published == publication.exported_at(folder.versions[0])
    with pytest.raises(UserError, match="is a version itself; name the folder of versions that a server watches"):
        LiveFolder.of(str(version(cnn)))


@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_on_an_object_store_what_a_server_looks_for_comes_last(scheme, new_bucket, numbered, monkeypatch):
    folder = LiveFolder.of(f"{new_bucket(scheme)}/reviews")
    written, write = [], storage.write_bytes

    def note(root, name, data):
        written.append(name)
        write(root, name, data)

    monkeypatch.setattr(storage, "write_bytes", note)
    folder.add(numbered(1))
    assert written[-1] == "saved_model.pb"
    # An upload that was interrupted may be completed, and is compared with what is live.
    storage.write_bytes(storage.join(folder.path, "2"), "assets/vocabulary.txt", b"")
    export = numbered(2)
    folder.refuse_older(export)
    assert folder.live == 1
    folder.add(export)
    assert folder.live == 2
    assert folder.withdraw() == 2
    assert (folder.versions, folder.withdrawn) == ([1], [2])
