"""The benchmark: this tool, its peers and two floors of plain OpenSSH do one and the same job."""
