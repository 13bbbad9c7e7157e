"""The verbs of the command line: thin tasks that plan, apply and print."""

import atexit
import gc
import os
import sys
from types import TracebackType

# Invoke turns the caching of bytecode off unless `--write-pyc` is given (invoke/program.py), so
# that every command would compile the project anew. Only the operator's own wish counts here.
sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)

# Loading makes more objects than garbage: looking for it less often saves a thirtieth of the CPU.
gc.set_threshold(50_000, 20, 50)

# The interpreter's last collections look at every object once more, which took a tenth of a
# second of every command: what is left then goes with the process.
atexit.register(gc.freeze)


# Invoke prints lists and helps itself, and `fab --list | head -1` would end in a traceback, or in
# a complaint of the interpreter: where the reader of a pipe is gone, nothing is said.


def _report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if isinstance(error, BrokenPipeError):
        _discard_output()
    else:
        sys.__excepthook__(kind, error, trace)


def _flush() -> None:
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()


def _discard_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


sys.excepthook = _report
atexit.register(_flush)
