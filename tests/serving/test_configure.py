"""The command that writes the files of a service, from its line to the folder."""

import json
import os
import shlex

import pytest

from beam_pipelines.commands import job_lock
from beam_pipelines.errors import UserError
from beam_pipelines.files import storage
from serving import configure
from serving.configuring.files import FILES
from tests.helpers.services import made_up_version


@pytest.fixture
def versions(tmp_path):
    folder = tmp_path / "export"
    made_up_version(folder, 7, model="lstm", size=30 << 20)
    made_up_version(folder, 8)
    return folder


def run(*arguments: object) -> int:
    return configure.main([str(argument) for argument in arguments])


def contents(folder) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def test_it_writes_all_files_and_says_what_they_serve(versions, tmp_path, capsys):
    assert run("--export", versions, "--output", tmp_path / "out") == 0
    assert capsys.readouterr().out == (
        f"{tmp_path}/out: version 8 as stable; batching off; memory limit 1,792 MiB\n"
        f"how to start it and to change the version: {tmp_path}/out/README.md\n"
    )
    written = contents(tmp_path / "out")
    assert json.loads((versions / "pinned.json").read_text()) == {f"{tmp_path}/out": [8]}
    assert written.keys() == {*FILES, "manifest.json"}
    assert not list(tmp_path.rglob(".tmp"))
    assert json.loads(written["manifest.json"])["command"] == "serving.configure"
    assert all(text.endswith("\n") and "{{" not in text for text in written.values())


def test_a_canary_runs_beside_the_stable_version(versions, tmp_path, capsys):
    run("--export", versions / "7", "--canary", 8, "--output", tmp_path / "out")
    assert "version 7 as stable, version 8 as canary; batching on; " in capsys.readouterr().out


def test_the_commands_of_the_readme_change_the_labels_and_keep_the_flags(versions, tmp_path, monkeypatch, capsys):
    """Each is taken from README.md as the one before has left it."""
    output = tmp_path / "out"
    run("--export", versions / "7", "--output", output, "--model_name=films", "--memory_mib=900", "--canary_percent=25")
    monkeypatch.chdir(output)
    labels, shares = [], []
    for step in range(3):
        lines = (output / "README.md").read_text().splitlines()
        commands = [shlex.split(line) for line in lines if " -m serving.configure " in line]
        assert len(commands) == 3
        assert configure.main([word.replace("OLD", "7").replace("NEW", "8") for word in commands[step][3:]]) == 0
        listed = (output / "models.config").read_text().splitlines()
        labels.append([line.split()[3::2] for line in listed if "version_labels {" in line])
        proxy = (output / "nginx.conf").read_text().splitlines()
        shares.append([line.strip() for line in proxy if line.endswith("% canary;")])
        assert 'name: "films"' in (output / "models.config").read_text()
        assert "memory: 900M" in (output / "compose.yaml").read_text()
    stable, canary = '"stable"', '"canary"'
    assert labels == [[[stable, "7"], [canary, "8"]], [[stable, "8"], [canary, "7"]], [[stable, "8"]]]
    assert shares == [["25% canary;"], [], []]
    assert " refuses it" not in capsys.readouterr().out


def test_nothing_is_written_while_the_folder_of_the_versions_is_in_use(versions, tmp_path):
    with job_lock.only_job(str(versions)), pytest.raises(UserError, match=f"{versions} is in use by "):
        run("--export", versions, "--output", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_of_versions_that_cannot_be_written_to_is_served_all_the_same(versions, tmp_path, monkeypatch, caplog):
    write_json = storage.write_json

    def refuse(root, name, document):
        if root == str(versions):
            raise PermissionError("Permission denied")
        write_json(root, name, document)

    monkeypatch.setattr(storage, "write_json", refuse)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert run("--export", versions, "--output", tmp_path / "out") == 0
    assert f"{versions} cannot be written to (Permission denied): serving.publish will not know what" in caplog.text


def test_what_has_changed_is_told_with_what_it_takes(versions, tmp_path, capsys):
    arguments = ["--export", versions / "8", "--output", tmp_path / "out"]
    run(*arguments)
    capsys.readouterr()
    run(*arguments, "--overwrite")
    assert "changed: " not in capsys.readouterr().out
    run("--export", versions / "7", "--output", tmp_path / "out", "--overwrite")
    printed = capsys.readouterr().out
    assert (
        "changed: models.config; a server that runs with the one before refuses it, since it moves stable to a version"
        in printed
    )
    assert "changed: compose.yaml; docker compose up --detach --wait starts the server anew for it\n" in printed
    assert "changed: nginx.conf" not in printed


def test_another_canary_is_told_to_be_refused(versions, tmp_path, capsys):
    """Its label would move to what no server has loaded."""
    made_up_version(versions, 9)
    arguments = ["--export", versions / "7", "--output", tmp_path / "out", "--overwrite"]
    run(*arguments, "--canary", 8)
    run(*arguments, "--canary", 9)
    assert "a server that runs with the one before refuses it, since it moves canary to" in capsys.readouterr().out
    run(*arguments)
    run(*arguments, "--canary", 8)
    assert " refuses it" not in capsys.readouterr().out


def test_what_a_running_server_goes_on_with_stays_pinned(versions, tmp_path):
    """It refuses the file of a step that was left out."""
    pinned, arguments = versions / "pinned.json", ["--output", tmp_path / "out", "--overwrite"]
    run("--export", versions / "7", *arguments)
    run("--export", versions / "8", *arguments)
    assert json.loads(pinned.read_text()) == {f"{tmp_path}/out": [7, 8]}
    run("--export", versions / "8", "--canary", 7, *arguments)
    run("--export", versions / "8", *arguments)
    assert json.loads(pinned.read_text()) == {f"{tmp_path}/out": [8]}


def test_flags_that_are_not_given_again_are_told(versions, tmp_path, caplog):
    run("--export", versions / "8", "--output", tmp_path / "out", "--model_name=films", "--rest_port=9501")
    run("--export", versions / "8", "--output", tmp_path / "out", "--overwrite", "--model_name=films")
    assert "--rest_port was 9501, and is 8501 now: README.md had commands with all flags" in caplog.text
    assert "--model_name" not in caplog.text


def test_a_version_is_no_place_for_the_files(versions):
    with pytest.raises(UserError, match=f"--output {versions}/8/out lies in {versions}/8, a version"):
        run("--export", versions, "--output", versions / "8/out")


def test_versions_alike_change_neither_memory_nor_the_way_a_server_is_started(versions, tmp_path, capsys):
    made_up_version(versions, 9)
    arguments = ["--output", tmp_path / "out", "--overwrite"]
    run("--export", versions / "8", *arguments)
    run("--export", versions / "8", "--canary", 9, *arguments)
    run("--export", versions / "9", *arguments)
    assert "changed: compose.yaml" not in capsys.readouterr().out


def test_the_server_may_read_what_is_written_whatever_the_umask_is(versions, tmp_path):
    before = os.umask(0o077)
    try:
        run("--export", versions, "--output", tmp_path / "out")
    finally:
        os.umask(before)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o755
    assert {(tmp_path / "out" / name).stat().st_mode & 0o777 for name in FILES} == {0o644}


def test_a_limit_below_what_it_takes_is_told(versions, tmp_path, caplog):
    run("--export", versions, "--output", tmp_path / "out", "--memory_mib", 100)
    assert "--memory_mib 100 is less than the 1792 that it takes" in caplog.text


def test_an_earlier_folder_of_its_own_is_written_anew_on_demand_alone(versions, tmp_path):
    output = tmp_path / "out"
    run("--export", versions / "7", "--output", output)
    (output / "tokens.map").write_text("mine")
    with pytest.raises(
        UserError, match=f"(?m)^--output {output} is not empty; choose another folder or add --overwrite$"
    ):
        run("--export", versions, "--output", output)
    assert "versions: 7\n" in (output / "models.config").read_text()
    run("--export", versions, "--output", output, "--overwrite")
    assert "versions: 8\n" in (output / "models.config").read_text()
    assert (output / "tokens.map").read_text() == "mine"


def test_a_folder_of_somebody_else_stays_as_it_is(versions, tmp_path):
    output = tmp_path / "out"
    output.mkdir()
    (output / "compose.yaml").write_text("mine")
    with pytest.raises(UserError, match="holds files but no manifest.json: no job wrote it|no job wrote it; choose"):
        run("--export", versions, "--output", output, "--overwrite")
    assert contents(output) == {"compose.yaml": "mine"}


def test_nothing_is_written_where_the_export_is_missing(tmp_path):
    with pytest.raises(UserError, match=f"^--export {tmp_path}/none holds no exported model: expected "):
        run("--export", tmp_path / "none", "--output", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_folder_of_the_export_is_not_written_into(versions):
    with pytest.raises(
        UserError, match=f"^--output {versions} holds {versions}/8, which the job reads; choose another"
    ):
        run("--export", versions, "--output", versions)
