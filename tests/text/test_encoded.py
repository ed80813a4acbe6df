"""What both engines make of texts, apart from numba."""

import subprocess
import sys

PROGRAM = """
import sys
from beam_pipelines.scoring.engines import saved_model_engine
print("numba" in sys.modules)
"""


def test_the_engine_of_the_saved_model_runs_without_numba():
    """It is what remains where the compiled one cannot run."""
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert ended.stdout == "False\n"
