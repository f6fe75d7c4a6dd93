"""The rules and rewards of gym-sokoban 0.0.6 in plain loops."""

STEPS = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}
VERBS = ("push", "move", "pull")


def verb_and_direction(action, actions):
    """What an action means in a set of actions; None for none."""
    if actions == "push":
        action += 1
    if action == 0:
        return ("push", "right") if actions == "push_pull" else (None, None)
    return VERBS[(action - 1) // 4], list(STEPS)[(action - 1) % 4]


class Game:
    """One episode; places are (row, column)."""

    def __init__(self, rows):
        places = {
            (row, column): symbol
            for row, symbols in enumerate(rows)
            for column, symbol in enumerate(symbols)
        }
        self.shape = len(rows), len(rows[0])
        self.walls = {place for place, symbol in places.items() if symbol == "#"}
        self.targets = {place for place, symbol in places.items() if symbol in ".*+"}
        self.boxes = {place for place, symbol in places.items() if symbol in "$*"}
        (self.player,) = (place for place, symbol in places.items() if symbol in "@+")
        self.counted = 0  # boxes on targets, as last rewarded

    def step(self, action, actions):
        """Plays; returns the reward and whether the level is solved."""
        verb, direction = verb_and_direction(action, actions)
        if verb:
            self.act(verb, STEPS[direction])
        on_target = len(self.boxes & self.targets)
        solved = self.targets <= self.boxes
        reward = -0.1 + (10 if solved else 0)
        if on_target > self.counted:
            reward += 1
        if on_target < self.counted:
            reward -= 1
        self.counted = on_target
        return reward, solved

    def act(self, verb, step):
        here = self.player
        ahead = here[0] + step[0], here[1] + step[1]
        beyond = here[0] + 2 * step[0], here[1] + 2 * step[1]
        behind = here[0] - step[0], here[1] - step[1]
        if verb == "push" and ahead in self.boxes and self.free(beyond):
            self.boxes = self.boxes - {ahead} | {beyond}
        if self.free(ahead):
            self.player = ahead
            if verb == "pull" and behind in self.boxes:
                self.boxes = self.boxes - {behind} | {here}

    def free(self, place):
        return place not in self.walls and place not in self.boxes

    def text(self):
        """Lines of `# _ O √ X P S`."""
        rows, columns = range(self.shape[0]), range(self.shape[1])
        return "\n".join("".join(self.cell((y, x)) for x in columns) for y in rows)

    def cell(self, place):
        on_target = place in self.targets
        if place in self.walls:
            return "#"
        if place == self.player:
            return "S" if on_target else "P"
        if place in self.boxes:
            return "√" if on_target else "X"
        return "O" if on_target else "_"


def fewest_pushes(rows):
    """Breadth-first over single moves, counting pushes; None where none solves it."""
    start = Game(rows)
    layer, seen = {(start.player, frozenset(start.boxes))}, set()
    pushes = 0
    while layer:
        further, queue = set(), list(layer)
        for state in queue:
            if state in seen:
                continue
            seen.add(state)
            if start.targets <= state[1]:
                return pushes
            for step in STEPS.values():
                game = Game(rows)
                game.player, game.boxes = state[0], set(state[1])
                game.act("push", step)
                after = game.player, frozenset(game.boxes)
                (queue.append if after[1] == state[1] else further.add)(after)
        layer, pushes = further, pushes + 1
    return None
