"""Writes what a flex template says of its parameters, from the flags of the command that it starts.

    python -m deploy.dataflow.write_metadata

writes NAME.metadata.json beside this file for each of the two jobs.
"""

import argparse
import json
import pathlib
from collections.abc import Iterator

from apache_beam.options.pipeline_options import PipelineOptions

from beam_pipelines.commands import flags
from beam_pipelines.preparing.settings import CHOOSE, PreprocessSettings
from beam_pipelines.scoring.settings import ScoreSettings

FOLDER = pathlib.Path(__file__).parent
SETTINGS = {"preprocess": PreprocessSettings, "score": ScoreSettings}
# A template is a job that Dataflow is handed: launch.py waits for none, and these hand over nothing.
LEFT_OUT = {"help", "no_wait", "finish", "dry_run"}
# Of Beam's, what `gcloud dataflow flex-template run` has no flag of its own for.
OF_BEAM = ("number_of_worker_harness_threads", "sdk_container_image")


def metadata(command: str) -> dict:
    """What a template says of itself."""
    parser = flags.parser_for(SETTINGS[command], command)
    beams: list[argparse.ArgumentParser] = []
    PipelineOptions([]).get_all_options(add_extra_args_fn=beams.append)
    return {
        "name": f"review-scorer {command}",
        "description": (parser.description or "").partition("\n")[0],
        "streaming": False,
        "parameters": [
            *(parameter(action) for action in parser._actions if action.dest not in LEFT_OUT),
            *(parameter(action) for action in beams[0]._actions if action.dest in OF_BEAM),
        ],
    }


def parameter(action: argparse.Action) -> dict:
    """What a template says of a flag."""
    described = {
        "name": action.dest,
        "label": action.dest.replace("_", " ").capitalize(),
        "helpText": (action.help or "").replace("%%", "%"),
        # Without a phase, preprocess waits between two pipelines, as a launcher cannot.
        "isOptional": not (action.required or action.dest == "phase"),
        "paramType": "TEXT",
    }
    if action.nargs == 0:
        return {**described, "paramType": "BOOLEAN"}
    if action.choices:
        options = [{"value": choice, "label": choice} for choice in choices(action)]
        return {**described, "paramType": "ENUM", "enumOptions": options}
    return described


def choices(action: argparse.Action) -> Iterator[str]:
    """The values of a flag that hand Dataflow a job: the vocabulary is chosen by the command alone."""
    return (choice for choice in action.choices or () if (action.dest, choice) != ("phase", CHOOSE))


def main() -> None:
    for command in SETTINGS:
        text = json.dumps(metadata(command), indent=2, ensure_ascii=False)
        (FOLDER / f"{command}.metadata.json").write_text(f"{text}\n")


if __name__ == "__main__":
    main()
