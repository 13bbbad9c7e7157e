"""What is wrong, and what to do about it: preflight, status and doctor read from here; pure."""
