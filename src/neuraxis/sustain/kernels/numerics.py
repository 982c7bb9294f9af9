"""Arithmetic of the kernels: exponentials that vectorise, sums of logarithms, uniforms, small Cholesky factors."""

from __future__ import annotations

import math

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import config as numba_config
from numba.extending import intrinsic, overload

#: How every kernel is compiled; and those that only kernels call, which need no door from Python: each function is optimised
#: anew in all that it is linked into, doors included.
KERNEL = {"cache": True, "nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
INNER = {**KERNEL, "no_cpython_wrapper": True}
#: For what is called at every place of a walk: a call would cost as much as its work, since arrays are handed over as a dozen
#: words each.
INLINE = {**INNER, "forceinline": True}
#: Reassociation lets sums over people use vector registers; NaN and infinity keep their meaning.
VECTOR = {"reassoc", "contract", "nsz"}
#: For kernels that allocate nothing: no counting of references to their arguments and to the rows they cut from them. With tuples
#: of eighty arrays for arguments that was a third of a chain's step of some hundred people.
BARE = {"_nrt": False}
#: For all others, which allocate or call what does: a kernel would else inherit the setting of the kernel that calls it.
COUNTED = {"_nrt": True}
#: A factor by which a person's mixture density may change in one move, and products of such factors: far inside what
#: float64 can hold.
DRIFT_LOW, DRIFT_HIGH = 1e-100, 1e100


if numba_config.DISABLE_JIT:

    def _bits_to_float(bits):
        return np.int64(bits).view(np.float64)

    def _float_to_bits(value):
        return np.float64(value).view(np.int64)

    def _bits_to_single(bits):
        return np.int32(bits).view(np.float32)

    def _single_to_bits(value):
        return np.float32(value).view(np.int32)

    def wide_vectors():
        """Nothing to do without a compiler."""

else:

    def _bitcast(source, target, ir_type):
        @intrinsic
        def cast(typing_context, value):
            def codegen(context, builder, signature, arguments):
                return builder.bitcast(arguments[0], ir_type)

            return target(source), codegen

        return cast

    @intrinsic
    def wide_vectors(typing_context):
        """Let the loops of the calling kernel use 512-bit registers where the processor has them.

        LLVM avoids them by default, because programs that use them now and then lower the clock for all; these kernels do
        nothing else for hours, and bring a fifth more so.
        """

        def codegen(context, builder, signature, arguments):
            # llvmlite's own check of names does not know this attribute of LLVM's
            set.add(builder.function.attributes, '"prefer-vector-width"="512"')
            return context.get_dummy_value()

        return types.void(), codegen

    _bits_to_float = _bitcast(types.int64, types.float64, ir.DoubleType())
    _float_to_bits = _bitcast(types.float64, types.int64, ir.IntType(64))
    _bits_to_single = _bitcast(types.int32, types.float32, ir.FloatType())
    _single_to_bits = _bitcast(types.float32, types.int32, ir.IntType(32))


#: Added to a whole number it leaves that number in the low bits, where an integer operation finds it: the processors'
#: own conversion of many doubles to integers at once came with AVX-512 only.
WHOLE = 6755399441055744.0


@njit(**KERNEL, **COUNTED)
def fast_exp(x):
    """exp(x) in plain arithmetic, so that loops over it vectorise; relative error below 4e-15.

    Arguments below -708 give about 3e-308, above 709 about 8e307. Cody-Waite reduction to |r| <= log(2)/2, then the
    polynomial of degree 10 through exp at the Chebyshev points of that interval, which is off by 1.8e-15 at most. Few
    coefficients matter: with AVX2's sixteen registers every further one is loaded anew for each vector.
    """
    x = min(max(x, -708.0), 709.0)
    n = np.floor(x * 1.4426950408889634 + 0.5)
    r = x - n * 6.93145751953125e-1
    r = r - n * 1.42860682030941723212e-6
    p = 2.6395126582526755e-07
    p = p * r + 2.763411179587552e-06
    p = p * r + 2.480492104939883e-05
    p = p * r + 0.00019841185367587414
    p = p * r + 0.0013888885644825215
    p = p * r + 0.008333333373313332
    p = p * r + 0.041666666679511064
    p = p * r + 0.16666666666591878
    p = p * r + 0.49999999999981276
    p = p * r + 1.0000000000000033
    p = p * r + 1.0000000000000007
    return p * _bits_to_float((_float_to_bits(n + WHOLE) + 1023) << 52)


# The same in single precision: constants of that type, or the whole expression would be computed in double.
_LOW, _HIGH = np.float32(-87.0), np.float32(88.0)
_LOG2E, _HALF = np.float32(1.4426950408889634), np.float32(0.5)
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_P5, _P4, _P3 = np.float32(1.3981999507e-3), np.float32(8.3334519073e-3), np.float32(4.1665795894e-2)
_P2, _P1, _ONE = np.float32(1.6666665459e-1), np.float32(5.0000001201e-1), np.float32(1.0)
_P6 = np.float32(1.9875691500e-4)
_WHOLE32, _BIAS, _MANTISSA = np.float32(12582912.0), np.int32(127), np.int32(23)


@njit(**INNER, **COUNTED)
def fast_exp_single(x):
    """exp(x) of a float32, relative error below 2e-7; -87 and 88 are the ends of its range (Cephes' coefficients)."""
    x = min(max(x, _LOW), _HIGH)
    n = np.floor(x * _LOG2E + _HALF)
    r = x - n * _LN2_HIGH
    r = r - n * _LN2_LOW
    p = _P6
    p = p * r + _P5
    p = p * r + _P4
    p = p * r + _P3
    p = p * r + _P2
    p = p * r + _P1
    p = p * r * r + r + _ONE
    return p * _bits_to_single(np.int32(_single_to_bits(n + _WHOLE32) + _BIAS) << _MANTISSA)


def exp_like(x):
    """exp(x) in the precision of x."""
    return fast_exp_single(x) if isinstance(x, np.float32) else fast_exp(x)


@overload(exp_like, inline="always")
def _exp_like(x):
    if x == types.float32:
        return lambda x: fast_exp_single(x)
    return lambda x: fast_exp(x)


@njit(**KERNEL, **BARE)
def fill_uniforms(rng, out):
    """Uniforms in [0, 1) by SplitMix64 from a start that `rng` draws; unlike `rng` the loop vectorises."""
    start = np.uint64(rng.random() * 9007199254740992.0) << np.uint64(11)
    for i in range(out.size):
        z = start + np.uint64(i + 1) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
        # 52 bits as the mantissa of a number in [1, 2)
        out[i] = _bits_to_float(np.int64((z >> np.uint64(12)) | np.uint64(0x3FF0000000000000))) - 1.0


@njit(**INNER, **BARE)
def shuffle(order, rng):
    """Fisher-Yates in place."""
    for i in range(order.size - 1, 0, -1):
        j = int(rng.random() * (i + 1))
        order[i], order[j] = order[j], order[i]


@njit(**INNER, **BARE)
def draw_log_gamma(shape, rng):
    """log of a Gamma(shape, 1) draw; for shape < 1 by Gamma(shape + 1) U^(1/shape), safe from underflow."""
    if shape >= 1.0:
        return math.log(rng.standard_gamma(shape))
    return math.log(rng.standard_gamma(shape + 1.0)) + math.log(1.0 - rng.random()) / shape


@njit(**KERNEL, **COUNTED)
def log_normal_interval(low, high):
    """log(Phi(high) - Phi(low)) for low < high, exact in both tails."""
    if low > 0.0:
        low, high = -high, -low
    # now the interval is centred at or below 0, so Phi(low) <= Phi(high) are both well scaled
    root_half = 0.7071067811865476
    if high > -5.0:
        return math.log(0.5 * (math.erfc(-high * root_half) - math.erfc(-low * root_half)))
    upper = _log_lower_tail(high)
    return upper + math.log(-math.expm1(_log_lower_tail(low) - upper))


@njit(**INNER, **COUNTED)
def _log_lower_tail(z):
    """log Phi(z) for z <= -5: erfc where it does not underflow, else its asymptotic series."""
    if z > -25.0:
        return math.log(0.5 * math.erfc(-z * 0.7071067811865476))
    s = 1.0 / (z * z)
    series = 1.0 - s * (1.0 - 3.0 * s * (1.0 - 5.0 * s * (1.0 - 7.0 * s)))
    return -0.5 * z * z - math.log(-z) - 0.9189385332046727 + math.log(series)


@njit(**INNER, **BARE)
def copy(out, source):
    """`out[:] = source` of matrices: the message of Numba's own for shapes that differ takes ten seconds to compile."""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = source[i, j]


@njit(**INNER, **COUNTED)
def lower_inverse(matrix, out):
    """Inverse of the lower Cholesky factor of a positive definite matrix (n, n), into `out`; returns log|matrix|.

    Written out because the matrices are small and LAPACK's threads would be one more thing that results could depend on.
    """
    n = matrix.shape[0]
    factor = np.zeros((n, n))
    log_determinant = 0.0
    for j in range(n):
        s = matrix[j, j]
        for i in range(j):
            s -= factor[j, i] * factor[j, i]
        root = math.sqrt(max(s, 1e-300))
        factor[j, j] = root
        log_determinant += 2.0 * math.log(root)
        for k in range(j + 1, n):
            s = matrix[k, j]
            for i in range(j):
                s -= factor[k, i] * factor[j, i]
            factor[k, j] = s / root
    for j in range(n):
        for i in range(n):
            out[i, j] = 0.0
        out[j, j] = 1.0 / factor[j, j]
        for k in range(j + 1, n):
            s = 0.0
            for i in range(j, k):
                s -= factor[k, i] * out[i, j]
            out[k, j] = s / factor[k, k]
    return log_determinant


@njit(**INNER, **COUNTED)
def invert_positive(matrix, out):
    """Inverse of a positive definite matrix (n, n) into `out`; returns log|matrix|."""
    n = matrix.shape[0]
    root = np.empty((n, n))
    log_determinant = lower_inverse(matrix, root)
    for i in range(n):
        for j in range(i + 1):
            s = 0.0
            for k in range(i, n):
                s += root[k, i] * root[k, j]
            out[i, j] = s
            out[j, i] = s
    return log_determinant
