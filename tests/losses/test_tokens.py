import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_credit.losses import tokens
from tests.references import losses as reference


def test_prob_mask_keeps_what_was_uncertain(compiled):
    old_logps = jnp.log(jnp.asarray([[0.5, 0.89, 0.91, 1.0, 0.3, 0.3]]))
    old_logps = old_logps.at[0, 4].set(jnp.nan)
    where = jnp.asarray([[True, True, True, True, False, True]])
    kept = compiled(tokens.prob_mask)(old_logps, where)
    np.testing.assert_array_equal(kept, [[True, True, False, False, False, True]])
    kept = compiled(tokens.prob_mask, threshold=0.4)(old_logps, where)
    np.testing.assert_array_equal(kept, [[False, False, False, False, False, True]])


@given(length=st.integers(0, 100), buffer=st.integers(1, 60))
@settings(max_examples=25, deadline=None)
def test_overlong_penalty_matches_the_definition(length, buffer):
    knobs = {"max_length": 64, "buffer": buffer}
    actual = tokens.overlong_penalty(jnp.asarray([length]), **knobs)
    expected = reference.overlong_penalty(length, 64, buffer)
    np.testing.assert_allclose(actual, [expected], rtol=1e-6)
