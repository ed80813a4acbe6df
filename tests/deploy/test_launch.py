"""The launcher of a flex template, as Dataflow starts it, but with a bucket on loopback."""

import json
import os
import pathlib
import subprocess
import sys

from google.cloud import storage

ROOT = pathlib.Path(__file__).parents[2]
ROWS = "".join(f"a{row},{row % 5 + 1},a fine film number {row}\n" for row in range(50))


def test_it_stages_the_job_and_ends(new_bucket):
    """Dataflow gives the place of the template, and starts the job that it finds there when the program has ended."""
    bucket = new_bucket("gs")
    files = storage.Client.create_anonymous_client().bucket(bucket.removeprefix("gs://"))
    files.blob("dump/a.csv").upload_from_string(f"id,stars,text\n{ROWS}")
    parameters = {
        **{"input": f"{bucket}/dump/*", "output": f"{bucket}/prepared", "overwrite": "false"},
        **{"text_column": "text", "score_column": "stars", "phase": "count", "number_of_worker_harness_threads": "4"},
        **{"runner": "DataflowRunner", "project": "reviews", "region": "us-central1", "job_name": "count-1"},
        **{"temp_location": f"{bucket}/tmp", "template_location": f"{bucket}/staged/job_object"},
    }
    launched = subprocess.run(
        [sys.executable, "-m", "deploy.dataflow.launch", *(f"--{name}={value}" for name, value in parameters.items())],
        cwd=ROOT,
        env=os.environ | {"REVIEW_SCORER_COMMAND": "preprocess", "REVIEW_SCORER_IMAGE": "r/worker:1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert launched.returncode == 0, launched.stderr
    assert f"review-scorer preprocess --input '{bucket}/dump/*' --output {bucket}/prepared" in launched.stderr
    job = json.loads(files.blob("staged/job_object").download_as_bytes())
    [pool] = job["environment"]["workerPools"]
    assert {each["containerImage"] for each in pool["sdkHarnessContainerImages"]} == {"r/worker:1"}
    options = job["environment"]["sdkPipelineOptions"]["options"]
    assert "no_use_multiple_sdk_containers" in options["experiments"]
    assert options["number_of_worker_harness_threads"] == 4
    # Nothing of the work was done here.
    assert not files.blob("prepared/statistics.json").exists()
