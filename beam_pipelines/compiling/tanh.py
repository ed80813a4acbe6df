"""The hyperbolic tangent in compiled loops, many numbers at a time."""

import math

import numpy as np

from beam_pipelines.compiling.cache import compiled
from beam_pipelines.compiling.vectors import greater, lesser, splat

# Beyond it, tanh is 1 in float32.
_LARGEST = np.float32(8.7)
_DEGREE = 12


def _pade() -> np.ndarray:
    """The coefficients of the diagonal Pade approximant of exp(2x) (Baker and Graves-Morris, 1996).

    The odd terms over the even ones are tanh(x), within 5e-7 up to `_LARGEST`; all are positive, so that
    nothing cancels out.
    """
    n = _DEGREE
    return np.array(
        [math.comb(n, k) * math.factorial(2 * n - k) * 2.0**k / math.factorial(2 * n) for k in range(n + 1)]
    )


_C0, _C1, _C2, _C3, _C4, _C5, _C6, _C7, _C8, _C9, _C10, _C11, _C12 = _pade().astype(np.float32)


@compiled(fastmath={"contract"}, error_model="numpy")
def tanh(values):
    """Replaces values by their tanh, float32 [values]."""
    for place in range(len(values)):
        x = values[place]
        # In this order, what is no number stays none.
        x = _LARGEST if x > _LARGEST else x
        x = -_LARGEST if x < -_LARGEST else x
        y = x * x
        odd = ((((_C11 * y + _C9) * y + _C7) * y + _C5) * y + _C3) * y + _C1
        even = (((((_C12 * y + _C10) * y + _C8) * y + _C6) * y + _C4) * y + _C2) * y + _C0
        values[place] = x * odd / even


@compiled
def tanh_fraction(x):
    """The numerator and the denominator of the tanh of a vector; the denominator is positive.

    For who divides once for several of them: a division takes as long as a dozen products.
    """
    x = lesser(splat(_LARGEST), greater(splat(-_LARGEST), x))
    y = x * x
    odd = ((((splat(_C11) * y + splat(_C9)) * y + splat(_C7)) * y + splat(_C5)) * y + splat(_C3)) * y + splat(_C1)
    even = (
        ((((splat(_C12) * y + splat(_C10)) * y + splat(_C8)) * y + splat(_C6)) * y + splat(_C4)) * y + splat(_C2)
    ) * y + splat(_C0)
    return x * odd, even
