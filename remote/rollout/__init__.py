"""A rolling change: preflight, rollout, turn, start, stop, record."""
