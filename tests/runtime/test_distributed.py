"""How the processes of a run are named; they meet in training/test_many_hosts."""

import pytest

from rl_credit.runtime import distributed
from rl_credit.runtime.errors import UserError


@pytest.mark.parametrize("given", ["host", "host:1,2,2", "host:1,2", "host:1,0,0", ""])
def test_other_words_are_refused(given):
    with pytest.raises(UserError, match="ADDRESS:PORT,COUNT,INDEX with INDEX below"):
        distributed.begin(given)


def test_devices_that_are_in_use_already_are_an_error_of_the_user():
    with pytest.raises(UserError, match="--distributed=127.0.0.1:1,1,0: "):
        distributed.begin("127.0.0.1:1,1,0")
