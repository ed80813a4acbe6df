"""The commands and flags of the documents on deployment are those that there are."""

import argparse
import functools
import re

import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from beam_pipelines.archive.extents import Sizes
from tests.deploy.documents import OUR_COMMANDS, TEXTS, shell_lines
from tests.test_readme import FLAG, flags_of_commands, parse  # noqa: F401 (a fixture)

# The flags of programs that are not ours: of docker, kubectl, gcloud, the boot program and the job servers.
OTHERS = {
    *("--help", "--file", "--detach", "--rm", "--entrypoint", "--volume", "--restart", "--build-arg"),
    *("--filename", "--staging-location", "--worker-machine-type", "--max-workers", "--launcher-machine-type"),
    *("--template-file-gcs-location", "--parameters", "--worker_pool"),
    *("--spark-master-url", "--job-host", "--artifacts-dir"),
}
PROGRAMS = {"docker", "kubectl", "gcloud", "make", "export", "review-scorer", ".venv/bin/review-scorer"}


@functools.cache
def flags_of_beam() -> set[str]:
    parsers: list[argparse.ArgumentParser] = []
    PipelineOptions([]).get_all_options(add_extra_args_fn=parsers.append)
    return {*parsers[0]._option_string_actions}


def test_the_documents_show_commands():
    of_documents = [name for name, _ in OUR_COMMANDS]
    assert {*of_documents} == {*TEXTS}
    assert len(OUR_COMMANDS) >= 9


@pytest.mark.parametrize(("name", "command"), OUR_COMMANDS, ids=lambda value: " ".join(value)[:80])
def test_a_command_is_one_that_its_parser_takes(parse, name, command):  # noqa: F811
    parse(*command)


@pytest.mark.parametrize("name", TEXTS)
def test_every_line_of_a_block_calls_a_known_program(name):
    assert {words[0] for words in shell_lines(TEXTS[name])} <= PROGRAMS


@pytest.mark.parametrize("name", TEXTS)
def test_every_flag_is_one_of_a_program(name):
    known = OTHERS.union(flags_of_beam(), *flags_of_commands().values())
    found = {*FLAG.findall(TEXTS[name])}
    assert len(found) > 3
    assert found - known == set()


def test_no_foreign_flag_is_listed_in_vain():
    assert OTHERS - {*FLAG.findall("".join(TEXTS.values()))} == set()
    assert OTHERS & flags_of_beam() == {"--help"}


def test_extents_are_as_many_as_the_table_says():
    bytes_of = {"MB": 1e6, "GB": 1e9, "TB": 1e12}
    rows = re.findall(
        r"^\| [\d,]+(?: \w+)? \| (\S+) (\w+) \| (\S+) MB \| (\S+) \|$", TEXTS["docs/scale.md"], re.MULTILINE
    )
    assert len(rows) == 5
    for size, unit, extent_mb, extents in rows:
        archive = int(float(size) * bytes_of[unit])
        extent = Sizes.of(archive).extent_bytes
        assert extent / 1e6 == pytest.approx(float(extent_mb), rel=0.05)
        assert archive / extent == pytest.approx(int(extents.replace(",", "")), rel=0.01)
