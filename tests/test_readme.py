"""What the README shows runs as it stands there, and its commands and flags are those that there are."""

import argparse
import ast
import functools
import importlib
import json
import pathlib
import re
import shlex
import tomllib

import numpy as np
import pandas as pd
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from beam_pipelines.commands import flags
from beam_pipelines.execution import runners
from beam_pipelines.files import object_stores
from beam_pipelines.preparing.settings import PreprocessSettings
from beam_pipelines.scoring.settings import ScoreSettings
from beam_pipelines.verify import VerifySettings
from serving.ask import AskSettings
from serving.checking.settings import CheckSettings
from serving.configuring.settings import ConfigureSettings
from serving.local_server.settings import LocalSettings
from serving.publishing.settings import PublishSettings
from trainer.settings import TrainerSettings, preset_values

ROOT = pathlib.Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
SETTINGS = {
    "beam_pipelines.preprocess": PreprocessSettings,
    "beam_pipelines.score": ScoreSettings,
    "trainer.task": TrainerSettings,
    "beam_pipelines.verify": VerifySettings,
    "serving.check": CheckSettings,
    "serving.publish": PublishSettings,
    "serving.configure": ConfigureSettings,
    "serving.local": LocalSettings,
    "serving.ask": AskSettings,
}
JOBS = (PreprocessSettings, ScoreSettings)
OTHER_MODULES = ("demo.__main__", "benchmarks.__main__", "benchmarks.memory", "benchmarks.quality")
# The flags in the README that are not our own.
BEAM_FLAGS = {
    "--runner",
    "--project",
    "--region",
    "--temp_location",
    "--template_location",
    "--setup_file",
    "--sdk_container_image",
    "--flink_master",
    "--job_server_timeout",
    "--environment_type",
    "--environment_config",
    "--shared_folder",
    "--direct_running_mode",
    "--direct_num_workers",
    "--s3_endpoint_url",
    "--s3_access_key_id",
    "--s3_secret_access_key",
    "--s3_region_name",
}
FOREIGN_FLAGS = {"--help", "--constraint", "--editable", "--logdir", "--detach", "--wait", *BEAM_FLAGS}
PROGRAM = re.compile(r"(\.venv/bin/)?(python|pip|tensorboard|git|make|docker|curl) ")
CODE_BLOCK = re.compile(r"^```\w*\n(?P<fenced>[^`]*)^```$|(?P<indented>(?:^    .*\n)+)", re.MULTILINE)
FLAG = re.compile(r"(?<![\w-])--\w[\w-]*")


def command_lines(text: str) -> list[list[str]]:
    """The arguments of each command in some lines, of which a backslash joins two."""
    lines = re.sub(r" *\\\n *", " ", text).splitlines()
    # What a shell does with the output is no argument.
    commands = (line.strip().partition(" > ")[0] for line in lines)
    return [shlex.split(command, comments=True) for command in commands if PROGRAM.match(command)]


def python_commands(commands: list[list[str]]) -> list[tuple[str, ...]]:
    """The module and the arguments of each `python -m MODULE ...`."""
    return [tuple(command[2:]) for command in commands if command[0].endswith("python") and command[1] == "-m"]


IN_BLOCKS = [
    command for match in CODE_BLOCK.finditer(README) for command in command_lines(match["fenced"] or match["indented"])
]
# Inline code may run over the end of a line.
SPANS = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", CODE_BLOCK.sub("", README))]
IN_SPANS = [command for span in SPANS for command in command_lines(span)]
IN_README = python_commands(IN_BLOCKS + IN_SPANS)


def commands_in_docstrings() -> list[tuple[str, ...]]:
    """The commands of modules' and classes' docstrings; those of the settings are what `--help` shows."""
    commands = []
    for package in ("beam_pipelines", "trainer", "serving", "benchmarks", "demo"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Module | ast.ClassDef):
                    commands += python_commands(command_lines(ast.get_docstring(node) or ""))
    return commands


IN_DOCSTRINGS = commands_in_docstrings()


class Parsed(Exception):
    """A parser has taken its arguments."""


def parse_args(parser: argparse.ArgumentParser, arguments: list[str] | None = None) -> None:
    """Parses as argparse does, and ends the command then."""
    namespace, unknown = parser.parse_known_args(arguments)
    if unknown:
        parser.error(f"unknown arguments {unknown}")
    raise Parsed(namespace)


@pytest.fixture
def parse(monkeypatch):
    """Has a command read its arguments with its own parser, and do nothing else."""
    # Neither the runner nor the folders on its line are there.
    monkeypatch.setattr(runners, "check", lambda options: None)
    monkeypatch.setattr(object_stores, "set_options", lambda options: None)
    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_args)

    def run(module: str, *arguments: str) -> None:
        if module not in SETTINGS:
            program = "__main__" if module in ("benchmarks", "demo") else ""
            main = importlib.import_module(f"{module}.{program}".strip(".")).main
            monkeypatch.setattr("sys.argv", [module, *arguments])
            with pytest.raises(Parsed):
                main()
            return
        settings_class = SETTINGS[module]
        presets = {"presets": preset_values} if settings_class is TrainerSettings else {}
        others = flags.parse(settings_class, module, [*arguments], **presets)[1]
        if settings_class in JOBS:
            runners.options_of(others, settings_class, module)
        else:
            flags.refuse_unknown(others, settings_class, module)

    return run


def without_ellipsis(command: tuple[str, ...]) -> tuple[str, ...]:
    """Puts the arguments of the first command of the same module in the place of `...`."""
    module, *arguments = command
    whole = next(other for other in [*IN_README, *IN_DOCSTRINGS] if other[0] == module and "..." not in other)
    if "..." in arguments:
        index = arguments.index("...")
        arguments[index : index + 1] = whole[1:]
    return module, *arguments


def test_the_commands_are_found():
    programs = [command[0].rpartition("/")[2] for command in IN_BLOCKS]
    assert programs.count("python") >= 6
    assert len(programs) >= 11
    assert {"git", "make", "python", "docker", "curl"} <= set(programs)
    assert len(IN_SPANS) >= 9
    assert len(IN_DOCSTRINGS) >= 14


# The README says of one, "with the columns of your archive", instead of its arguments.
@pytest.mark.parametrize("command", sorted({*IN_README, *IN_DOCSTRINGS} - {("benchmarks.quality",)}), ids=" ".join)
def test_a_command_is_one_that_its_parser_takes(parse, command):
    parse(*without_ellipsis(command))


@functools.cache
def flags_of_commands() -> dict[str, set[str]]:
    """The flags of each command, by its module."""
    of_commands = {module: set(flags.parser_for(SETTINGS[module], module).flags) for module in SETTINGS}
    for module in OTHER_MODULES:
        source = (ROOT / f"{module.replace('.', '/')}.py").read_text()
        of_commands[module] = {*re.findall(r'add_argument\(\s*"(--\w+)"', source)}
    return of_commands


def test_every_flag_is_one_of_a_command():
    known = FOREIGN_FLAGS.union(*flags_of_commands().values())
    in_readme = set(FLAG.findall(README))
    assert len(in_readme) > 40
    assert in_readme - known == set()


def test_no_foreign_flag_is_listed_in_vain():
    assert FOREIGN_FLAGS - set(FLAG.findall(README)) == set()
    parsers: list[argparse.ArgumentParser] = []
    PipelineOptions([]).get_all_options(add_extra_args_fn=parsers.append)
    assert parsers[0]._option_string_actions.keys() >= BEAM_FLAGS


@pytest.mark.parametrize("span", sorted({span for span in SPANS if span.startswith("--") and " " in span}))
def test_a_flag_takes_the_value_that_it_is_shown_with(parse, span):
    """By some command that has it, after what the README gives that command."""
    arguments = shlex.split(span)
    modules = [module for module, names in flags_of_commands().items() if arguments[0] in names]
    refusals = []
    for module in modules or ["beam_pipelines.score"]:
        command = without_ellipsis((module.removesuffix(".__main__"), "..."))
        try:
            return parse(*command, *arguments)
        except SystemExit as refusal:
            refusals.append((module, refusal))
    pytest.fail(f"{span}: {refusals}")


def test_make_has_the_targets_and_the_project_the_extras():
    makefile = (ROOT / "Makefile").read_text()
    targets = {command[1] for command in IN_BLOCKS + IN_SPANS if command[0] == "make"}
    assert targets >= {"demo", "test", "setup", "bench"}
    assert targets <= set(re.findall(r"^(\w+):", makefile, re.MULTILINE))
    extras = set(re.findall(r"'\.\[(\w+)\]'", README))
    assert len(extras) == 2
    assert extras <= tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"].keys()


def lines(folder: pathlib.Path, name: str) -> list[dict]:
    return [json.loads(line) for path in folder.glob(f"{name}*") for line in path.open()]


def test_the_pipeline_of_one_s_own(rows, cnn, tmp_path, monkeypatch):
    code = next(block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "def run" in block)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dump").mkdir()
    (tmp_path / "trained").symlink_to(cnn)
    table = pd.DataFrame([*rows[:50], {**rows[50], "text": ""}])
    table.rename(columns={"text": "body"}).to_parquet("dump/a.parquet")
    names: dict = {}
    exec(code, names)
    assert {row["id"]: row["stars"] for row in lines(tmp_path / "scored", "scores")} == {
        row["id"]: row["score"] for row in rows[:50]
    }
    [reject] = lines(tmp_path / "scored", "rejects")
    assert (reject["reason"], reject["row"]["id"]) == ("empty_text", "r50")

    # Whatever columns there are.
    table[["text"]].assign(day=pd.Timestamp("2020-02-02")).to_parquet("other.parquet")
    names["run"]("other.parquet", "trained", "other", text_column="text")
    assert [row["day"] for row in lines(tmp_path / "other", "scores")] == ["2020-02-02 00:00:00"] * 50


def test_a_model_of_one_s_own(prepared, tmp_path, monkeypatch):
    code = next(
        block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "TFTransformOutput" in block
    )
    (tmp_path / "prepared").symlink_to(prepared)
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(code, names)
    batch = next(iter(names["examples"]))
    assert set(batch) == {"ids", "score", "id", "split_hash"}
    assert batch["ids"].shape[0] == 32
    assert len(names["tokens"]) == len(np.load("prepared/vectors.npy")) - 2
