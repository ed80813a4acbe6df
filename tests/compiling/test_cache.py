"""What was compiled is kept for the sources that made it, and not for ever."""

import os
import pathlib
import time

import pytest

from beam_pipelines.compiling import cache
from beam_pipelines.errors import UserError

ROOT = pathlib.Path(cache.__file__).parent.parent.parent


def test_what_was_compiled_of_old_sources_is_forgotten(tmp_path):
    now, day = time.time(), 24 * 3600
    ages = {"0" * 16: 0, "1" * 16: 29, "2" * 16: 31, "3" * 16: 400, "mine": 400}
    for name, age in ages.items():
        (tmp_path / name / "scoring").mkdir(parents=True)
        os.utime(tmp_path / name, times=(now - age * day,) * 2)
    cache._forget_old_sources(tmp_path / ("3" * 16))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0" * 16, "1" * 16, "3" * 16, "mine"]


def test_nothing_else_is_forgotten_in_the_folder_that_numba_is_given(tmp_path, monkeypatch):
    (tmp_path / "photos-from-2019").mkdir()
    os.utime(tmp_path / "photos-from-2019", times=(0, 0))
    monkeypatch.setattr(cache.numba.config, "CACHE_DIR", str(tmp_path))
    folder = pathlib.Path(cache._cache_folder.__wrapped__())
    folder.mkdir(parents=True)
    cache._forget_old_sources(folder)
    assert folder.is_relative_to(tmp_path)
    assert (tmp_path / "photos-from-2019").exists()


def test_nothing_is_run_where_compiling_is_switched_off(monkeypatch):
    """Else the archive would be blamed: blocks of bytes have no form in plain Python."""
    monkeypatch.setattr(cache.numba.config, "DISABLE_JIT", 1)
    with pytest.raises(UserError, match="NUMBA_DISABLE_JIT is set"):
        cache.compiled(abs)


def test_loops_stand_in_files_that_are_called_compiled():
    """The rule of the package's docstring: a reader finds numba's loops by the names of files."""
    sources = [path for package in ("beam_pipelines", "trainer", "serving") for path in (ROOT / package).rglob("*.py")]
    with_loops = [path for path in sources if "\n@compiled" in path.read_text()]
    assert len(with_loops) > 5
    assert [path for path in with_loops if path.parent.name != "compiling" and path.stem[:9] != "compiled_"] == []


def test_the_internals_of_numba_are_used_in_one_module_alone():
    """What a new version of numba may break is found there."""
    sources = [path for package in ("beam_pipelines", "trainer", "serving") for path in (ROOT / package).rglob("*.py")]
    marks = ("numba.core", "._cache", "cgutils", "make_array")
    assert [path.name for path in sources if any(mark in path.read_text() for mark in marks)] == ["numba_internals.py"]


def test_compiled_code_runs_without_the_lock_of_the_interpreter():
    """Otherwise the threads of `threads` would wait for each other."""
    assert cache.compiled(lambda value: value).targetoptions["nogil"]
