"""Settings of the grid agent: what a config may say, and what is said of the rest."""

import importlib
import pathlib

import gymnax
import pytest

from rl_credit.runtime.errors import UserError
from rl_credit.runtime.sections import sections
from rl_credit.training import grid_settings
from rl_credit.training.grid_settings import Settings
from tests.training import tiny_grid

CONFIGS = pathlib.Path(__file__).parents[2] / "configs" / "grid"
OURS = ("cartpole", "multiroom", "sokoban")


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("size", ["full", "smoke"])
def test_every_size_of_our_configs_makes_settings(name, size):
    assert (CONFIGS / f"{name}.py").is_file()
    config = importlib.import_module(f"configs.grid.{name}").get_config(size)
    settings = sections(Settings, config)
    assert settings.seeds == config.seeds
    assert settings.calls == (2 if size == "smoke" else settings.calls) > 1


@pytest.mark.parametrize(
    "changes, words",
    [
        (dict(env__name="gymnax:CartPole"), "did you mean 'gymnax:CartPole-v1'"),
        (dict(env__name="Sokoban-6x6"), "did you mean 'Sokoban-6x6-1'"),
        (dict(env__name="gymnax:Pendulum-v1"), "actions Box.*chooses among"),
        (dict(env__name=tiny_grid.WALK, env__options=dict(lenght=3)), "'length'"),
        (dict(env__name="tests.rollout.walk:Wlk"), "did you mean 'Walk'"),
        (dict(env__params=dict(gravty=1.0)), "did you mean 'gravity'"),
        (dict(bonus__name="e3d"), "did you mean 'e3b'"),
        (dict(bonus__name="e3b", bonus__options=dict(rigde=1.0)), "mean 'ridge'"),
        (dict(bonus__count="positions"), "did you mean 'position'"),
        (dict(bonus__formula="runing"), "did you mean 'running'"),
        (dict(bonus__coefficient=-1.0), "coefficient is -1.0; give 0 or more"),
        (dict(model__activation="than"), "did you mean 'tanh'"),
        (dict(play__num_envs=0), "num_envs is 0; give 1 or more"),
        (dict(credit__trace=1.1), "trace is 1.1; give 0 to 1"),
        (dict(loss__clip=0.0), "clip is 0.0; give more than 0"),
        (dict(loss__entropy=-0.1), "entropy=-0.1; give weights of 0 or more"),
        (dict(train__updates_per_call=0), "updates_per_call is 0"),
        (dict(train__learning_rate=0.0), "learning_rate is 0.0; give more than 0"),
        (dict(train__minibatches=5), "5, which does not divide the 32 steps"),
        (dict(train__minibatches=3, model__memory=8), "the 4 environments"),
        (dict(evaluate__episodes=0), "episodes is 0"),
        (dict(save__keep=0), "keep is 0"),
        (dict(seeds=0), "seeds is 0"),
        (dict(seed=-1), "seed is -1"),
    ],
)
def test_what_no_run_can_have_is_refused(changes, words):
    with pytest.raises(UserError, match=words):
        tiny_grid.settings(**changes)


def test_a_bonus_of_positions_needs_an_environment_that_counts_them():
    settings = tiny_grid.settings(bonus__name="count_global")
    with pytest.raises(ValueError, match="CartPole-v1 counts no positions: give 'obs"):
        settings.bonus.counted(settings.env.world())
    assert tiny_grid.small().bonus.counted(tiny_grid.small().env.world()).count


def test_count_keys_are_as_many_as_the_environment_says():
    settings = tiny_grid.small(env__options=dict(length=7), bonus__count="position")
    world = settings.bonus.counted(settings.env.world())
    assert settings.bonus.curiosity(world).bonus.first.num_keys == 8
    settings = tiny_grid.small(bonus__count="observation")
    world = settings.bonus.counted(settings.env.world())
    assert not world.count
    assert settings.bonus.curiosity(world).bonus.first.num_keys == 0


def test_parameters_of_the_environment_are_set():
    world = tiny_grid.small(env__params=dict(max_steps_in_episode=9)).env.world()
    assert world.params.max_steps_in_episode == 9 and world.params.reward == 1.0


def test_frames_are_rounded_up_to_whole_calls():
    settings = tiny_grid.settings(train__frames=65, train__updates_per_call=2)
    assert (settings.frames_per_call, settings.calls) == (64, 2)


@pytest.mark.parametrize("name", ["Catch-bsuite", "Breakout-MinAtar", "FourRooms-misc"])
def test_environments_of_gymnax_go_by_their_name(name):
    world = grid_settings.grid(f"gymnax:{name}")
    assert type(world.env) is type(gymnax.make(name)[0])
