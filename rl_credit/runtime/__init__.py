"""What surrounds a run: its command line, its folder and its checkpoints."""
