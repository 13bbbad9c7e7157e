"""The load balancer's side of a change: rotation, vhost files, the HTTP check."""
