"""Artifacts: keystores, libraries, applications and templates that hosts.yaml brings."""
