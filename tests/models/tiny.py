"""The decoders of tests/golden/decoders.npz, as directories and as compiled calls."""

import functools
import json
import pathlib
import tempfile

import jax
import jax.numpy as jnp
import numpy as np
import safetensors.numpy

from rl_credit.models import cache, weights
from rl_credit.models.decoder import Decoder

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"
MODELS = json.loads((GOLDEN / "decoders.json").read_text())["models"]
ARRAYS = np.load(GOLDEN / "decoders.npz")
NAMES = sorted(MODELS)

TOKENS = jnp.asarray(ARRAYS["tokens"])  # [2 40]
LEFT = jnp.asarray(ARRAYS["where"])  # left-padded by 7 and by 1
PLAIN = jnp.ones_like(LEFT)


def tensors(name):
    """The tensors of a model under their names in a file, float32."""
    owner = MODELS[name]["weights"] + "/"
    keys = [key for key in ARRAYS.files if key.startswith(owner)]
    return {key.removeprefix(owner): ARRAYS[key].astype(np.float32) for key in keys}


def write(directory, name, arrays=None, **changes):
    """A model directory: `arrays` or the model's own, its config changed."""
    directory.mkdir(exist_ok=True)
    config = MODELS[name]["config"] | changes
    (directory / "config.json").write_text(json.dumps(config))
    held = tensors(name) if arrays is None else arrays
    safetensors.numpy.save_file(held, directory / "model.safetensors")
    return directory


@functools.cache
def model(name):
    """Config and parameters of a golden model."""
    with tempfile.TemporaryDirectory() as directory:
        return weights.load(write(pathlib.Path(directory), name))


@functools.cache
def forward(config):
    """Compiled `(params, tokens, where) -> (hidden, logits)` of a whole text."""
    decoder = Decoder(config)

    @jax.jit
    def run(params, tokens, where):
        hidden, none = decoder.apply(params, tokens, cache.positions(where), where)
        assert none is None
        return hidden, decoder.apply(params, hidden, method="logits")

    return run


@functools.cache
def step(config):
    """Compiled `(params, tokens, where, cache) -> (hidden, cache)`."""
    decoder = Decoder(config)

    @jax.jit
    def run(params, tokens, where, held):
        positions = cache.positions(where, held)
        return decoder.apply(params, tokens, positions, where, held)

    return run
