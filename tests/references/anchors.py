"""rl_credit.credit.anchors as loops in float64."""

import collections

import numpy as np


def centre(score, sample, scale, ddof, epsilon=1e-6):
    """Less the sample's mean, over its deviation; 0 for a sample without spread."""
    if scale and max(sample) == min(sample):
        return 0.0
    deviation = np.std(sample, ddof=ddof) + epsilon if scale else 1.0
    return (score - np.mean(sample)) / deviation


def partition(keys, where):
    """For each kept row the kept rows with its key."""
    members = collections.defaultdict(list)
    for row in np.flatnonzero(where):
        members[keys[row]].append(row)
    return {row: members[keys[row]] for row in np.flatnonzero(where)}


def state_keys(groups, states):
    return [(int(group), *map(int, state)) for group, state in zip(groups, states)]


def first_rows(rows, trajectories):
    """The first of the rows of each trajectory."""
    firsts = {}
    for row in rows:
        firsts.setdefault(int(trajectories[row]), row)
    return list(firsts.values())


def gigpo(
    episode, step, groups, trajectories, states, where, step_weight, scale, pool
):
    """arXiv 2505.10978, eq. 3, 6, 7 and 8."""
    task = partition([int(group) for group in groups], where)
    anchor = partition(state_keys(groups, states), where)
    advantages = np.zeros(len(episode))
    for row in np.flatnonzero(where):
        sample = task[row]
        if pool == "trajectories":
            sample = first_rows(sample, trajectories)
        if len(sample) > 1:
            advantages[row] += centre(episode[row], episode[sample], scale, 1)
        if len(anchor[row]) > 1:
            same = step[anchor[row]]
            advantages[row] += step_weight * centre(step[row], same, scale, 1)
    return advantages


def hgpo(scores, groups, states, where, history, alpha, scale):
    """arXiv 2602.22817: level k compares the steps whose last k anchors agree."""
    levels = collections.defaultdict(list)
    total, weight = np.zeros(where.shape), np.zeros(where.shape)
    for row in range(len(where)):
        played = list(np.flatnonzero(where[row]))
        for number, span in enumerate(played):
            for level in range(1, min(history + 1, number + 1) + 1):
                recent = played[number + 1 - level : number + 1]
                anchors = tuple(tuple(map(int, states[row, s])) for s in recent)
                levels[level, int(groups[row]), anchors].append((row, span))
    for (level, *_), members in levels.items():
        if len(members) < 2:
            continue
        sample = [scores[place] for place in members]
        for place in members:
            advantage = centre(scores[place], sample, scale, 0)
            if abs(advantage) > 1e-9:  # a level that says nothing has no weight
                total[place] += (level + 1) ** alpha * advantage
                weight[place] += (level + 1) ** alpha
    return np.divide(total, weight, out=np.zeros(where.shape), where=weight > 0)
