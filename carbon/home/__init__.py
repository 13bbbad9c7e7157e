"""What lies in and around AS_HOME: its layout, process, driver, ports, /etc/hosts; pure."""
