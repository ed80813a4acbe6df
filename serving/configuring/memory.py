"""The memory that a server of an export needs.

The figures come from processes that loaded an export with TensorFlow 2.21 alone, as `serving.checking.probe` does, on
two cores. They are the growth of the peak resident memory (VmHWM) over that of TensorFlow itself, in MiB:

    model, size of the export                               CNN, 49    LSTM, 25
    loaded, and asked to score and to explain once              257         231
    and, of requests of 4 MiB, the most that the proxy lets in:
      a text of 4 million punctuation marks, explained          742         678
      4 such requests at once                                  1088        1040
      250 texts of 16,000 marks, scored                         379         503
      4 such requests at once                                   501         591
      65,536 texts of 60 marks, explained                       458         589

How much a request takes is bounded by its bytes, since `trainer.row_slices` cuts a batch that padding would make large;
an export from before has no such bound. More requests than cores are computed in turns.

What a bare `tensorflow_model_server` takes, and its JSON, could not be measured there: `SERVER_MIB` is an allowance.
"""

import math
from collections.abc import Sequence

SERVER_MIB = 384
# Of a version: its graphs, made ready for each signature, and its weights with what is computed from them.
GRAPHS_MIB = 192
PER_MIB_OF_EXPORT = 1.2
# Of the requests that take most, one for each core.
REQUESTS_MIB = 64
REQUESTS_MIB_PER_CPU = 416
ROUNDED_UP_TO_MIB = 256


def limit_mib(sizes: Sequence[int], cpus: int) -> int:
    """Returns the memory limit of a server.

    Args:
      sizes: Bytes of each version that it holds at the same time; while one takes the place of another, both.
      cpus: Its cores.

    >>> limit_mib([51_000_000, 51_000_000], cpus=2)
    1792
    """
    versions = sum(GRAPHS_MIB + PER_MIB_OF_EXPORT * size / 2**20 for size in sizes)
    needed = SERVER_MIB + versions + REQUESTS_MIB + REQUESTS_MIB_PER_CPU * cpus
    return ROUNDED_UP_TO_MIB * math.ceil(needed / ROUNDED_UP_TO_MIB)
