"""What is to be done to one node, and why: facts against hosts.yaml; pure."""
