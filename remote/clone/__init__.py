"""Copy and land an AS_HOME."""
