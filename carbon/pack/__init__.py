"""The product's pack: what it has to hold, and how it travels."""
