"""The memory that a server of an export needs.

The figures come from processes that loaded an export with TensorFlow 2.21 alone, as `serving.checking.probe` does, on
two cores. They are the growth of the peak resident memory (VmHWM) over that of TensorFlow itself, in MiB:

    model, size of the export                      CNN, 3    CNN, 49    CNN, 128    LSTM, 25
    loaded                                             63        124         196         100
    and 32 reviews of 250 words                        90        150         212         143
    and 32 reviews of 4,000 words                     210        268         314         438
    and 8 such requests at once, explanations too     399        477         467         632

What a bare `tensorflow_model_server` takes could not be measured there: `SERVER_MIB` is an allowance.
"""

import math
from collections.abc import Sequence

SERVER_MIB = 384
# Of a version: its graphs, and its weights with what is computed from them when it is loaded.
GRAPHS_MIB = 64
PER_MIB_OF_EXPORT = 1.2
# Of long reviews that are scored at the same time.
REQUESTS_MIB = 256
REQUESTS_MIB_PER_CPU = 160
ROUNDED_UP_TO_MIB = 256


def limit_mib(sizes: Sequence[int], cpus: int) -> int:
    """Returns the memory limit of a server.

    Args:
      sizes: Bytes of each version that it holds at the same time; while one takes the place of another, both.
      cpus: Its cores.

    >>> limit_mib([51_000_000, 51_000_000], cpus=2)
    1280
    """
    versions = sum(GRAPHS_MIB + PER_MIB_OF_EXPORT * size / 2**20 for size in sizes)
    needed = SERVER_MIB + versions + REQUESTS_MIB + REQUESTS_MIB_PER_CPU * cpus
    return ROUNDED_UP_TO_MIB * math.ceil(needed / ROUNDED_UP_TO_MIB)
