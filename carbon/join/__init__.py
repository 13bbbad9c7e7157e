"""How a member joins: what both logs say, and what proves it; pure."""
