"""Time one command as a whole process, from its start to its end, with all of its children.

Run by itself, without site-packages: the peak memory of a child counts what its parent had.
Prints the seconds, the CPU seconds, the peak of resident memory in kB, and the exit status.
"""

import json
import os
import sys
import time

began = time.monotonic()
child = os.fork()
if child == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(child, 0)
seconds = time.monotonic() - began
figures = {
    "seconds": seconds,
    "cpu_seconds": usage.ru_utime + usage.ru_stime,
    "peak_kb": usage.ru_maxrss,
    "status": os.waitstatus_to_exitcode(status),
}
os.write(3, json.dumps(figures).encode())
