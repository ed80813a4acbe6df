"""A command line is read, or refused with a sentence, before any slow import."""

import dataclasses
import re
import subprocess
import sys

import pytest

from beam_pipelines.commands import flags
from beam_pipelines.execution import runners
from beam_pipelines.preparing.settings import PreprocessSettings
from beam_pipelines.scoring.settings import ScoreSettings
from trainer.settings import TrainerSettings, preset_values

MODULES = {
    PreprocessSettings: "beam_pipelines.preprocess",
    ScoreSettings: "beam_pipelines.score",
    TrainerSettings: "trainer.task",
}
REQUIRED = {
    PreprocessSettings: ["--input=a.csv", "--output=o", "--text_column=text"],
    ScoreSettings: ["--input=a.csv", "--model=m", "--output=o", "--text_column=text"],
    TrainerSettings: ["--data=d", "--output=o"],
}
# Without one of --score_column and --title_column there is nothing to learn.
NEEDED = {**REQUIRED, PreprocessSettings: [*REQUIRED[PreprocessSettings], "--score_column=s"]}
commands = pytest.mark.parametrize("settings_class", MODULES, ids=lambda found: found.__name__)
jobs = pytest.mark.parametrize("settings_class", [PreprocessSettings, ScoreSettings], ids=lambda found: found.__name__)


def parse(settings_class, *arguments: str, **options):
    argv = [*NEEDED[settings_class], *arguments]
    return flags.parse(settings_class, MODULES[settings_class], argv, **options)


def beam_options(settings_class, *arguments: str) -> dict:
    return runners.options_of(list(arguments), settings_class, MODULES[settings_class]).get_all_options()


def refused(capsys, call, *arguments) -> str:
    """The one sentence of a call that exits with a usage error, without the program's name."""
    with pytest.raises(SystemExit, match=r"^2$"):
        call(*arguments)
    (line,) = capsys.readouterr().err.splitlines()
    return line.partition(": error: ")[2]


@commands
def test_a_required_flag_is_named(capsys, settings_class):
    for place, left_out in enumerate(REQUIRED[settings_class]):
        argv = [*REQUIRED[settings_class]]
        del argv[place]
        sentence = f"the following arguments are required: {left_out.partition('=')[0]}"
        assert refused(capsys, flags.parse, settings_class, MODULES[settings_class], argv) == sentence


def test_a_flag_that_may_stand_alone():
    """Before another flag, at the end, with a value, and left out."""
    for arguments, expected in (
        (["--punctuation_tokens", "--overwrite"], "on"),
        (["--punctuation_tokens"], "on"),
        (["--punctuation_tokens", "off"], "off"),
        (["--punctuation_tokens=off"], "off"),
        ([], "on"),
    ):
        settings, others = parse(PreprocessSettings, *arguments)
        assert (settings.punctuation_tokens, others) == (expected, [])
        again, _ = flags.parse(PreprocessSettings, MODULES[PreprocessSettings], flags.as_arguments(settings))
        assert again == settings


def test_a_value_that_there_is_not_is_refused(capsys):
    sentence = refused(capsys, parse, PreprocessSettings, "--punctuation_tokens=no")
    assert sentence.startswith("argument --punctuation_tokens: invalid choice: 'no' (choose from ")


@pytest.mark.parametrize(
    ("place", "written"),
    [(0, ["--inptu", "a.csv"]), (0, ["--Input=a.csv"]), (2, ["--text-column=text"])],
)
def test_a_required_flag_that_is_misspelt_is_told_so(capsys, place, written):
    """`--title_column`, which is as near, is another flag, and Beam's may stand there too."""
    argv = [*REQUIRED[PreprocessSettings], "--title_column=t", "--region=r"]
    right = argv[place].partition("=")[0]
    argv[place : place + 1] = written
    sentence = f"unknown argument {written[0]}; did you mean {right}?"
    assert refused(capsys, flags.parse, PreprocessSettings, MODULES[PreprocessSettings], argv) == sentence


@commands
def test_without_other_flags_the_defaults_of_the_dataclass_hold(settings_class):
    settings, others = parse(settings_class)
    given = {argument.partition("=")[0].removeprefix("--") for argument in NEEDED[settings_class]}
    assert others == []
    for field in dataclasses.fields(settings_class):
        if field.name not in given:
            assert getattr(settings, field.name) == field.default


@pytest.mark.parametrize(
    ("settings_class", "arguments", "expected"),
    [
        (ScoreSettings, ["--input", "b.csv", "--input=*.tsv"], {"input": ("a.csv", "b.csv", "*.tsv")}),
        (ScoreSettings, ["--output", "p"], {"output": "p"}),
        (ScoreSettings, ["--keep_columns=A,B", "--overwrite"], {"keep_columns": "A,B", "overwrite": True}),
        (ScoreSettings, ["--output_format=csv"], {"output_format": "csv"}),
        (ScoreSettings, ["--max_rejected_share", "1"], {"max_rejected_share": 1.0}),
        (PreprocessSettings, ["--score_min=-4", "--score_max", "4"], {"score_min": -4.0, "score_max": 4.0}),
        (PreprocessSettings, ["--score_min", "-4"], {"score_min": -4.0}),
        (PreprocessSettings, ["--max_tokens", "7", "--input_format=tsv"], {"max_tokens": 7, "input_format": "tsv"}),
        (TrainerSettings, ["--model", "lstm", "--learning_rate=1e-4"], {"model": "lstm", "learning_rate": 1e-4}),
    ],
)
def test_given_flags_win_and_have_their_type(settings_class, arguments, expected):
    settings, others = parse(settings_class, *arguments)
    found = {name: getattr(settings, name) for name in expected}
    assert found == expected
    assert [type(value) for value in found.values()] == [type(value) for value in expected.values()]
    assert others == []


@pytest.mark.parametrize(
    ("settings_class", "argument", "sentence"),
    [
        (ScoreSettings, "--output_format=xml", "invalid choice: 'xml' (choose from 'parquet', 'jsonl', 'csv')"),
        (ScoreSettings, "--input_format=xls", "invalid choice: 'xls' (choose from 'csv', 'tsv', 'jsonl', 'parquet')"),
        (TrainerSettings, "--model=bert", "invalid choice: 'bert' (choose from 'cnn', 'lstm')"),
        (PreprocessSettings, "--score_max=ten", "invalid float value: 'ten'"),
        (PreprocessSettings, "--max_tokens=1.5", "invalid int value: '1.5'"),
        (ScoreSettings, "--overwrite=no", "ignored explicit argument 'no'"),
    ],
)
def test_a_value_that_cannot_be_is_refused(capsys, settings_class, argument, sentence):
    found = refused(capsys, parse, settings_class, argument)
    # Python 3.12 and later leave the quotes around the choices out.
    assert found.replace("'", "") == f"argument {argument.partition('=')[0]}: {sentence}".replace("'", "")


def test_a_preset_stands_in_for_flags_that_are_not_given():
    settings, _ = parse(TrainerSettings, "--preset=notebook", presets=preset_values)
    assert (settings.epochs, settings.learning_rate, settings.sample_weights) == (64, 0.001, "balanced")
    settings, _ = parse(TrainerSettings, "--preset=notebook", "--model=lstm", "--epochs=3", presets=preset_values)
    assert (settings.epochs, settings.learning_rate, settings.schedule) == (3, 0.01, "constant")
    settings, _ = parse(TrainerSettings, presets=preset_values)
    assert (settings.epochs, settings.learning_rate, settings.sample_weights) == (12, 0.01, "none")


@pytest.mark.parametrize(
    ("settings_class", "arguments", "expected"),
    [
        (PreprocessSettings, ["--input=~/b.csv", "--input", "~/*.tsv"], ("a.csv", "HOME/b.csv", "HOME/*.tsv")),
        (PreprocessSettings, ["--output=~/p"], "HOME/p"),
        (PreprocessSettings, ["--embeddings=~/v.zip:v.txt"], "HOME/v.zip:v.txt"),
        (ScoreSettings, ["--input=~/b.csv"], ("a.csv", "HOME/b.csv")),
        (ScoreSettings, ["--output=~"], "HOME"),
        (ScoreSettings, ["--model=~/trained"], "HOME/trained"),
        (TrainerSettings, ["--data=~/p"], "HOME/p"),
        (TrainerSettings, ["--output", "~/t"], "HOME/t"),
        (TrainerSettings, ["--warm_start=~/old"], "HOME/old"),
    ],
)
def test_the_home_is_meant_by_a_tilde_in_every_path(monkeypatch, settings_class, arguments, expected):
    """A shell expands it at the start of an argument alone, not after an equals sign."""
    monkeypatch.setenv("HOME", "HOME")
    settings, _ = parse(settings_class, *arguments)
    assert getattr(settings, arguments[0].partition("=")[0].removeprefix("--")) == expected


@commands
def test_every_flag_of_a_file_or_folder_is_a_path(settings_class):
    names = {field.name for field in dataclasses.fields(settings_class) if field.metadata["is_path"]}
    files = {"embeddings", "server_token_file", "server_ca_file"}
    assert names == {"input", "output", "model", "data", "warm_start", "unrated", *files} & {
        field.name for field in dataclasses.fields(settings_class) if not field.metadata["choices"]
    }


def test_a_tilde_elsewhere_is_a_character():
    assert parse(ScoreSettings, "--csv_delimiter=~", "--output=a~/~b")[0].delimiter == "~"
    assert parse(ScoreSettings, "--output=a~/~b")[0].output == "a~/~b"
    assert parse(TrainerSettings, "--probe=~/ good")[0].probe == ("~/ good",)


def test_what_is_not_ours_is_handed_on_in_order():
    _, others = parse(ScoreSettings, "--runner", "FlinkRunner", "--overwrite", "--flink_master=local", "more")
    assert others == ["--runner", "FlinkRunner", "--flink_master=local", "more"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--inputs", "b.csv"], "unknown argument --inputs; did you mean --input?"),
        (["--text-column=text"], "unknown argument --text-column=text; did you mean --text_column?"),
        (["--max_rejectd_share=0"], "unknown argument --max_rejectd_share=0; did you mean --max_rejected_share?"),
        (["--zzz"], "unknown argument --zzz"),
        (
            ["b.csv", "c.csv"],
            "unknown argument b.csv; a glob stands in quotes, or the shell makes several arguments of it",
        ),
        (["--project=p", "--zzz=1", "--yyy"], "unknown argument --zzz=1"),
    ],
)
def test_an_unknown_flag_is_refused_with_the_nearest_of_ours(capsys, arguments, sentence):
    """A mistyped flag that was ignored would cost the run of a whole archive."""
    assert refused(capsys, beam_options, ScoreSettings, *arguments) == sentence


def test_the_trainer_takes_no_flag_of_beam(capsys):
    flags.refuse_unknown([], TrainerSettings, MODULES[TrainerSettings])
    arguments = (["--runner=FlinkRunner"], TrainerSettings, MODULES[TrainerSettings])
    assert refused(capsys, flags.refuse_unknown, *arguments) == "unknown argument --runner=FlinkRunner"


@jobs
def test_no_abbreviation_is_taken_for_a_flag(capsys, settings_class):
    """`--score_m 5` may mean two flags; today's only match may have a rival tomorrow."""
    names = {field.name for field in dataclasses.fields(settings_class)}
    short = {name[:length] for name in names for length in range(1, len(name))} - names
    assert len(short) > 90
    for name in sorted(short):
        _, others = parse(settings_class, f"--{name}", "1")
        sentence = refused(capsys, beam_options, settings_class, *others)
        assert sentence.startswith(f"unknown argument --{name}")


def test_beam_s_own_flags_follow_on_the_same_line():
    settings, others = parse(ScoreSettings, "--direct_num_workers", "2", "--overwrite", "--project=p", "--streaming")
    assert settings.overwrite
    options = beam_options(ScoreSettings, *others)
    assert [options[name] for name in ("direct_num_workers", "project", "streaming")] == [2, "p", True]


def test_a_value_that_beam_refuses(capsys):
    """In Beam's own words, after a list of its flags."""
    with pytest.raises(SystemExit, match=r"^2$"):
        beam_options(ScoreSettings, "--direct_num_workers=two")
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.endswith(": error: argument --direct_num_workers: invalid int value: 'two'")


def run_module(module: str, *arguments: str) -> tuple[subprocess.CompletedProcess, set[str]]:
    """Runs `python -m module` and tells the top-level packages that it imported."""
    command = [sys.executable, "-X", "importtime", "-m", module, *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return done, {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


@commands
def test_help_answers_at_once(settings_class):
    """Beam and TensorFlow take seconds to import."""
    done, imported = run_module(MODULES[settings_class], "--help")
    assert done.returncode == 0
    assert "argparse" in imported
    assert not imported & {"apache_beam", "tensorflow", "keras", "pyarrow"}
    assert f"usage: python -m {MODULES[settings_class]} " in done.stdout
    assert settings_class.__doc__.partition("\n")[0] in done.stdout
    for field in dataclasses.fields(settings_class):
        assert f"--{field.name}" in done.stdout
        if field.default not in (dataclasses.MISSING, None, False, "", 0, ()):
            assert f"(default: {field.default})" in re.sub(r"\s+", " ", done.stdout)


@pytest.mark.parametrize(
    ("settings_class", "argument", "sentence"),
    [
        (PreprocessSettings, "--max_tokens=0", "--max_tokens 0 must be at least 1"),
        (ScoreSettings, "--max_rejected_share=2", "--max_rejected_share 2.0 is not in [0, 1]"),
        (TrainerSettings, "--epochs=0", "--epochs 0 must be at least 1"),
    ],
)
def test_a_bad_value_answers_at_once(settings_class, argument, sentence):
    done, imported = run_module(MODULES[settings_class], *NEEDED[settings_class], argument)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == f"python -m {MODULES[settings_class]}: error: {sentence}"
    assert not imported & {"apache_beam", "tensorflow", "keras", "pyarrow"}
