"""Small pages of every kind for the viewer's tests."""

import json
import re

import numpy as np

from rl_credit.analysis.viewer import Step, Trajectory, page

NASTY = "</script><script>alert(1)</script> \"&' <!-- \u2028 caf\u00e9 \U0001f511"


def written(made):
    """What a page's script reads."""
    found = re.findall(
        r'<script type="application/json" id="data">(.*?)</script>', made.html, re.S
    )
    assert len(found) == 1
    return json.loads(found[0])


def frame(place):
    """A corridor of four cells, the agent in one of them."""
    cells = np.full((8, 32, 3), 230, np.uint8)
    cells[2:6, 8 * place + 2 : 8 * place + 6] = (40, 90, 180)
    return cells


def walk(title, places, actions, paid, group="corridor"):
    """An episode in the corridor, paid at its end; a place is a state."""
    rewards = [0.0] * (len(places) - 1) + [paid]
    steps = [
        Step(f"cell {place}", action, reward, anchor=place, frame=frame(place))
        for place, action, reward in zip(places, actions, rewards)
    ]
    return Trajectory(title, group, steps)


def walks():
    """Three episodes in a corridor and one elsewhere, with exact credit."""
    rows = [
        walk("there and back", [0, 1, 0, 1, 2], "rlrrr", 1.0),
        walk("straight", [0, 1, 2], "rrr", 1.0),
        walk("lost", [0, 0, 1, 0], "llrl", 0.0),
        walk(NASTY, [0, 1], "rl", -0.5, group="elsewhere"),
    ]
    grpo = [[0.5] * 5, [0.5] * 3, [-1.0] * 4, [0.0] * 2]
    gigpo = [[0.25, -0.5, 0.25, 0.5, 2.0], [1.0, 1.0, 1.0], [-2.0] * 4, [0.0, -0.125]]
    exact = [[0.1, -0.2, 0.1, 0.1, 0.1], [0.1] * 3, [-0.1, -0.1, 0.1, -0.2], [0.0] * 2]
    return page(rows, {"grpo": grpo, "gigpo": gigpo}, exact, title="Walks")


def tree():
    """A root, two branches, and two leaves that continue the first; tokens, masked."""
    told = Step("Which way out?\n", trained=False)

    def tokens(*words, paid=0.0):
        return [Step(word) for word in words[:-1]] + [Step(words[-1], reward=paid)]

    rows = [
        Trajectory("root", 0, [told, *tokens("Let", " me", " see")]),
        Trajectory("left", 0, tokens(" left", " then"), parent=0),
        Trajectory("right", 0, tokens(" right", paid=0.0), parent=0),
        Trajectory("left up", 0, tokens(" up", paid=1.0), parent=1),
        Trajectory("left down", 0, tokens(" down", paid=0.0), parent=1),
    ]
    credit = [[np.nan, 0.0, 0.0, 0.0], [0.5, 0.25], [-0.5], [1.0], [-1.0]]
    return page(rows, {"spo_tree": credit}, title="A tree")


def many(count=200, length=30, groups=25):
    """As large as a page should be: four columns of credit."""
    rng = np.random.default_rng(0)
    rows = []
    for row in range(count):
        cells = rng.integers(0, 40, length).tolist()
        steps = [
            Step(
                f"You are in room {cell}. Doors lead north, east, south and west.",
                f"go {'north east south west'.split()[cell % 4]}",
                anchor=cell,
            )
            for cell in cells
        ]
        rows.append(Trajectory(f"attempt {row}", f"task {row % groups}", steps))
    credit = rng.normal(size=(4, count, length))
    return page(rows, dict(zip(("grpo", "gigpo", "hgpo"), credit)), credit[3])
