"""The commands with runners whose workers are not this process."""

import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from beam_pipelines import preprocess, score
from beam_pipelines.errors import UserError
from beam_pipelines.preparing.settings import PreprocessSettings
from beam_pipelines.scoring.settings import ScoreSettings

ON_DATAFLOW = PipelineOptions(["--runner=DataflowRunner"])


@pytest.mark.parametrize("name", ["input", "model", "output"])
def test_score_refuses_a_local_path_that_the_workers_do_not_see(name):
    paths = {"input": "gs://b/in.csv", "model": "gs://b/trained", "output": "gs://b/out", name: "here"}
    settings = ScoreSettings(**{**paths, "input": ("s3://b/in.csv", paths["input"])}, text_column="text")
    with pytest.raises(UserError, match=f"^--{name} here is on this machine, and Dataflow's workers do not see it; "):
        score.run(settings, ON_DATAFLOW)


@pytest.mark.parametrize("name", ["input", "unrated", "output"])
def test_preprocess_refuses_a_local_path_that_the_workers_do_not_see(name):
    paths = {"input": "gs://b/in.csv", "output": "gs://b/out", name: "here"}
    # The vectors are for this process to read.
    archives = {"input": ("s3://b/in.csv", paths["input"]), "unrated": (paths.get("unrated", "gs://b/others"),)}
    given = {**paths, **archives, "embeddings": "glove.txt"}
    settings = PreprocessSettings(**given, text_column="text", score_column="score")
    with pytest.raises(UserError, match=f"^--{name} here is on this machine, and Dataflow's workers do not see it; "):
        preprocess.run(settings, ON_DATAFLOW)
