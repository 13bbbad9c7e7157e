"""What we know about Carbon servers: pure code that never opens a connection."""
