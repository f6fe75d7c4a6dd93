"""From trajectories and credit to better parameters."""
