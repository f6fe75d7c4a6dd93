"""Worlds: text behind `reset(task)` and `step(text)`, and the pool that runs many."""
