"""Servers over SSH: the only place that speaks to Fabric and Paramiko.

Fabric resolves the user's ssh_config, agent, keys and gateways; this package adds what it
leaves out (facts/2.16): strict host keys, time limits, TCP_NODELAY, keepalive, gateways that
are opened once, and errors that name the host.
"""
