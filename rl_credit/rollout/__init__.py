"""Policies at play: from environments to trajectories."""
