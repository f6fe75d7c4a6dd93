"""A decoder-only transformer of the Llama, Qwen2 and Qwen3 families.

`params` is what Linen calls variables. Parameter names, for tables of placement:
`params/embedding`, `params/layers/{attention_norm,mlp_norm}/scale`,
`params/layers/attention/{query,key,value,output}/{kernel,bias}`,
`params/layers/attention/{query_norm,key_norm}/scale`,
`params/layers/mlp/{gate,up,down}/kernel`, `params/norm/scale`, `params/head`; those
under `layers` have the layers as axis 0, kernels are [in out].
"""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from rl_credit.models import attention
from rl_credit.models import cache as caches
from rl_credit.models.cache import Cache
from rl_credit.models.config import DecoderConfig
from rl_credit.ops import dense, sharding

Params = Mapping[str, Any]
Tokens = Int[Array, "batch time"]
Hidden = Float[Array, "batch time width"]
Stores = tuple[Array, Array] | None  # keys and values of all layers

SPREAD = 0.02  # of initial parameters, as transformers draws them


class Decoder(nn.Module):
    """Tokens in, hidden states and the extended cache out.

    `Decoder(config).apply(params, tokens, positions, where, cache)`. `where` is True at
    real tokens; padding, on either side or between, moves no real token's result.
    """

    config: DecoderConfig

    def setup(self):
        config = self.config
        draw = nn.initializers.normal(SPREAD)
        self.embedding = self.param("embedding", draw, (config.vocab, config.width))
        layer = nn.remat(Layer, prevent_cse=False) if config.remat else Layer
        self.layers = nn.scan(
            layer,
            variable_axes={"params": 0},
            split_rngs={"params": True},
            in_axes=(0, nn.broadcast, nn.broadcast, nn.broadcast),
            length=config.layers,
            unroll=config.unroll,
        )(config)
        self.norm = Norm(config.norm_epsilon)
        if not config.tied:
            self.head = self.param("head", draw, (config.width, config.vocab))

    def __call__(
        self,
        tokens: Tokens,
        positions: Int[Array, "batch time"],
        where: Bool[Array, "batch time"],
        cache: Cache | None = None,
    ) -> tuple[Hidden, Cache | None]:
        """Final hidden states [batch time width], normed, in the config's dtype.

        `positions` are those of the text (`models.cache.positions`); without a cache
        the returned one is None.
        """
        hidden = self.embedding[jnp.where(where, tokens, 0)].astype(self.config.dtype)
        hidden = sharding.by_rows(hidden)
        turned = attention.rotation(self.config, positions)
        if cache is None:
            stores: Stores = None
            start = jnp.int32(0)
            mask = attention.visible(where, where.shape[1])
        else:
            stores, start = (cache.keys, cache.values), cache.used
            cache = caches.extend(cache, where)
            mask = attention.visible(cache.where, where.shape[1], start)
        order = jnp.arange(self.config.layers, dtype=jnp.int32)
        (hidden, stores), _ = self.layers((hidden, stores), order, turned, mask, start)
        if cache is not None and stores is not None:
            cache = dataclasses.replace(cache, keys=stores[0], values=stores[1])
        return self.norm(hidden), cache

    def logits(self, hidden: Hidden) -> Float[Array, "batch time vocab"]:
        """Scores of the next token, float32: `apply(params, hidden, method="logits")`.

        For a whole batch of text prefer `ops.logprobs.from_hidden`, with `output`.
        """
        matrix = self.embedding.T if self.config.tied else self.head
        return jnp.matmul(
            hidden, matrix.astype(hidden.dtype), preferred_element_type=jnp.float32
        )


class Layer(nn.Module):
    """Attention and a gated MLP, each added to what it was given."""

    config: DecoderConfig

    @nn.compact
    def __call__(
        self,
        carry: tuple[Hidden, Stores],
        layer: Int[Array, ""],
        turned: attention.Rotation,
        mask: Bool[Array, "batch 1 time slots"],
        start: Int[Array, ""],
    ) -> tuple[tuple[Hidden, Stores], None]:
        """One step of the scan; `layer` is the number of this one."""
        hidden, stores = carry
        epsilon = self.config.norm_epsilon
        normed = Norm(epsilon, name="attention_norm")(hidden)
        read, stores = Attention(self.config, name="attention")(
            normed, stores, layer, turned, mask, start
        )
        hidden = sharding.by_rows(hidden + read)
        normed = Norm(epsilon, name="mlp_norm")(hidden)
        hidden = sharding.by_rows(hidden + Mlp(self.config, name="mlp")(normed))
        return (hidden, stores), None


class Attention(nn.Module):
    """Rotary attention over the tokens given, or over the cache they are put in."""

    config: DecoderConfig

    @nn.compact
    def __call__(
        self,
        hidden: Hidden,
        stores: Stores,
        layer: Int[Array, ""],
        turned: attention.Rotation,
        mask: Bool[Array, "batch 1 time slots"],
        start: Int[Array, ""],
    ) -> tuple[Hidden, Stores]:
        """What attention adds, and the stores with this layer's new entries."""
        config = self.config
        shape = (*hidden.shape[:2], -1, config.head_dim)
        inner, shared = (n * config.head_dim for n in (config.heads, config.kv_heads))
        bias = config.attention_bias
        queries = _dense(config, inner, "query", bias)(hidden).reshape(shape)
        keys = _dense(config, shared, "key", bias)(hidden).reshape(shape)
        values = _dense(config, shared, "value", bias)(hidden).reshape(shape)
        if config.qk_norm:
            queries = Norm(config.norm_epsilon, name="query_norm")(queries)
            keys = Norm(config.norm_epsilon, name="key_norm")(keys)
        queries = attention.rotate(queries, turned)
        keys = attention.rotate(keys, turned)
        if stores is not None:
            stores = (
                caches.write(stores[0], keys, layer, start),
                caches.write(stores[1], values, layer, start),
            )
            keys, values = (store[layer].astype(queries.dtype) for store in stores)
        read = attention.attend(queries, keys, values, mask, config.attention)
        read = read.reshape(*hidden.shape[:2], inner)
        project = _dense(config, config.width, "output", config.output_bias, True)
        return project(read), stores


class Mlp(nn.Module):
    """down(gated(gate(x), up(x))); SwiGLU (arXiv 2002.05202)."""

    config: DecoderConfig

    @nn.compact
    def __call__(self, hidden: Hidden) -> Hidden:
        """What the MLP adds."""
        gates = _dense(self.config, self.config.mlp_width, "gate")(hidden)
        raised = _dense(self.config, self.config.mlp_width, "up")(hidden)
        lower = _dense(self.config, self.config.width, "down", last=True)
        return lower(gated(gates, raised))


@functools.partial(jax.checkpoint, prevent_cse=False)
def gated(
    gates: Float[Array, "*rows width"], raised: Float[Array, "*rows width"]
) -> Float[Array, "*rows width"]:
    """silu(gates) * raised; its gradient keeps these two and nothing between."""
    return nn.silu(gates) * raised


class Norm(nn.Module):
    """RMSNorm (arXiv 1910.07467) over the last axis, in float32."""

    epsilon: float

    @nn.compact
    def __call__(self, inputs: Float[Array, "*axes dim"]) -> Float[Array, "*axes dim"]:
        """inputs / rms(inputs) * scale, in the dtype of the inputs."""
        scale = self.param("scale", nn.initializers.ones, (inputs.shape[-1],))
        wide = inputs.astype(jnp.float32)
        square = jnp.mean(jnp.square(wide), axis=-1, keepdims=True)
        normed = wide * jax.lax.rsqrt(square + self.epsilon)
        scale = scale.astype(jnp.float32).reshape((1,) * (inputs.ndim - 1) + (-1,))
        return (normed * scale).astype(inputs.dtype)


@functools.partial(jax.jit, static_argnames="config")
def init(key: Key[Array, ""], config: DecoderConfig) -> Params:
    """Random float32 parameters; those that write to the residual start smaller."""
    empty = jnp.zeros((1, 1), jnp.int32)
    return Decoder(config).init(key, empty, empty, empty == 0)


def shapes(config: DecoderConfig) -> Params:
    """The tree of `init` with `jax.ShapeDtypeStruct` leaves; computes nothing."""
    return jax.eval_shape(lambda key: init(key, config), jax.random.key(0))


def output(params: Params) -> Float[Array, "width vocab"]:
    """The matrix from hidden states to scores, also where it is the embedding."""
    own = params["params"]
    return own["head"] if "head" in own else own["embedding"].T


def _dense(
    config: DecoderConfig, size: int, name: str, bias: bool = False, last: bool = False
) -> nn.Dense:
    """A projection; `last` ones add to the residual: GPT-2 draws them smaller."""
    spread = SPREAD / (2 * config.layers) ** 0.5 if last else SPREAD
    return nn.Dense(
        size,
        use_bias=bias,
        dtype=jnp.dtype(config.dtype),
        kernel_init=nn.initializers.normal(spread),
        name=name,
        dot_general=_product,
    )


def _product(inputs: Array, kernel: Array, axes, precision) -> Array:
    """`dense.product` as Linen calls it; these axes and this precision are its own."""
    assert axes == (((inputs.ndim - 1,), (0,)), ((), ())) and precision is None
    return dense.product(inputs, kernel)
