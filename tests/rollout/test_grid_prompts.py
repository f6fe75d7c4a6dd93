"""Prompts laid out on the device are those of the host."""

import dataclasses

import jax
import jax.numpy as jnp
import pytest

from rl_credit.models.tokenizer import ByteTokenizer
from rl_credit.rollout import grid_prompts, prompts
from rl_credit.rollout.prompts import Prompts
from tests.rollout import grid

NOW = Prompts(history=0, admissible=False)


class Merging(ByteTokenizer):
    """Bytes, but for a pair that becomes one token wherever it stands."""

    vocab = ByteTokenizer.vocab + 1

    def __init__(self, pair):
        self._pair = list(pair.encode())

    def encode(self, text):
        tokens = super().encode(text)
        made = []
        for token in tokens:
            made.append(token)
            if made[-2:] == self._pair:
                made[-2:] = [self.vocab - 1]
        return made


@pytest.mark.parametrize("admissible", [True, False])
@pytest.mark.parametrize("vocabulary", ["bytes", "words"])
@pytest.mark.parametrize("name", ["sokoban", "minihack"])
def test_the_tokens_are_those_of_the_host(name, vocabulary, admissible):
    env = grid.world(name)
    tokenizer = ByteTokenizer() if vocabulary == "bytes" else grid.words(name)
    style = dataclasses.replace(NOW, admissible=admissible)
    template = grid_prompts.template(tokenizer, style, env.engine.telling)
    lay = jax.jit(template.tokens)
    for actions in (["fly"], env.engine.telling.commands):
        turns = [env.reset(1)]
        for action in actions:
            turns.append(env.step(action))
            tiles = jnp.asarray(env._tiles)[None]
            facts = jnp.asarray(env._facts, jnp.int32)[None]
            tokens, where = jax.device_get(lay(tiles, facts))
            laid = template.shared.tolist() + tokens[where].tolist()
            text = style.alone(turns, [""] * (len(turns) - 1), 0)
            assert laid == prompts.opening(tokenizer, text)
            assert tokens.shape == (1, template.time)


def test_what_all_prompts_begin_with_reaches_into_the_board():
    telling = grid.world("sokoban").engine.telling
    template = grid_prompts.template(grid.words("sokoban"), NOW, telling)
    height, width = telling.shape
    assert len(template.cells) == height * width - len(telling.still)
    board = grid.words("sokoban").decode(template.shared.tolist()).split("down")[-1]
    assert board.split().count("#") == len(telling.still) > width


def test_a_vocabulary_may_join_what_is_one_piece():
    telling = grid.world("sokoban").engine.telling
    for pair in (" X", "X\n"):
        template = grid_prompts.template(Merging(pair), NOW, telling)
        assert Merging.vocab - 1 in template.cells


@pytest.mark.parametrize("pair, symbol", [("\n#", "#"), ("_ ", "_")])
def test_a_vocabulary_that_joins_pieces_is_refused_with_the_symbol(pair, symbol):
    telling = grid.world("sokoban").engine.telling
    with pytest.raises(ValueError, match=f"the symbol '{symbol}' is not the sum"):
        grid_prompts.template(Merging(pair), NOW, telling)
