"""The verbs of the command line: thin tasks that plan, apply and print."""

import atexit
import gc
import sys

from tasks import output

# Invoke turns the caching of bytecode off unless `--write-pyc` is given (invoke/program.py), so
# that every command would compile the project anew. Only the operator's own wish counts here.
sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)

# Loading makes more objects than garbage: looking for it less often saves a thirtieth of the CPU.
gc.set_threshold(50_000, 20, 50)

# The interpreter's last collections look at every object once more, which took a tenth of a
# second of every command: what is left then goes with the process.
atexit.register(gc.freeze)


output.guard()
