"""The verbs of the command line: thin tasks that plan, apply and print."""
