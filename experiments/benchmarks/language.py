"""Generation and training of a 135M-shaped Llama beside transformers on torch."""

import functools
import tempfile
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.benchmarks.timing import Case
from rl_credit.models import cache, decoder, weights
from rl_credit.models.config import DecoderConfig
from rl_credit.models.decoder import Decoder
from rl_credit.rollout import decode
from rl_credit.rollout.sampling import Sampling
from rl_credit.training import update
from rl_credit.types import TokenBatch

SIZES: dict[str, Any] = dict(  # SmolLM2-135M
    family="llama",
    vocab=49152,
    width=576,
    layers=30,
    heads=9,
    kv_heads=3,
    head_dim=64,
    mlp_width=1536,
    positions=2048,
    tied=True,
)
PROMPT, SAID = 64, 32
TRAINED = (2, 256)
PEER = "transformers, torch"


def generation() -> Iterator[Case]:
    """Greedy tokens after a prompt; both sides start from the same weights."""
    config, model, params, peer = _models()
    for batch in (8, 32):
        tokens = _tokens((batch, PROMPT))
        ours = functools.partial(_said, model, params, tokens)
        theirs = functools.partial(_peer_said, peer, tokens)
        size = f"batch {batch}, {PROMPT} + {SAID} tokens"
        yield Case("generate", size, ours, PEER, theirs, ">= 1.0 (aim 1.2)")


def training() -> Iterator[Case]:
    """Log-probabilities of all tokens, and their gradient."""
    config, model, params, peer = _models()
    tokens = _tokens(TRAINED)
    size = f"{TRAINED[0]} x {TRAINED[1]}"
    batch = _batch(tokens)
    forward = functools.partial(_score, model, params, batch)
    theirs = functools.partial(_peer_score, peer, tokens)
    yield Case("forward", size, forward, PEER, theirs)
    backward = functools.partial(_gradient, model, params, batch)
    reverse = functools.partial(_peer_gradient, peer, tokens)
    yield Case("forward and backward", size, backward, PEER, reverse, ">= 1.0")


def _models():
    """Our decoder and transformers' with the same random weights."""
    try:
        import torch
        import transformers
    except ImportError as error:
        raise ImportError(
            f"{error}: the peer is missing; pip install 'rl_credit[benchmark]'"
        ) from error
    config = DecoderConfig.of_sizes(SIZES)
    params = decoder.init(jax.random.key(0), config)
    with tempfile.TemporaryDirectory() as folder:
        weights.save(folder, config, params)
        peer = transformers.AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32
        )
    return config, Decoder(config), params, peer


def _tokens(shape: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(0).integers(0, SIZES["vocab"], shape, np.int32)


def _said(model: Decoder, params, tokens: np.ndarray) -> jax.Array:
    batch, time = tokens.shape
    run = decode.generate(
        model,
        params,
        jax.random.split(jax.random.key(0), batch),
        tokens,
        np.ones(tokens.shape, bool),
        cache.init(model.config, batch, time + SAID),
        decode.stop_sequences([SIZES["vocab"]]),  # no token has this number
        limit=SAID,
        how=Sampling(temperature=0.0),
    )
    return run.tokens


def _peer_said(peer, tokens: np.ndarray) -> np.ndarray:
    import torch

    given = torch.as_tensor(tokens, dtype=torch.long)
    with torch.no_grad():
        said = peer.generate(
            given,
            attention_mask=torch.ones_like(given),
            max_new_tokens=SAID,
            min_new_tokens=SAID,
            do_sample=False,
            pad_token_id=0,
        )
    return said[:, tokens.shape[1] :].numpy()


def _batch(tokens: np.ndarray) -> TokenBatch:
    rows, time = tokens.shape
    said = np.tile(np.arange(1, time, dtype=np.int32), (rows, 1))
    ones, zeros = np.ones(said.shape), np.zeros(said.shape)
    return TokenBatch(
        tokens=jnp.asarray(tokens),
        where=jnp.ones(tokens.shape, bool),
        said=jnp.asarray(said),
        trained=jnp.ones(said.shape, bool),
        advantages=jnp.asarray(ones, jnp.float32),
        old_logps=jnp.asarray(zeros, jnp.float32),
    )


@functools.partial(jax.jit, static_argnames="model")
def _score(model: Decoder, params, batch: TokenBatch) -> jax.Array:
    """Without the entropies, which the peer does not compute either."""
    return update.score(model, params, batch, 1.0)[0]


def _peer_logps(peer, tokens: np.ndarray):
    import torch

    given = torch.as_tensor(tokens, dtype=torch.long)
    logps = torch.log_softmax(peer(given).logits[:, :-1].float(), dim=-1)
    return torch.gather(logps, 2, given[:, 1:, None])[..., 0]


def _peer_score(peer, tokens: np.ndarray) -> np.ndarray:
    import torch

    with torch.no_grad():
        return _peer_logps(peer, tokens).numpy()


@functools.partial(jax.jit, static_argnames="model")
def _gradient(model: Decoder, params, batch: TokenBatch) -> jax.Array:
    """The norm of the whole gradient, so that no part of it is left out."""

    def mean(params):
        return jnp.mean(update.score(model, params, batch, 1.0)[0])

    return optax.tree.norm(jax.grad(mean)(params))


def _peer_gradient(peer, tokens: np.ndarray) -> float:
    peer.zero_grad()
    _peer_logps(peer, tokens).mean().backward()
    return sum(float(p.grad.norm()) ** 2 for p in peer.parameters()) ** 0.5
