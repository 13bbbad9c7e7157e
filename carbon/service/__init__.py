"""Who starts a server: the unit of systemd that this tool writes, and those that others wrote.

What is said here of the product's scripts under systemd was tried on Carbon 4.2.0 and 4.4.8 with
systemd 252.
"""
