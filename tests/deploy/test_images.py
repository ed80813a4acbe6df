"""The Dockerfiles: the versions of the project, and files that are there."""

import os
import pathlib
import re
import subprocess
import tomllib

import pandas as pd
import pytest

from deploy.dataflow import warm_up

ROOT = pathlib.Path(__file__).parents[2]
DOCKERFILES = sorted((ROOT / "deploy").rglob("*Dockerfile"))
INSTRUCTIONS = {"FROM", "ARG", "ENV", "COPY", "RUN", "WORKDIR", "ENTRYPOINT"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def instructions(path: pathlib.Path) -> list[list[str]]:
    """The words of each instruction of a Dockerfile."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    return [line.split() for line in re.sub(r" *\\\n *", " ", "\n".join(lines)).splitlines() if line]


def ignored() -> tuple[list[str], list[str]]:
    """What .dockerignore leaves out, and what it takes back in."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    return [line for line in lines if line[0] != "!"], [line[1:] for line in lines if line[0] == "!"]


def test_both_images_are_there():
    assert [path.name for path in DOCKERFILES] == ["launcher.Dockerfile", "worker.Dockerfile"]


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_a_dockerfile_has_known_instructions(path):
    assert {words[0] for words in instructions(path)} <= INSTRUCTIONS


def test_workers_have_the_beam_of_the_lock_and_a_python_of_the_project():
    worker, launcher = (instructions(ROOT / f"deploy/dataflow/{name}.Dockerfile") for name in ("worker", "launcher"))
    bases = {words[1] for words in worker if words[0] == "FROM"}
    [(minor, beam)] = [re.fullmatch(r"apache/beam_python3\.(\d+)_sdk:([\d.]+)", base).groups() for base in bases]
    assert f"\napache-beam=={beam}\n" in (ROOT / "requirements.lock").read_text()
    assert f"apache-beam~={beam}" in PROJECT["dependencies"]
    assert PROJECT["requires-python"] == ">=3.11,<3.14"
    assert 11 <= int(minor) < 14
    assert [words[1] for words in launcher if words[0] == "FROM"] == [
        f"gcr.io/dataflow-templates-base/python3{minor}-template-launcher-base:latest",
        "${WORKER_IMAGE}",
    ]


def test_what_is_copied_is_there_and_not_ignored():
    left_out, kept = ignored()
    assert left_out == ["*", "**/__pycache__"]
    packages = ("beam_pipelines", "trainer", "serving")
    assert {*packages, "pyproject.toml", "setup.py", "MANIFEST.in", "requirements.lock", "LICENSE"} <= {*kept}
    assert all((ROOT / name).exists() for name in kept)
    for path in DOCKERFILES:
        for words in instructions(path):
            sources = words[1:-1] if words[0] == "COPY" and not words[1].startswith("--from") else []
            for source in sources:
                assert (ROOT / source).exists()
                assert source == "." or any(f"{source}/".startswith(f"{name}/") for name in kept)


def test_the_launcher_runs_what_the_worker_image_holds():
    worker, launcher = (instructions(ROOT / f"deploy/dataflow/{name}.Dockerfile") for name in ("worker", "launcher"))
    [copied] = [words for words in worker if words[:2] == ["COPY", "requirements.lock"]]
    variable = "FLEX_TEMPLATE_PYTHON_PY_FILE="
    [started] = [words[1].removeprefix(variable) for words in launcher if words[1].startswith(variable)]
    assert started == f"{copied[-1]}launch.py"
    assert "deploy/dataflow/launch.py" in copied


def test_make_calls_docker_and_gcloud_alone():
    variables = ["IMAGE=r/worker:1", "TEMPLATES=gs://b/t"]
    # The tests may be run by a make themselves.
    command = ["make", "--dry-run", "--no-print-directory", "image", "push", "launchers", "templates", *variables]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    lines = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, env=environment).stdout
    joined = re.sub(r" *\\\n *", " ", lines).splitlines()
    loop = "for job in score preprocess; do "
    assert {line.removeprefix(loop).split()[0] for line in joined} == {"docker", "gcloud"}
    assert "docker build --file deploy/dataflow/worker.Dockerfile --tag r/worker:1 ." in joined
    files = re.findall(r"--(?:file|metadata-file) (\S+)", lines)
    assert len(files) == 3
    assert all((ROOT / file.replace("$job", job)).exists() for file in files for job in ("score", "preprocess"))


def test_the_rows_that_all_is_compiled_with_are_in_each_format(tmp_path):
    warm_up.write(tmp_path)
    made = pd.DataFrame(warm_up.rows())
    assert made["text"].nunique() == warm_up.ROWS
    as_text = {"dtype": str, "keep_default_na": False}
    assert pd.read_csv(tmp_path / "quoted.csv.gz", **as_text).equals(made)
    assert pd.read_csv(tmp_path / "escaped.csv", escapechar="\\", doublequote=False, **as_text).equals(made)
    assert pd.read_json(tmp_path / "lines.jsonl", lines=True, dtype=str).equals(made)
    assert len(pd.read_csv(tmp_path / "unquoted.tsv", sep="\t", quoting=3, **as_text)) == warm_up.ROWS
