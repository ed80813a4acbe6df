"""Hands a job to Dataflow from the parameters of a flex template, in the launcher's image.

    python deploy/dataflow/launch.py --input=gs://b/dump/* --overwrite=true ... --runner=DataflowRunner --region=...

The launcher gives each parameter as `--NAME=VALUE`, and waits for the end of this program before the job starts.
"""

import os
import sys
import typing

from beam_pipelines import console
from beam_pipelines.commands import entry
from beam_pipelines.errors import UserError
from beam_pipelines.preparing.settings import PreprocessSettings
from beam_pipelines.scoring.settings import ScoreSettings

SETTINGS = {"preprocess": PreprocessSettings, "score": ScoreSettings}
# A process for each core would load a model for each; the threads of one share it, and compiled code has all cores.
ONE_PROCESS = "--experiments=no_use_multiple_sdk_containers"


def arguments(given: list[str], settings_class: type, image: str) -> list[str]:
    """Turns a template's parameters into a command's arguments.

    Args:
      given: What the launcher gives.
      settings_class: The command's, whose switches have no value.
      image: Of the workers, unless a parameter names another one.

    Raises:
      UserError: A switch is neither true nor false.
    """
    hints = typing.get_type_hints(settings_class)
    switches = {f"--{name}" for name, hint in hints.items() if hint is bool}
    taken = []
    for argument in given:
        name, _, value = argument.partition("=")
        if name not in switches:
            taken.append(argument)
        elif value not in ("true", "false"):
            raise UserError(f"{name}={value} is neither true nor false")
        elif value == "true":
            taken.append(name)
    if not any(argument.startswith("--sdk_container_image=") for argument in given):
        taken.append(f"--sdk_container_image={image}")
    return [*taken, ONE_PROCESS, "--no_wait"]


def main() -> int:
    name = os.environ["REVIEW_SCORER_COMMAND"]
    taken = arguments(sys.argv[1:], SETTINGS[name], os.environ["REVIEW_SCORER_IMAGE"])
    return console.module_of(name).main(taken, f"{console.PROGRAM} {name}")


if __name__ == "__main__":
    entry.run_command(main, after_interruption="start the template again")
