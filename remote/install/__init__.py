"""Bring a pack to servers that have no AS_HOME."""
