"""rl_credit.bonuses as loops in float64, one environment and one step at a time."""

import collections

import numpy as np


def elliptical(features, done, ridge):
    """[time envs]: `phi' C^-1 phi`, C of the episode so far, solved anew each step."""
    time, envs, dim = features.shape
    bonuses = np.zeros((time, envs))
    for env in range(envs):
        covariance = ridge * np.eye(dim)
        for step in range(time):
            phi = np.float64(features[step, env])
            bonuses[step, env] = phi @ np.linalg.solve(covariance, phi)
            covariance = covariance + np.outer(phi, phi)
            if done[step, env]:
                covariance = ridge * np.eye(dim)
    return bonuses


def lifelong(features, ridge):
    """[time envs]: one covariance for all, step by step, environment by environment."""
    time, envs, dim = features.shape
    rows = features.reshape(time * envs, 1, dim)
    return elliptical(rows, np.zeros(rows.shape[:2], bool), ridge).reshape(time, envs)


def episodic_visits(start_keys, keys, starts):
    """[time envs]: visits of the successor in the episode, this one included."""
    visits = np.zeros(keys.shape, int)
    for env in range(keys.shape[1]):
        seen = collections.Counter()
        for step in range(keys.shape[0]):
            if starts[step, env]:
                seen = collections.Counter([start_keys[step, env]])
            seen[keys[step, env]] += 1
            visits[step, env] = seen[keys[step, env]]
    return visits


def global_visits(start_keys, keys, starts):
    """[time envs]: visits of all environments; a step's beginnings come first."""
    visits, seen = np.zeros(keys.shape, int), collections.Counter()
    for step in range(keys.shape[0]):
        seen.update(start_keys[step][starts[step]])
        for env in range(keys.shape[1]):
            seen[keys[step, env]] += 1
            visits[step, env] = seen[keys[step, env]]
    return visits


def released_deviations(batches):
    """After each batch: sums over all entries, divided by the number of steps."""
    count = mean = squares = 0.0
    deviations = []
    for batch in batches:
        steps = len(batch)
        batch_mean = batch.sum() / steps
        between = count * steps / (count + steps) * (batch_mean - mean) ** 2
        squares += ((batch - batch_mean) ** 2).sum() + between
        mean = (count * mean + steps * batch_mean) / (count + steps)
        count += steps
        deviations.append(np.sqrt(squares / count))
    return deviations
