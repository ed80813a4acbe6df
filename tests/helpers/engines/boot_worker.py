"""Workers as Dataflow and Flink start them: Beam's boot program, in an environment that has all but the project.

Boot has to install the project from what the launching process has staged, as `--setup_file ./setup.py` says.
"""

import json
import pathlib
import sys
import sysconfig

from tests.helpers.engines.processes import ENGINES

# Every worker gets a new environment. Prism 2.77 puts the id in quotes.
_START = """#!/bin/sh
set -eu
cd "$(mktemp -d '{folder}/worker.XXXXXX')"
'{python}' -m venv --without-pip venv
echo '{dependencies}' > venv/lib/python{version}/site-packages/dependencies.pth
export PATH="$PWD/venv/bin:$PATH" RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1 TMPDIR="$PWD"
unset PYTHONPATH
for flag do shift; set -- "$@" "$(printf %s "$flag" | tr -d "'")"; done
exec '{boot}' --semi_persist_dir "$PWD" "$@" > boot.log 2>&1
"""


def flags(folder: pathlib.Path) -> list[str]:
    """Makes the program that starts a worker, and returns the flags of a job that has its workers started so.

    Args:
      folder: A new one, where each worker gets a folder of its own.
    """
    config = json.dumps({"command": str(write_start(folder))})
    return ["--environment_type=PROCESS", f"--environment_config={config}", "--setup_file=./setup.py"]


def write_start(folder: pathlib.Path) -> pathlib.Path:
    """Writes the program that starts a worker."""
    folder.mkdir(parents=True)
    path = folder / "start.sh"
    path.write_text(
        _START.format(
            folder=folder,
            python=sys.executable,
            version=sysconfig.get_python_version(),
            dependencies=_link_dependencies(folder / "dependencies"),
            boot=ENGINES / "beam/boot",
        )
    )
    path.chmod(0o755)
    return path


def _link_dependencies(folder: pathlib.Path) -> pathlib.Path:
    """Makes a folder of links to all that is installed here, but for the project and what leads to its checkout."""
    folder.mkdir()
    for entry in pathlib.Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith(("__editable__", "review_scorer", "__pycache__")):
            (folder / entry.name).symlink_to(entry)
    return folder
