"""The files of the load balancer: vhosts, upstreams, rotation; pure."""
