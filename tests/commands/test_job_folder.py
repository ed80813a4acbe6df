"""A job writes into a folder of its own, and deletes nothing that no job of ours wrote."""

import dataclasses
import importlib.metadata
import json
import platform
import re

import pytest

from beam_pipelines.commands import job_folder
from beam_pipelines.errors import UserError
from beam_pipelines.files import storage

OUTPUTS = ["scores/*", "rejected/*.jsonl", "summary.json"]


@dataclasses.dataclass(frozen=True)
class Settings:
    input: tuple[str, ...] = ("a.csv",)
    seed: int = 3


@pytest.fixture
def root(tmp_path) -> str:
    return str(tmp_path / "job")


def write(root: str, *names: str) -> None:
    for name in names:
        storage.write_bytes(root, name, name.encode())


def manifest(**more) -> dict:
    return job_folder.manifest("beam_pipelines.score", Settings(), OUTPUTS, **more)


def error(sentence: str):
    """Expects a UserError that is this whole sentence."""
    return pytest.raises(UserError, match=f"(?m)^{re.escape(sentence)}$")


def test_the_manifest_tells_who_wrote_the_folder():
    found = manifest(model_version=7)
    assert found == {
        "command": "beam_pipelines.score",
        "settings": {"input": ("a.csv",), "seed": 3},
        "versions": job_folder.versions(),
        "outputs": OUTPUTS,
        "model_version": 7,
    }


def test_versions(monkeypatch):
    def version(name):
        if name == "keras":
            raise importlib.metadata.PackageNotFoundError(name)
        return f"{name} 1.2"

    monkeypatch.setattr(importlib.metadata, "version", version)
    found = job_folder.versions()
    assert found["python"] == platform.python_version()
    assert found["tensorflow"] == "tensorflow 1.2"
    assert found["keras"] == "not installed"


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_new_folder_gets_a_manifest_and_nothing_else(root, overwrite):
    assert job_folder.read(root) is None
    job_folder.claim(root, manifest(), overwrite=overwrite, reads=[])
    assert storage.listing(root) == ["manifest.json"]
    assert job_folder.read(root) == json.loads(json.dumps(manifest()))


def test_an_empty_folder_may_be_claimed(tmp_path):
    (tmp_path / "folders only" / "below").mkdir(parents=True)
    job_folder.claim(str(tmp_path), manifest(), overwrite=False, reads=[])
    assert storage.listing(str(tmp_path)) == ["manifest.json"]


@pytest.mark.parametrize("names", [["mine.txt"], ["deep/mine.txt"], ["manifest.json", "scores/a.parquet"]])
def test_a_folder_with_files_that_no_job_wrote_is_refused(root, names):
    """No flag would help, so none is named; and one that is given does not help."""
    write(root, *names)
    new = manifest(fingerprint={})
    with error(f"--output {root} is not empty, and no job wrote it; choose another folder"):
        job_folder.claim(root, new, overwrite=False, reads=[])
    sentence = f"--output {root} holds files but no manifest.json: no job wrote it, so"
    with error(f"{sentence} --overwrite deletes nothing"):
        job_folder.claim(root, new, overwrite=True, reads=[])
    for flag in ("--resume", "--add"):
        with error(f"{sentence} {flag} goes on with nothing"):
            job_folder.claim(root, new, overwrite=False, resume=True, reads=[], goes_on_by=flag)
    assert storage.listing(root) == names


@pytest.mark.parametrize(
    ("old", "new", "more", "choices"),
    [
        ({}, {"fingerprint": {"a": 1}}, [], " or add --overwrite"),
        ({"fingerprint": {"a": 2}}, {"fingerprint": {"a": 1}}, [], " or add --overwrite"),
        ({"fingerprint": {"a": 1}}, {"fingerprint": {"a": 1}}, ["b.csv is new"], " or add --overwrite"),
        (
            {"fingerprint": {"a": (1, 2)}},
            {"fingerprint": {"a": (1, 2)}},
            [],
            ", add --resume to go on with its job, or --overwrite to begin anew",
        ),
    ],
)
def test_a_folder_of_the_same_command_is_refused_with_the_flags_that_help(root, old, new, more, choices):
    job_folder.claim(root, manifest(**old), overwrite=False, reads=[])
    with error(f"--output {root} is not empty; choose another folder{choices}"):
        job_folder.claim(
            root,
            manifest(**new),
            overwrite=False,
            reads=[],
            goes_on_by="--resume",
            more_differences=lambda: more,
        )


def test_a_job_that_cannot_go_on_is_not_told_to(root):
    job_folder.claim(root, manifest(), overwrite=False, reads=[])
    with error(f"--output {root} is not empty; choose another folder or add --overwrite"):
        job_folder.claim(root, manifest(), overwrite=False, reads=[])


def test_what_else_differs_is_named_behind_what_the_manifest_tells(root):
    job_folder.claim(root, manifest(fingerprint={"a": 1}), overwrite=False, reads=[])
    write(root, "scores/0.parquet")
    with error(
        f"--add: the job in {root} was another one: a was 1 and is 2; b.csv is gone; give what it was given, or choose "
        "another folder"
    ):
        job_folder.claim(
            root,
            manifest(fingerprint={"a": 2}),
            overwrite=False,
            resume=True,
            reads=[],
            goes_on_by="--add",
            more_differences=lambda: ["b.csv is gone"],
        )


def test_a_resume_that_is_refused_names_what_differs_as_people_read_it(root):
    old = {"model_digest": "12ab" * 16, "inputs": {"a.csv": {"bytes": 12, "modified": 0.5}, "b.csv": {}}}
    new = {"model_digest": "98fe" * 16, "inputs": {"a.csv": {"bytes": 13, "modified": None}, "c.csv": {}}}
    job_folder.claim(root, manifest(fingerprint=old), overwrite=False, reads=[])
    write(root, "scores/0.parquet")
    with error(
        f"--resume: the job in {root} was another one: model_digest was 12ab12ab... and is 98fe98fe...; "
        "inputs a.csv bytes was 12 and is 13; inputs a.csv modified was 1970-01-01 00:00:00.500 UTC and is None; "
        "inputs b.csv is gone; inputs c.csv is new; give what it was given, or choose another folder"
    ):
        job_folder.claim(root, manifest(fingerprint=new), overwrite=False, resume=True, reads=[], goes_on_by="--resume")


def test_of_many_differences_the_first_are_named(root):
    job_folder.claim(root, manifest(fingerprint={}), overwrite=False, reads=[])
    write(root, "scores/0.parquet")
    new = {"inputs": {}, **{f"n{number}": 1 for number in range(1200)}}
    with pytest.raises(UserError, match="n7 is new; n8 is new; and 1,191 more differences; give what it was given"):
        job_folder.claim(root, manifest(fingerprint=new), overwrite=False, resume=True, reads=[])


@pytest.mark.parametrize("foreign", ['{"name": "my app", "version": 3}', "[1, 2]", "{}", "not JSON at all"])
def test_overwrite_refuses_another_program_s_manifest(root, foreign):
    """Browser extensions, bundlers and other tools have a manifest.json too."""
    write(root, "scores/precious.parquet")
    storage.write_bytes(root, "manifest.json", foreign.encode())
    with pytest.raises(UserError, match="no job wrote it, so --overwrite deletes nothing"):
        job_folder.claim(root, manifest(), overwrite=True, reads=[])
    assert storage.listing(root) == ["manifest.json", "scores/precious.parquet"]
    assert storage.read_bytes(f"{root}/manifest.json").decode() == foreign


def test_overwrite_deletes_what_the_old_manifest_lists_and_no_more(root):
    """The patterns of the job that wrote the folder count, not those of the new one."""
    old = {**manifest(), "outputs": ["scores/*", "rejected/*.jsonl", "old.json"]}
    job_folder.claim(root, old, overwrite=False, reads=[])
    mine = ["notes.txt", "rejected/mine.txt", "summary.json", "xscores/a.parquet"]
    write(root, *mine, "scores/a.parquet", "scores/b.csv", "rejected/a.jsonl", "old.json", ".tmp/left/over")
    job_folder.claim(root, manifest(), overwrite=True, reads=[])
    assert storage.listing(root) == sorted([*mine, "manifest.json"])
    assert job_folder.read(root)["outputs"] == OUTPUTS
    assert not storage.exists(f"{root}/scores")
    assert not storage.exists(f"{root}/.tmp/left")


def test_overwrite_of_a_job_that_wrote_nothing_yet(root):
    job_folder.claim(root, manifest(), overwrite=False, reads=[])
    job_folder.claim(root, manifest(model_version=8), overwrite=True, reads=[])
    assert job_folder.read(root)["model_version"] == 8
    assert storage.listing(root) == ["manifest.json"]


@pytest.mark.parametrize("overwrite", [True, False])
def test_the_folder_of_another_command_is_never_emptied(tmp_path, overwrite):
    root = str(tmp_path / "job")
    job_folder.claim(root, {**manifest(), "command": "trainer.task"}, overwrite=False, reads=[])
    with pytest.raises(UserError, match="holds what trainer.task wrote; choose another folder"):
        job_folder.claim(root, manifest(), overwrite=overwrite, reads=[])
    assert job_folder.read(root)["command"] == "trainer.task"


@pytest.mark.parametrize("inside", ["", "/scores", "/scores/1.csv"])
def test_what_the_job_reads_may_not_lie_in_its_output(tmp_path, inside):
    root = str(tmp_path / "job")
    with error(f"--output {root} holds {root}{inside}, which the job reads; choose another folder"):
        job_folder.claim(root, manifest(), overwrite=True, reads=[root + inside])
    job_folder.claim(root, manifest(), overwrite=True, reads=[root + "-other" + inside])


def test_an_output_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "job").write_text("mine")
    with error(f"{tmp_path}/job is a file; name a folder"):
        job_folder.claim(f"{tmp_path}/job", manifest(), overwrite=True, reads=[])


def test_an_overwriting_that_was_stopped_can_be_done_again(root, monkeypatch):
    """The manifest is what allows the deleting, so it goes last."""
    job_folder.claim(root, manifest(), overwrite=False, reads=[])
    write(root, "scores/a.parquet", "scores/b.parquet", "summary.json")
    delete = storage.delete

    def stopped(root, names):
        delete(root, names[:1])
        raise KeyboardInterrupt

    monkeypatch.setattr(storage, "delete", stopped)
    with pytest.raises(KeyboardInterrupt):
        job_folder.claim(root, manifest(), overwrite=True, reads=[])
    monkeypatch.undo()
    job_folder.claim(root, manifest(model_version=9), overwrite=True, reads=[])
    assert storage.listing(root) == ["manifest.json"]


def test_a_refused_job_leaves_another_one_s_half_written_file_alone(root):
    job_folder.claim(root, manifest(), overwrite=False, reads=[])
    write(root, "scores/a.parquet", ".tmp/half")
    with pytest.raises(UserError, match="is not empty"):
        job_folder.claim(root, manifest(), overwrite=False, reads=[])
    assert storage.exists(f"{root}/.tmp/half")


def fail(root: str, *written: str, worth: str | None = None, error=UserError) -> None:
    """A job that claims the folder, writes some files and ends with an error."""
    job_folder.claim(root, manifest(), overwrite=False, reads=[])
    write(root, *written)
    with pytest.raises(error, match="(?m)^refused$"), job_folder.freed_on_failure(root, unless=worth):
        raise error("refused")


@pytest.mark.parametrize("written", [[], ["rejected/a.jsonl", "summary.json"]])
@pytest.mark.parametrize("resume", [False, True])
def test_a_job_that_fails_with_nothing_to_go_on_from_leaves_the_folder_free(root, written, resume):
    fail(root, *written, worth="scores/*")
    assert [name for name in storage.listing(root) if name != "manifest.json"] == written
    assert not storage.exists(f"{root}/.tmp")
    job_folder.claim(root, manifest(model_version=9), overwrite=False, resume=resume, reads=[])
    assert storage.listing(root) == ["manifest.json"]
    assert job_folder.read(root) == json.loads(json.dumps(manifest(model_version=9)))


@pytest.mark.parametrize(("written", "error"), [(["scores/a.parquet"], UserError), ([], KeyboardInterrupt)])
def test_a_job_that_can_go_on_keeps_its_folder(root, written, error):
    fail(root, *written, worth="scores/*", error=error)
    with pytest.raises(UserError, match="is not empty"):
        job_folder.claim(root, manifest(), overwrite=False, reads=[])
    assert storage.listing(root) == ["manifest.json", *written]


def test_a_free_folder_s_other_files_stay(root):
    """Such as versions that an earlier run exported."""
    fail(root, "export/1", "scores/a.parquet")
    job_folder.claim(root, manifest(), overwrite=False, reads=[])
    assert storage.listing(root) == ["export/1", "manifest.json"]


def test_a_folder_that_a_cluster_may_write_to_is_not_emptied_for_another_job(root):
    job_folder.claim(root, manifest(fingerprint={}), overwrite=False, reads=[])
    job_folder.update_manifest(root, submitted="job-7")
    write(root, "scores/0.parquet")
    told = (
        f"--output {root} is that of the job job-7, which a cluster may still be at: go on with it when it has ended "
        "(--finish, or the next --phase), or cancel it there and delete the folder"
    )
    with error(told):
        job_folder.claim(root, manifest(fingerprint={}), overwrite=True, reads=[])
    assert storage.exists(f"{root}/scores/0.parquet")
    # Its own restart goes on.
    job_folder.claim(root, manifest(fingerprint={}), overwrite=False, resume=True, reads=[])
    assert job_folder.is_submitted(root)
    job_folder.update_manifest(root, submitted=None)
    assert not job_folder.is_submitted(root)
    job_folder.claim(root, manifest(fingerprint={}), overwrite=True, reads=[])
    assert storage.listing(root) == [job_folder.MANIFEST]


def test_a_job_that_wrote_nothing_is_begun_anew_by_a_resume(root):
    """It was stopped early; the archive may have grown since."""
    job_folder.claim(root, manifest(fingerprint={"a": 1}), overwrite=False, reads=[])
    job_folder.claim(root, manifest(fingerprint={"a": 2}), overwrite=False, resume=True, reads=[])
    assert job_folder.read(root)["fingerprint"] == {"a": 2}
    write(root, "scores/0.parquet")
    with pytest.raises(UserError, match="was another one: a was 2 and is 3"):
        job_folder.claim(root, manifest(fingerprint={"a": 3}), overwrite=False, resume=True, reads=[])
