"""Credit assignment for reinforcement learning in JAX."""
