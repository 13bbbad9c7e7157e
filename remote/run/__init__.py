"""Threads, interruption and progress of a run."""
