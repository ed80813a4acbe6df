"""Both jobs on Prism, whose worker is one of Beam's own without the project, started as on Dataflow."""

import pytest

from tests.helpers.engines import prism

pytestmark = pytest.mark.runners


def test_scores_are_those_of_the_runner_in_memory(scores_as_in_memory, tmp_path):
    scores_as_in_memory(*prism.flags(tmp_path / "workers"))


def test_examples_are_those_of_the_runner_in_memory(prepares_as_in_memory, tmp_path):
    prepares_as_in_memory(*prism.flags(tmp_path / "workers"))
