"""The installed program runs the same commands as `python -m`, wherever it is started."""

import os
import pathlib
import subprocess
import sys
import sysconfig

import pytest

from beam_pipelines import console

PROGRAM = pathlib.Path(sysconfig.get_path("scripts"), "review-scorer")
COMMANDS = ("preprocess", "train", "score", "verify", "check", "publish", "configure", "local", "ask")


def run(*arguments: object, **options) -> subprocess.CompletedProcess:
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, **options)


@pytest.fixture
def clash(tmp_path) -> pathlib.Path:
    """A folder with packages of someone else that have the names of ours."""
    for package, module in (("trainer", "task"), ("serving", "check"), ("beam_pipelines", "score")):
        folder = tmp_path / "clash" / package
        folder.mkdir(parents=True)
        (folder / "__init__.py").touch()
        (folder / f"{module}.py").write_text("print('this is the program of someone else')\n")
    return tmp_path / "clash"


def test_help_lists_the_commands_at_once(clash):
    done = run("--help", cwd=clash, env={**os.environ, "PYTHONPROFILEIMPORTTIME": "1"})
    assert done.returncode == 0
    assert done.stdout.startswith("usage: review-scorer COMMAND [FLAGS]\n")
    listed = [line.split()[0] for line in done.stdout.partition("commands:\n")[2].splitlines() if line[:2] == "  "]
    assert listed == [*COMMANDS]
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "argparse" in imported
    assert not imported & {"apache_beam", "tensorflow", "keras", "pyarrow"}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_with_a_package_of_the_same_name_does_no_harm(clash, command):
    done = run(command, "--help", cwd=clash)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: review-scorer {command} [")
    assert "python -m" not in done.stdout
    assert "someone else" not in done.stdout


def test_the_module_is_that_of_the_working_folder(clash):
    """What the program is for: it is Python's rule."""
    theirs = subprocess.run([sys.executable, "-m", "trainer.task"], capture_output=True, text=True, cwd=clash)
    assert theirs.stdout == "this is the program of someone else\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "review-scorer: error: the following arguments are required: COMMAND"),
        (["scores", "--input=a"], "review-scorer: error: argument COMMAND: invalid choice: 'scores' "),
        (["train", "--data=d", "--output=o", "--epoch=1"], "review-scorer train: error: unknown argument --epoch=1; "),
        (["score", "--input=a", "--output=o", "--model=m", "--text_column=t", "--zzz"], "review-scorer score: error: "),
    ],
)
def test_a_wrong_line_is_refused_by_the_name_that_was_called(clash, arguments, message):
    done = run(*arguments, cwd=clash)
    assert done.returncode == 2
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "hint"),
    [
        ("preprocess", "with --overwrite, the same command begins anew"),
        ("train", "without --overwrite, the same command goes on after the last epoch that was saved"),
        ("score", "with --resume and without --overwrite, the same command goes on from here"),
        ("check", "the same command begins anew"),
        ("publish", "the same command goes on, unless --list shows the version whole"),
        ("configure", "with --overwrite, the same command begins anew"),
    ],
)
def test_an_interruption_tells_how_to_go_on(monkeypatch, capsys, command, hint):
    def interrupted(argv, program):
        raise KeyboardInterrupt

    monkeypatch.setattr(console.module_of(command), "main", interrupted)
    monkeypatch.setattr("sys.argv", ["review-scorer", command, "--output=o"])
    with pytest.raises(SystemExit, match="^130$"):
        console.main()
    assert capsys.readouterr().err == f"interrupted; {hint}\n"


@pytest.mark.slow
def test_all_commands_from_archive_to_check(clash, archive, glove):
    columns = ["--text_column=text", "--id_column=id"]
    steps = [
        ["preprocess", f"--input={archive}", "--output=p", "--score_column=score", f"--embeddings={glove}", *columns],
        ["train", "--data=p", "--output=t", "--epochs=1"],
        ["score", f"--input={archive}", "--model=t", "--output=s", *columns],
        ["check", "t"],
    ]
    said = []
    for step in steps:
        done = run(*step, cwd=clash)
        assert done.returncode == 0, done.stderr
        said.append(done.stdout)
    assert said[0].startswith("400 rows read: 400 kept")
    assert "; exported t/export/reviews/" in said[1]
    assert said[2].startswith("400 rows read: 400 scored, 0 rejected")
    assert "loads with TensorFlow alone" in said[3]
