"""Grid worlds in JAX: gymnax 1.x environments, compiled with the agent."""
