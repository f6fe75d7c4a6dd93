"""One file a suite: `cases()` lists what is timed beside what."""
