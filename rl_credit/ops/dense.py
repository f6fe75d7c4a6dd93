"""A matrix product whose gradient is cheap on a CPU, too."""

import functools

import jax
from jax.typing import DTypeLike
from jaxtyping import Array, Float


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def product(
    inputs: Float[Array, "*rows width"],
    matrix: Float[Array, "width size"],
    dtype: DTypeLike | None = None,
) -> Float[Array, "*rows size"]:
    """inputs @ matrix, added up and returned in `dtype` (None: that of both).

    The gradient of `matrix` is inputs^T cotangent. JAX's own is the transpose of
    cotangent^T inputs, for which XLA on a CPU computes the cotangent column by column;
    in a decoder that takes longer than the product itself.
    """
    axes = ((inputs.ndim - 1,), (0,))
    return jax.lax.dot_general(
        inputs, matrix, (axes, ((), ())), preferred_element_type=dtype
    )


def _forward(inputs, matrix, dtype):
    return product(inputs, matrix, dtype), (inputs, matrix)


def _backward(dtype, kept, cotangent):
    inputs, matrix = kept
    rows = tuple(range(inputs.ndim - 1))
    last = (inputs.ndim - 1,), (1,)
    to_inputs = jax.lax.dot_general(
        cotangent, matrix, (last, ((), ())), preferred_element_type=dtype
    )
    to_matrix = jax.lax.dot_general(
        inputs, cotangent, ((rows, rows), ((), ())), preferred_element_type=dtype
    )
    return to_inputs.astype(inputs.dtype), to_matrix.astype(matrix.dtype)


product.defvjp(_forward, _backward)
