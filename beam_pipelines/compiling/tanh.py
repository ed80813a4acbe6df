"""The hyperbolic tangent for compiled loops, over an array or a vector."""

import math

import numpy as np

from beam_pipelines.compiling.cache import compiled
from beam_pipelines.compiling.vectors import maximum, minimum, splat

# tanh of a larger number is 1 in float32.
_LARGEST = np.float32(8.7)
_DEGREE = 12


def _pade() -> np.ndarray:
    """The coefficients of the diagonal Pade approximant of exp(2x) (Baker and Graves-Morris, 1996).

    With P(x) / P(-x) for exp(2x), tanh(x) = (exp(2x) - 1) / (exp(2x) + 1) is the odd terms of P over its even
    ones, within 5e-7 up to `_LARGEST`. All coefficients are positive, so no subtraction loses digits.
    """
    n = _DEGREE
    return np.array(
        [math.comb(n, k) * math.factorial(2 * n - k) * 2.0**k / math.factorial(2 * n) for k in range(n + 1)]
    )


_C0, _C1, _C2, _C3, _C4, _C5, _C6, _C7, _C8, _C9, _C10, _C11, _C12 = _pade().astype(np.float32)


@compiled(fastmath={"contract"}, error_model="numpy")
def tanh(values):
    """Replaces values by their tanh, float32 [values]."""
    for index in range(len(values)):
        x = values[index]
        # Both comparisons are false for NaN, so it passes.
        x = _LARGEST if x > _LARGEST else x
        x = -_LARGEST if x < -_LARGEST else x
        y = x * x
        odd = ((((_C11 * y + _C9) * y + _C7) * y + _C5) * y + _C3) * y + _C1
        even = (((((_C12 * y + _C10) * y + _C8) * y + _C6) * y + _C4) * y + _C2) * y + _C0
        values[index] = x * odd / even


@compiled
def tanh_fraction(x):
    """Computes the numerator and the denominator of the tanh of a vector; the denominator is positive.

    A division takes as long as a dozen products, so a caller with several tanh divides once by the product of
    the denominators. NaN passes: see `maximum`.
    """
    x = minimum(splat(_LARGEST), maximum(splat(-_LARGEST), x))
    y = x * x
    odd = ((((splat(_C11) * y + splat(_C9)) * y + splat(_C7)) * y + splat(_C5)) * y + splat(_C3)) * y + splat(_C1)
    even = (
        ((((splat(_C12) * y + splat(_C10)) * y + splat(_C8)) * y + splat(_C6)) * y + splat(_C4)) * y + splat(_C2)
    ) * y + splat(_C0)
    return x * odd, even
