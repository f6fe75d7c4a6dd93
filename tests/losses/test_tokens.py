import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_credit.losses import tokens
from tests.references import losses as reference


@given(length=st.integers(0, 100), buffer=st.integers(1, 60))
@settings(max_examples=25, deadline=None)
def test_overlong_penalty_matches_the_definition(length, buffer):
    knobs = {"max_length": 64, "buffer": buffer}
    actual = tokens.overlong_penalty(jnp.asarray([length]), **knobs)
    expected = reference.overlong_penalty(length, 64, buffer)
    np.testing.assert_allclose(actual, [expected], rtol=1e-6)
