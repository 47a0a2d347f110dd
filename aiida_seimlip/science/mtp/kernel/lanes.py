"""Eight numbers at once: a type for compiled functions that fills vector registers whatever the loop around it.

Compilers vectorise inner loops that they can prove to be independent, over as many numbers as the loop has. The kernels
have short loops over arrays that might overlap, so they say themselves what is done to eight numbers at once. Operators
work on `Lanes` as on floats; on processors with shorter registers the compiler takes several for each.
"""

# ruff: noqa: ARG001, N802, N803
# Numba passes the typing context first, and gives meaning to the names of what it overloads.

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.extending import intrinsic, overload, register_model

LANES = 8
"""How many numbers are treated at once."""

_VECTOR = ir.VectorType(ir.DoubleType(), LANES)
_ALIGNMENT = 64  # bytes of a cache line: no vector then lies in two


class LanesType(types.Type):  # type: ignore[misc]
    """The type of eight float64 in a vector register."""

    def __init__(self) -> None:
        super().__init__(name=f'Lanes({LANES})')


_LANES = LanesType()


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, numba_type: Any) -> None:
        super().__init__(manager, numba_type, _VECTOR)


def _address(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _VECTOR.as_pointer())


def _constant(values: list[int]) -> Any:
    return ir.Constant(ir.VectorType(ir.IntType(32), LANES), values)


def _spread(builder: Any, value: Any) -> Any:
    undefined = ir.Constant(_VECTOR, ir.Undefined)
    one = builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(one, undefined, _constant([0] * LANES))


@intrinsic
def load(typing_context, array, index):  # type: ignore[no-untyped-def]
    """Return eight numbers of a contiguous float64 array, beginning at a flat index."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(_address(context, builder, signature.args[0], *arguments), align=8)

    return _LANES(array, types.int64), generate


@intrinsic
def store(typing_context, array, index, value):  # type: ignore[no-untyped-def]
    """Write eight numbers into a contiguous float64 array, beginning at a flat index."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        *place, value = arguments
        builder.store(value, _address(context, builder, signature.args[0], *place), align=8)
        return context.get_dummy_value()

    return types.void(array, types.int64, _LANES), generate


@intrinsic
def spread(typing_context, value):  # type: ignore[no-untyped-def]
    """Return one number in all lanes."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _spread(builder, arguments[0])

    return _LANES(types.float64), generate


@intrinsic
def add_up(typing_context, value):  # type: ignore[no-untyped-def]
    """Return the sum of the lanes."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value, width = arguments[0], LANES
        while width > 1:  # halves are added until one number is left
            width //= 2
            order = [*range(width, 2 * width), *[0] * (LANES - width)]
            value = builder.fadd(value, builder.shuffle_vector(value, value, _constant(order)))
        return builder.extract_element(value, ir.Constant(ir.IntType(32), 0))

    return types.float64(_LANES), generate


@intrinsic
def keep_first(typing_context, value, count):  # type: ignore[no-untyped-def]
    """Return the first numbers, and zero in all other lanes."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        integers = ir.VectorType(ir.IntType(64), LANES)
        undefined = ir.Constant(integers, ir.Undefined)
        one = builder.insert_element(undefined, arguments[1], ir.Constant(ir.IntType(32), 0))
        counts = builder.shuffle_vector(one, undefined, _constant([0] * LANES))
        kept = builder.icmp_signed('<', ir.Constant(integers, list(range(LANES))), counts)
        return builder.select(kept, arguments[0], ir.Constant(_VECTOR, [0.0] * LANES))

    return _LANES(_LANES, types.int64), generate


@intrinsic
def root(typing_context, value):  # type: ignore[no-untyped-def]
    """Return the square roots."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_VECTOR, [_VECTOR]), f'llvm.sqrt.v{LANES}f64'
        )  # fmt: skip
        return builder.call(function, arguments)

    return _LANES(_LANES), generate


@intrinsic
def take_next(typing_context, counter):  # type: ignore[no-untyped-def]
    """Return the first number of an int64 array and add one to it, as if no other thread were there."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.atomic_rmw('add', data, ir.Constant(ir.IntType(64), 1), 'monotonic')

    return types.int64(counter), generate


def _make_operator(instruction: str) -> Any:
    @intrinsic
    def apply(typing_context, one, other):  # type: ignore[no-untyped-def]
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return getattr(builder, instruction)(*arguments)

        return _LANES(_LANES, _LANES), generate

    def implement(one, other):  # type: ignore[no-untyped-def]
        match isinstance(one, LanesType), isinstance(other, LanesType):
            case True, True:
                return lambda one, other: apply(one, other)
            case True, False:
                return lambda one, other: apply(one, spread(other))
            case False, True:
                return lambda one, other: apply(spread(one), other)
        return None

    return implement


for _operator, _instruction in (
    (operator.add, 'fadd'), (operator.iadd, 'fadd'), (operator.sub, 'fsub'), (operator.isub, 'fsub'),
    (operator.mul, 'fmul'), (operator.truediv, 'fdiv'),
):  # fmt: skip
    overload(_operator)(_make_operator(_instruction))


@njit
def workspace(size):  # type: ignore[no-untyped-def]
    """Return memory for numbers that begins with a cache line.

    :param size: in numbers.
    """
    memory = np.empty(size + _ALIGNMENT // 8)
    start = -memory.ctypes.data // 8 % (_ALIGNMENT // 8)
    return memory[start : start + size]
