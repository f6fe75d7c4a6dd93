"""What a run is made of: tasks, words and a decoder, and what is refused."""

import contextlib

import jax
import jax.numpy as jnp
import pytest

from rl_credit.envs.text import panels
from rl_credit.models.tokenizer import ByteTokenizer, WordTokenizer
from rl_credit.training import agent as agents
from tests.models import tiny as golden
from tests.training import tiny

ALONE = {"demonstrations": 0, "model.tokenizer": "bytes"}  # words need somebody's


@contextlib.contextmanager
def opened(**changes):
    """The world of these settings, while its workers run."""
    world = agents.opened(tiny.small(**changes))
    with world.pool:
        yield world


@pytest.fixture(scope="module")
def world():
    """Of six tasks to train on and four held out; the way through all six is known."""
    with opened() as found:
        yield found


def test_the_panel_is_disjoint_and_fixed_by_the_seed(world):
    panel = world.panel
    assert (len(panel.train), len(panel.held_out)) == (6, 4)
    assert sorted({*panel.train, *panel.held_out}) == list(range(10))
    with opened() as again, opened(seed=1) as other:
        assert again.panel == panel
        assert (other.panel.train, other.panel.held_out) != (
            panel.train,
            panel.held_out,
        )
    assert world.pool.tasks == 10


def test_an_environment_with_splits_is_told_how_many_tasks_are_held_out():
    wings = {"env.name": "tests.training.worlds:Wings"}
    settings = tiny.small(**wings, seed=3)
    assert agents.options(settings) == dict(tasks=10, held_out=4)
    assert agents.options(tiny.small()) == dict(tasks=10)  # Rooms have no splits
    with opened(**wings, seed=3) as world:
        assert world.panel == panels.split(3, 6, 4)
        assert list(world.routes) == list(world.panel.train)
        told = [turn.observation for turn in world.pool.reset(range(10))]
        assert [text.split()[-1] for text in told] == ["old"] * 6 + ["new"] * 4


def test_demonstrations_are_the_first_tasks_to_train_on(world):
    with opened(demonstrations=2) as few:
        assert list(few.routes) == list(world.panel.train[:2])
    assert list(world.routes) == list(world.panel.train)
    assert not set(world.routes) & set(world.panel.held_out)
    shown = world.guided(ByteTokenizer())
    assert [episode.task for episode in shown] == list(world.panel.train)
    assert all(episode.won for episode in shown)


def test_an_environment_without_a_way_through_has_no_demonstrations():
    silent = {"env.options": {"silent": True}}
    with pytest.raises(ValueError, match="walkthrough of task.*demonstrations to 0"):
        agents.opened(tiny.small(**silent))
    with opened(**silent, **ALONE) as world:
        assert world.routes == {}


def test_words_are_those_of_the_demonstrations(world, tmp_path):
    words = agents.tokenizer(world, tmp_path)
    text = "room 0 1 2 red blue gold"
    assert words.decode(words.encode(text)) == text
    assert words.decode(words.encode("cellar")) == ""
    assert words.vocab == 5 + len(text.split())


def test_a_vocabulary_is_kept_in_the_run_directory_and_found_there(world, tmp_path):
    made = agents.tokenizer(world, tmp_path)
    assert list(tmp_path.iterdir()) == []
    agents.keep(made, tmp_path)
    again = agents.tokenizer(world, tmp_path)
    assert again.encode("room 1 red") == made.encode("room 1 red")
    other = WordTokenizer.train(["a cellar"])
    other.save(tmp_path / agents.TOKENIZER)
    found = agents.tokenizer(world, tmp_path)
    assert found.vocab == other.vocab
    assert found.encode("a cellar") == other.encode("a cellar")


def test_bytes_need_no_file(world, tmp_path):
    with opened(**{"model.tokenizer": "bytes"}) as plain:
        assert isinstance(agents.tokenizer(plain, tmp_path), ByteTokenizer)
    assert list(tmp_path.iterdir()) == []


def test_a_new_decoder_has_the_sizes_given_and_depends_on_the_seed(world, tmp_path):
    words = agents.tokenizer(world, tmp_path)
    made = [
        agents.decoder(tiny.small(seed=seed, model__dtype="bfloat16"), words)
        for seed in (0, 0, 1)
    ]
    decoder, _, params = made[0]
    assert decoder.config.vocab == words.vocab and decoder.config.width == 32
    assert decoder.config.dtype == "bfloat16"
    leaves = jax.tree.leaves(params)
    assert all(leaf.dtype == jnp.float32 for leaf in leaves)
    same, other = (jax.tree.leaves(one[2]) for one in made[1:])
    assert all(jnp.array_equal(a, b) for a, b in zip(leaves, same))
    assert not all(jnp.array_equal(a, b) for a, b in zip(leaves, other))


def test_a_decoder_from_a_directory_is_the_one_that_is_there(tmp_path):
    directory = golden.write(tmp_path / "model", golden.NAMES[0])
    changes = {"model.sizes": {}, "model.tokenizer": "pretrained"}
    settings = tiny.small(**changes, **{"model.directory": str(directory)})
    config, expected = golden.model(golden.NAMES[0])
    few = WordTokenizer.train(["room"], size=config.vocab)
    decoder, _, params = agents.decoder(settings, few)
    assert decoder.config == config
    assert jax.tree.all(jax.tree.map(jnp.array_equal, params, expected))


def test_a_vocabulary_larger_than_the_model_is_refused(tmp_path):
    directory = golden.write(tmp_path / "model", golden.NAMES[0])
    changes = {"model.sizes": {}, "model.tokenizer": "pretrained"}
    settings = tiny.small(**changes, **{"model.directory": str(directory)})
    vocab = golden.model(golden.NAMES[0])[0].vocab
    many = WordTokenizer.train([f"word{n}" for n in range(vocab + 1)])
    message = f"{many.vocab} tokens.*{vocab}.*do not belong together"
    with pytest.raises(ValueError, match=message):
        agents.decoder(settings, many)


def test_a_first_prompt_longer_than_the_window_is_found_before_the_run(world, tmp_path):
    words = agents.tokenizer(world, tmp_path)
    agents.check_prompts(world, words)
    with opened(**{"play.window": 8}) as just:  # 5 of the prompt and 3 of the answer
        agents.check_prompts(just, words)
    with opened(**{"play.window": 7}) as narrow:
        first = narrow.panel.train[0]
        with pytest.raises(ValueError, match=f"task {first}: .*5 tokens.*window=7"):
            agents.check_prompts(narrow, words)


def test_a_task_that_cannot_begin_does_not_stop_the_check(world, tmp_path):
    words = agents.tokenizer(world, tmp_path)
    broken = world.panel.train[0], world.panel.held_out[0]
    with opened(**{"env.options": {"broken": broken}}, **ALONE) as other:
        agents.check_prompts(other, words)
        assert other.pool.failures == {"error": 2}
