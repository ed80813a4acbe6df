"""The table of architectures, which the settings read."""

import subprocess
import sys

import pytest

from trainer.architectures.registry import ARCHITECTURES, notebook_learning_rates
from trainer.settings import PRESETS


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_an_entry_has_the_presets_that_its_module_has(name):
    of_notebook = name in notebook_learning_rates()
    classes = {preset: ARCHITECTURES[name].load(preset) for preset in PRESETS if preset == "default" or of_notebook}
    assert len(set(classes.values())) == len(classes)


def test_it_loads_without_keras():
    program = (
        "import sys, trainer.architectures.registry; sys.exit({'keras', 'tensorflow'} & set(sys.modules) != set())"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
