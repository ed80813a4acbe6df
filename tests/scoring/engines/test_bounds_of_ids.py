"""The compiled networks prefetch the rows of later tokens, and n-grams look at two: none reads an id past the last."""

import mmap
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent.parent.parent
PROGRAM = """
import numpy as np
from beam_pipelines.scoring.engines.compiled_cnn import CompiledCnn
from beam_pipelines.scoring.engines.compiled_lstm import CompiledLstm
from beam_pipelines.scoring.engines.compiled_ngrams import CompiledNgrams
from tests.helpers.guarded_memory import array_before_forbidden_page

random = np.random.default_rng(0)
cnn = CompiledCnn(random.normal(size=(9, 3 + 2 + 1 + 2)).astype(np.float32), np.array([1, 2, 3]))
lstm = CompiledLstm(*(random.normal(size=size).astype(np.float32) for size in ((9, 8 * 4 + 2), (2, 4, 16))))
keys = np.array([first << 32 | second for first in range(2, 9) for second in range(2, 9)])
ngrams = CompiledNgrams(keys, random.normal(size=(9 + len(keys), 3)).astype(np.float32))
for length in (1, 2, 4, 5, 31, 32, 33, 64, 65, 100):
    ids = array_before_forbidden_page(random.integers(0, 9, length))
    for network in (cnn, lstm, ngrams):
        for starts in (np.array([0]), np.array([length - 1]), np.array([0, length // 2])):
            for values in network.pool(ids, starts, length - starts):
                assert np.isfinite(values).all()
print("all read")
"""


@pytest.mark.skipif(not hasattr(mmap, "MAP_ANONYMOUS"), reason="memory is protected in the way of POSIX")
def test_no_id_is_read_past_the_last():
    """The ids end where memory does that no one may read: a program that does is killed."""
    ended = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, "all read\n"), ended.stderr[-2000:]
