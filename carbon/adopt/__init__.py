"""From servers configured by hand to the hosts.yaml that describes them."""
