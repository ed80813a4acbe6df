"""Flex templates: their parameters are the flags of the commands, and become them again in the launcher."""

import json
import pathlib

import pytest

from beam_pipelines.commands import flags
from beam_pipelines.errors import UserError
from beam_pipelines.execution import runners
from beam_pipelines.preparing.settings import PreprocessSettings
from beam_pipelines.scoring.settings import ScoreSettings
from deploy.dataflow import launch, write_metadata

FOLDER = pathlib.Path(write_metadata.__file__).parent
SETTINGS = {"preprocess": PreprocessSettings, "score": ScoreSettings}
# What the launcher itself gives.
OF_LAUNCHER = ["--runner=DataflowRunner", "--project=p", "--region=r", "--temp_location=gs://b/tmp"]
SCORE = ["--input=gs://b/dump/*", "--model=gs://b/trained", "--output=gs://b/scored", "--text_column=body"]


def stored(command: str) -> dict:
    return json.loads((FOLDER / f"{command}.metadata.json").read_text())


def parameters(command: str) -> dict[str, dict]:
    return {parameter["name"]: parameter for parameter in stored(command)["parameters"]}


def actions(command: str) -> dict:
    return {action.dest: action for action in flags.parser_for(SETTINGS[command], command)._actions}


@pytest.mark.parametrize("command", SETTINGS)
def test_what_is_stored_is_what_make_metadata_writes(command):
    assert stored(command) == write_metadata.metadata(command)


@pytest.mark.parametrize("command", SETTINGS)
def test_a_parameter_is_a_flag_that_hands_a_job_over(command):
    ours = actions(command).keys() - {"help", "no_wait", "finish", "dry_run"}
    assert parameters(command).keys() == {*ours, "number_of_worker_harness_threads", "sdk_container_image"}


@pytest.mark.parametrize("command", SETTINGS)
def test_a_parameter_says_what_the_help_says(command):
    texts = {name: action.help.replace("%%", "%") for name, action in actions(command).items()}
    for name, parameter in parameters(command).items():
        assert parameter["helpText"] == texts.get(name, parameter["helpText"])
        assert parameter["helpText"]


@pytest.mark.parametrize(("command", "more"), [("score", []), ("preprocess", ["phase"])])
def test_what_a_command_requires_a_template_requires(command, more):
    required = [name for name, action in actions(command).items() if action.required]
    assert [name for name, each in parameters(command).items() if not each["isOptional"]] == required + more


def test_kinds_of_parameters():
    of_score, of_preprocess = parameters("score"), parameters("preprocess")
    assert of_score["overwrite"]["paramType"] == "BOOLEAN"
    assert of_score["text_column"]["paramType"] == "TEXT"
    assert [option["value"] for option in of_score["empty_text"]["enumOptions"]] == ["reject", "score"]
    assert [option["value"] for option in of_preprocess["phase"]["enumOptions"]] == ["count", "examples"]


def test_the_launcher_turns_parameters_into_arguments(monkeypatch):
    monkeypatch.setattr(runners, "check", lambda options: None)
    given = [*SCORE, "--overwrite=true", "--explain=false", "--keep_columns=a=b,c", *OF_LAUNCHER]
    taken = launch.arguments(given, ScoreSettings, "worker:1")
    settings, others = flags.parse(ScoreSettings, "score", taken)
    assert settings == ScoreSettings(
        input=("gs://b/dump/*",),
        model="gs://b/trained",
        output="gs://b/scored",
        text_column="body",
        keep_columns="a=b,c",
        overwrite=True,
        no_wait=True,
    )
    options = runners.options_of(others, ScoreSettings, "score").get_all_options()
    assert options["sdk_container_image"] == "worker:1"
    assert options["experiments"] == ["no_use_multiple_sdk_containers"]


def test_another_image_and_other_experiments_stay():
    given = [*SCORE, "--sdk_container_image=other:2", "--experiments=x"]
    taken = launch.arguments(given, ScoreSettings, "worker:1")
    assert [argument for argument in taken if argument.startswith("--sdk")] == ["--sdk_container_image=other:2"]
    assert taken[-3:] == ["--experiments=x", "--experiments=no_use_multiple_sdk_containers", "--no_wait"]


@pytest.mark.parametrize("value", ["yes", "True", ""])
def test_a_switch_is_true_or_false(value):
    with pytest.raises(UserError, match=f"--explain={value} is neither true nor false"):
        launch.arguments([f"--explain={value}"], ScoreSettings, "worker:1")


def test_a_phase_of_preprocess_goes_through_the_launcher():
    given = ["--input=gs://b/a", "--output=gs://b/o", "--text_column=t", "--score_column=s", "--phase=count"]
    taken = launch.arguments(given, PreprocessSettings, "worker:1")
    settings, _ = flags.parse(PreprocessSettings, "preprocess", taken)
    assert (settings.phase, settings.no_wait) == ("count", True)
