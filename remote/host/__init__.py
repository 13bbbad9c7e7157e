"""The ground: the server protocol, scripts as values, connections, lock, archive, sudo."""
