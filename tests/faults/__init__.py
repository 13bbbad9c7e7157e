"""Every fault at every point: `python -m tests.faults`."""
