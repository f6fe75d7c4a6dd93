"""One process hears itself; several are in training/test_many_hosts."""

import numpy as np

from rl_credit.runtime import hosts


def test_one_process_has_all_there_is():
    rows = np.arange(6).reshape(3, 2)
    assert hosts.largest(rows) is rows and hosts.joined(rows) is rows
    assert hosts.own([1, 2, 3]) == [1, 2, 3]
    assert hosts.told([dict(a=1)]) == [dict(a=1)]
    hosts.wait("here")
