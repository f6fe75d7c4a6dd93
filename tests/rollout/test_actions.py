"""What is read from an answer, and which command it is taken for."""

import pytest

from rl_credit.models.tokenizer import ByteTokenizer, WordTokenizer
from rl_credit.rollout import actions

COMMANDS = ("go north", "type D safe", "take half-eaten apple", "open safe, twice")
MARKS = "<action> </action> <think> </think> - ,"


def spelling(tokenizer):
    """Writes a command as the tokenizer gives it back."""
    return lambda text: " ".join(tokenizer.decode(tokenizer.encode(text)).split())


@pytest.fixture(scope="module")
def vocabulary():
    """A word vocabulary of the commands and the tags."""
    return WordTokenizer.train([*COMMANDS, MARKS])


@pytest.mark.parametrize(
    "name, answer, expected",
    [
        ("plain", "go north", "go north"),
        ("plain", "  go\n\tnorth ", "go north"),
        ("plain", " \n ", None),
        ("plain", "", None),
        ("action", "<action>go north</action>", "go north"),
        ("action", "Well: <action>\n go  north \n</action> I hope", "go north"),
        ("action", "< action > go north < / action >", "go north"),
        ("action", "<action>open</action><action>go</action>", "open"),
        ("action", "<action></action>", None),
        ("action", "<action> \n </action>", None),
        ("action", "go north", None),
        ("action", "<action>go north", None),
        ("action", "go north</action>", None),
        ("think", "<think>a key?</think><action>go north</action>", "go north"),
        ("think", "<think>a\nb</think>\n<action>go\nnorth</action>", "go north"),
        ("think", "< think > hm < / think > < action > go < / action >", "go"),
        ("think", "<think></think><action>go</action>", "go"),
        ("think", "<action>go north</action>", None),
        ("think", "<action>go</action><think>so be it</think>", None),
        ("think", "<think>go, say <action>go</action>", None),
        ("think", "<think><action>no</action></think><action>go</action>", "go"),
    ],
)
def test_an_action_is_read_where_the_answer_has_the_form(name, answer, expected):
    assert actions.FORMATS[name].read(answer) == expected


@pytest.mark.parametrize("name", sorted(actions.FORMATS))
def test_what_a_template_writes_is_read_and_ends_where_it_should(name, vocabulary):
    chosen = actions.named(name)
    for command in COMMANDS:
        answer = chosen.template.format(action=command)
        assert chosen.read(answer) == command
        assert answer.endswith(chosen.closing)
        spell = spelling(vocabulary)
        assert chosen.read(spell(answer)) == spell(command)


def test_every_format_but_the_plain_one_says_what_it_wants():
    for name, chosen in actions.FORMATS.items():
        assert bool(chosen.instruction) == (name != "plain")
        for tag in ("think", "action"):
            shown = f"<{tag}>" in chosen.instruction
            assert shown == (f"<{tag}>" in chosen.template)


def test_an_unknown_format_is_met_with_the_nearest():
    with pytest.raises(ValueError, match="action format 'thinks'.*'think'"):
        actions.named("thinks")


@pytest.mark.parametrize(
    "action, expected",
    [
        ("go north", "go north"),
        ("GO North", "go north"),
        ("type d safe", "type D safe"),
        ("TYPE D SAFE", "type D safe"),
        ("go south", None),
        ("go", None),
        ("go north now", None),
        ("", None),
    ],
)
def test_only_what_is_admissible_is_a_command(action, expected):
    spell = spelling(ByteTokenizer())
    assert actions.command(action, COMMANDS, spell) == expected
    assert actions.command(action, (), spell) is None
    assert actions.command(action, None, spell) == action  # nobody knows better


@pytest.mark.parametrize("command", COMMANDS)
def test_a_word_vocabulary_says_every_command_in_its_own_spelling(vocabulary, command):
    spell = spelling(vocabulary)
    assert actions.command(spell(command), COMMANDS, spell) == command
    assert actions.command(spell(command).upper(), COMMANDS, spell) == command
    answer = vocabulary.decode(vocabulary.encode(f"<action>{command}</action>"))
    said = actions.named("action").read(answer)
    assert actions.command(said, COMMANDS, spell) == command


def test_the_spelling_of_a_word_vocabulary_is_not_the_command(vocabulary):
    assert spelling(vocabulary)("take half-eaten apple") == "take half - eaten apple"
    spell = spelling(ByteTokenizer())
    assert actions.command("take half - eaten apple", COMMANDS, spell) is None
