"""Several numbers at once: types for compiled functions that fill vector registers whatever the loop around them.

Compilers vectorise inner loops that they can prove to be independent, over as many numbers as the loop has. The kernels
have short loops over arrays that might overlap, so they say themselves what is done to eight numbers at once. Operators
work on them as on floats; on processors with shorter registers the compiler takes several for each.
"""

# ruff: noqa: PLR0917, PLW0108
# Numba passes all by position, and a lambda is what it compiles.

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba import njit, types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.extending import intrinsic, overload, register_model

LANES = 8
"""How many numbers are treated at once."""


def _has_long_registers() -> bool:
    """Tell whether the processor has 32 registers of eight numbers each."""
    try:
        return bool(binding.get_host_cpu_features().get('avx512f'))
    except RuntimeError:  # not every system tells
        return False


WIDE = 32 if _has_long_registers() else 8
"""How many columns products of matrices treat at once: as many as there are registers for, six rows at a time."""

_LINE = 8  # numbers in a line of the cache: no vector shall lie in two


class LanesType(types.Type):
    """The type of several float64 in vector registers.

    :param width: their number.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        super().__init__(name=f'Lanes({width})')

    @property
    def vector(self) -> Any:
        """The same for the compiler."""
        return ir.VectorType(ir.DoubleType(), self.width)


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, lanes: LanesType) -> None:
        super().__init__(manager, lanes, lanes.vector)


_LANES, _WIDE = LanesType(LANES), LanesType(WIDE)


def _address(context: Any, builder: Any, vector: Any, array_type: Any, array: Any, index: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), vector.as_pointer())


def _order(indices: list[int]) -> Any:
    return ir.Constant(ir.VectorType(ir.IntType(32), len(indices)), indices)


def _repeat(builder: Any, value: Any, width: int) -> Any:
    undefined = ir.Constant(ir.VectorType(value.type, width), ir.Undefined)
    one = builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(one, undefined, _order([0] * width))


def _make_load(lanes: LanesType) -> Any:
    @intrinsic
    def load(typing_context, array, index):
        """Return numbers of a contiguous float64 array, beginning at a flat index."""

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.load(_address(context, builder, lanes.vector, signature.args[0], *arguments), align=8)

        return lanes(array, types.int64), generate

    return load


def _make_spread(lanes: LanesType) -> Any:
    @intrinsic
    def spread(typing_context, value):
        """Return one number in all lanes."""

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return _repeat(builder, arguments[0], lanes.width)

        return lanes(types.float64), generate

    return spread


load, load_wide = _make_load(_LANES), _make_load(_WIDE)
spread, spread_wide = _make_spread(_LANES), _make_spread(_WIDE)


@intrinsic
def store(typing_context, array, index, value):
    """Write numbers into a contiguous float64 array, beginning at a flat index."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        *place, numbers = arguments
        builder.store(numbers, _address(context, builder, value.vector, signature.args[0], *place), align=8)
        return context.get_dummy_value()

    return types.void(array, types.int64, value), generate


@intrinsic
def add_up(typing_context, value):
    """Return the sum of the lanes."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        total, width = arguments[0], LANES
        while width > 1:  # halves are added until one number is left
            width //= 2
            half = _order([*range(width, 2 * width), *[0] * (LANES - width)])
            total = builder.fadd(total, builder.shuffle_vector(total, total, half))
        return builder.extract_element(total, ir.Constant(ir.IntType(32), 0))

    return types.float64(_LANES), generate


@intrinsic
def keep_first(typing_context, value, count):
    """Return the first numbers, and zero in all other lanes."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        counts = _repeat(builder, arguments[1], LANES)
        kept = builder.icmp_signed('<', ir.Constant(counts.type, list(range(LANES))), counts)
        return builder.select(kept, arguments[0], ir.Constant(_LANES.vector, [0.0] * LANES))

    return _LANES(_LANES, types.int64), generate


@intrinsic
def root(typing_context, value):
    """Return the square roots."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(_LANES.vector, [_LANES.vector])
        function = cgutils.get_or_insert_function(builder.module, kind, f'llvm.sqrt.v{LANES}f64')
        return builder.call(function, arguments)

    return _LANES(_LANES), generate


def _make_operator(instruction: str) -> Any:
    @intrinsic
    def apply(typing_context, one, other):
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return getattr(builder, instruction)(*arguments)

        return one(one, one), generate

    def implement(one, other):
        if isinstance(one, LanesType) and one == other:
            return lambda one, other: apply(one, other)
        if one == _LANES:
            return lambda one, other: apply(one, spread(other))
        if other == _LANES:
            return lambda one, other: apply(spread(one), other)
        return None

    return implement


for _operator, _instruction in (
    (operator.add, 'fadd'), (operator.iadd, 'fadd'), (operator.sub, 'fsub'), (operator.isub, 'fsub'),
    (operator.mul, 'fmul'), (operator.truediv, 'fdiv'),
):  # fmt: skip
    overload(_operator)(_make_operator(_instruction))


@intrinsic
def take_next(typing_context, counter):
    """Return the first number of an int64 array and add one to it, as if no other thread were there."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.atomic_rmw('add', data, ir.Constant(ir.IntType(64), 1), 'monotonic')

    return types.int64(counter), generate


@intrinsic
def look_at(typing_context, counter):
    """Return the first number of an int64 array, to which another thread may add."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.load_atomic(data, 'acquire', 8)

    return types.int64(counter), generate


@njit(cache=True, nogil=True)
def wait_for(counter, number, patience):
    """Look at a number until it is as large as another, or patience ends.

    :param counter: int64, shape (1,).
    :param number: what is waited for.
    :param patience: how often to look; a thousand times takes about a microsecond.
    """
    for _ in range(patience):
        if look_at(counter) >= number:
            break


@njit
def workspace(size):
    """Return memory for numbers that begins with a line of the cache.

    :param size: in numbers.
    """
    memory = np.empty(size + _LINE)
    start = -memory.ctypes.data // 8 % _LINE
    return memory[start : start + size]
