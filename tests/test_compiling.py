"""What was compiled is kept for the sources that made it, and not for ever."""

import os
import time

from beam_pipelines.compiling import cache


def test_what_was_compiled_of_old_sources_is_forgotten(tmp_path):
    now, day = time.time(), 24 * 3600
    ages = {"0" * 16: 0, "1" * 16: 29, "2" * 16: 31, "3" * 16: 400, "mine": 400}
    for name, age in ages.items():
        (tmp_path / name / "scoring").mkdir(parents=True)
        os.utime(tmp_path / name, times=(now - age * day,) * 2)
    cache._forget_old_sources(tmp_path / ("3" * 16))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0" * 16, "1" * 16, "3" * 16, "mine"]
