"""Maps sum up what was visited and paid, cell by cell, and are drawn to one scale."""

import numpy as np
import pytest

from rl_credit.analysis import exploration_maps
from rl_credit.analysis.exploration_maps import Map

SHAPE = 3, 4


def test_a_map_counts_visits_and_takes_the_mean_of_what_they_were_paid():
    keys = np.array([[0, 5], [5, 11]], np.int32)
    paid = np.array([[1.0, 4.0], [2.0, 0.5]], np.float32)
    visits, mean = exploration_maps.mapped(keys, paid, SHAPE)
    expected = [[1, 0, 0, 0], [0, 2, 0, 0], [0, 0, 0, 1]]
    np.testing.assert_array_equal(visits, expected)
    nan = np.nan
    expected = [[1.0, nan, nan, nan], [nan, 3.0, nan, nan], [nan, nan, nan, 0.5]]
    np.testing.assert_array_equal(mean, expected)


def test_distances_are_from_the_first_cell_of_the_own_episode():
    start_keys = np.array([[0, 11], [5, 10], [8, 9]], np.int32)
    keys = np.array([[5, 10], [6, 9], [9, 2]], np.int32)
    starts = np.array([[True, True], [False, False], [True, False]])
    found = exploration_maps.distances(start_keys, keys, starts, SHAPE[1])
    np.testing.assert_array_equal(found, [[1, 1], [2, 2], [1, 2]])
    with pytest.raises(ValueError, match="1 environments are within"):
        late = np.roll(starts, 1, axis=0)
        exploration_maps.distances(start_keys, keys, late, SHAPE[1])


def test_bonuses_have_a_scale_of_their_own_at_all_times_and_visits_a_common_one():
    visits = np.array([[1, 0], [9, 2]])
    paid = np.array([[1.0, np.nan], [0.5, 0.5]])
    early, late = Map(visits, paid), Map(3 * visits, paid / 100)
    columns = {"count": [early, late], "rnd": [early, early]}
    ground = np.array([[False, True, True], [False, True, True]])
    columns = {
        name: [Map(*(np.pad(part, ((0, 0), (1, 0))) for part in one)) for one in maps]
        for name, maps in columns.items()
    }
    figure = exploration_maps.panels(columns, ["early", "late"], ground)
    panels = np.array(figure.axes[:8]).reshape(4, 2)
    scales = [[panel.images[1].get_clim() for panel in row] for row in panels]
    assert scales[0] == scales[1] == [(1, 27), (1, 27)]
    assert scales[2] == scales[3] and scales[2][0][0] == 0.0
    labels = [row[0].get_ylabel() for row in panels]
    assert labels == ["visits, early", "visits, late", "bonus, early", "bonus, late"]
    assert panels[0, 0].images[1].get_array().shape == (2, 2)  # ground alone
