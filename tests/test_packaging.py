"""The package that `--setup_file` sends to a cluster's workers: what Beam builds of it, and what lies within."""

import pathlib
import re
import shutil
import tarfile

import pytest
from apache_beam.runners.portability.stager import Stager

ROOT = pathlib.Path(__file__).parent.parent
PACKAGES = ("beam_pipelines", "serving", "trainer")
# What builds and describes it.
BESIDE = {"LICENSE", "MANIFEST.in", "NOTICE", "PKG-INFO", "README.md", "pyproject.toml", "setup.cfg", "setup.py"}


@pytest.fixture(scope="module")
def packed(tmp_path_factory) -> dict[str, bytes]:
    """The files of the package that Beam builds from a checkout, by their path in it."""
    checkout = tmp_path_factory.mktemp("checkout")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, checkout / package)
    for path in (path for folder in (".", "tests", "demo", "docs") for path in (ROOT / folder).glob("*")):
        copy = checkout / path.relative_to(ROOT)
        if path.is_file():
            copy.parent.mkdir(exist_ok=True)
            shutil.copy(path, copy)
    built = Stager._build_setup_package(str(checkout / "setup.py"), str(tmp_path_factory.mktemp("built")))
    with tarfile.open(built) as archive:
        files = {member.name: archive.extractfile(member) for member in archive if member.isfile()}
        return {name.partition("/")[2]: file.read() for name, file in files.items()}


def of_the_packages(paths) -> set[str]:
    return {str(path) for path in paths if str(path).startswith(tuple(f"{package}/" for package in PACKAGES))}


def test_a_worker_gets_all_files_as_they_are(packed):
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file())
    named = {str(path.relative_to(ROOT)): path for path in files if "__pycache__" not in path.parts}
    assert of_the_packages(packed) == named.keys()
    for name, path in named.items():
        assert packed[name] == path.read_bytes()


def test_a_worker_gets_nothing_else(packed):
    others = packed.keys() - of_the_packages(packed)
    assert {name for name in others if not name.startswith("review_scorer.egg-info/")} == BESIDE


def test_the_environment_of_make_setup_can_build_it():
    """Beam builds without isolation, so what builds the project has to be installed with it."""
    project = (ROOT / "pyproject.toml").read_text()
    wanted = re.search(r'^requires = \["(setuptools>=\d+)"\]$', project, re.MULTILINE)[1]
    dependencies = project[project.index("\ndependencies = [") : project.index("\n]\n")]
    assert f'"{wanted}",' in dependencies
    assert '"build",' in dependencies
    lock = (ROOT / "requirements.lock").read_text()
    pinned = re.findall(r"^(build|pyproject_hooks|setuptools)==", lock, re.MULTILINE)
    assert sorted(pinned) == ["build", "pyproject_hooks", "setuptools"]
