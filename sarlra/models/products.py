"""The sum of products at the bottom of every layer, written for the processor's registers.

One call adds, for a few places at once, ``taps x channels`` numbers times a row of 32 weights each
to 32 sums per place, all of which stay in registers. The order of the additions is that of taps and
channels, for every place alike: so a sum has the same bits wherever its place is computed, alone or
among others, on however many threads.
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

#: Sums per place: outputs are computed in groups of this many.
GROUP = 32
_WIDE = bool(llvm.get_host_cpu_features().get("avx512f", False))
#: Numbers in one vector; the number of vectors below fills a processor's registers.
_LANES = 16 if _WIDE else 8
#: Places per call.
PLACES = 12 if _WIDE else 3

_F32, _I32, _I64 = ir.FloatType(), ir.IntType(32), ir.IntType(64)
_VECTOR = ir.VectorType(_F32, _LANES)
_VECTORS = GROUP // _LANES


def _add_products(
    context: Any,  # noqa: ARG001 - all types are known
    values: Any,  # noqa: ARG001
    offsets: Any,  # noqa: ARG001
    weights: Any,  # noqa: ARG001
    sums: Any,  # noqa: ARG001
    taps: Any,  # noqa: ARG001
    channels: Any,  # noqa: ARG001
) -> Any:
    """Add products to sums, all at addresses; for compiled functions.

    Parameters
    ----------
    values
        Address of float32.
    offsets
        Address of ``(taps, PLACES)`` int64: where in ``values`` the channels of a tap begin.
    weights
        Address of ``(taps * channels, GROUP)`` float32.
    sums
        Address of ``(PLACES, GROUP)`` float32, changed.
    """
    return types.void(*([types.intp] * 6)), _generate


def _generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
    values, offsets, weights, sums, taps, channels = arguments
    kept = _load_sums(builder, sums)
    at = cgutils.alloca_once_value(builder, weights)
    with cgutils.for_range(builder, taps) as tap:
        first = builder.add(offsets, builder.mul(tap.index, _number(PLACES * 8)))
        places = [_channels_of(builder, values, first, place) for place in range(PLACES)]
        with cgutils.for_range(builder, channels) as channel:
            _one_channel(builder, kept, at, places, channel.index)
    for number, slot in enumerate(kept):
        builder.store(builder.load(slot), _vector_at(builder, sums, number), align=4)
    return context.get_dummy_value()


def _number(value: int) -> Any:
    return ir.Constant(_I64, value)


def _vector_at(builder: Any, address: Any, number: int) -> Any:
    there = builder.add(address, _number(number * _LANES * 4))
    return builder.inttoptr(there, _VECTOR.as_pointer())


def _load_sums(builder: Any, sums: Any) -> list[Any]:
    """The sums as variables, which become registers."""
    kept = [cgutils.alloca_once(builder, _VECTOR) for _ in range(PLACES * _VECTORS)]
    for number, slot in enumerate(kept):
        builder.store(builder.load(_vector_at(builder, sums, number), align=4), slot)
    return kept


def _channels_of(builder: Any, values: Any, first: Any, place: int) -> Any:
    """Pointer to a place's channels under a tap."""
    stored = builder.inttoptr(builder.add(first, _number(place * 8)), _I64.as_pointer())
    there = builder.add(values, builder.shl(builder.load(stored), _number(2)))
    return builder.inttoptr(there, _F32.as_pointer())


def _one_channel(builder: Any, kept: list[Any], at: Any, places: list[Any], index: Any) -> None:
    fuse = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(_VECTOR, [_VECTOR] * 3), f"llvm.fma.v{_LANES}f32"
    )
    nothing = ir.Constant(_VECTOR, ir.Undefined)
    everywhere = ir.Constant(ir.VectorType(_I32, _LANES), [0] * _LANES)
    row = builder.load(at)
    weights = [builder.load(_vector_at(builder, row, n), align=4) for n in range(_VECTORS)]
    for place, pointer in enumerate(places):
        value = builder.load(builder.gep(pointer, [index]))
        first = builder.insert_element(nothing, value, ir.Constant(_I32, 0))
        spread = builder.shuffle_vector(first, nothing, everywhere)
        for number, weight in enumerate(weights):
            slot = kept[place * _VECTORS + number]
            builder.store(builder.call(fuse, [spread, weight, builder.load(slot)]), slot)
    builder.store(builder.add(row, _number(GROUP * 4)), at)


add_products: Any = intrinsic(_add_products)
