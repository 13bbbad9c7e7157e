"""The verbs of the command line: thin tasks that plan, apply and print."""

import atexit
import gc

# The interpreter's last collections look at every object once more, which took a tenth of a
# second of every command: what is left then goes with the process.
atexit.register(gc.freeze)
