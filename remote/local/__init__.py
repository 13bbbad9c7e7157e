"""Commands of the operator, run on the operator's machine."""
