"""What a run will need, before anyone pays for the machines: memory, work, seconds."""
