"""Reads only: facts, status, doctor, logs, and an operator's own command."""
