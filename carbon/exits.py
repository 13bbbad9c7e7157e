"""The exit statuses of the verbs: each number has one meaning.

`run` is the exception: it ends with the worst status of the commands that it ran.
"""

DONE = 0
ERROR = 1
ATTENTION = 2
INTERRUPTED = 130
OUTPUT_CLOSED = 141
"""As of a program that SIGPIPE ends, such as ls and git: 128 + 13."""

MEANINGS = {
    DONE: "done, or nothing to do",
    ERROR: "an error: a wrong command line or hosts.yaml, a server that failed or is not reached",
    ATTENTION: "changes are pending (plan), or something is not well (status, doctor, boot)",
    INTERRUPTED: "interrupted with Ctrl-C",
    OUTPUT_CLOSED: "the reader of the output went away, as head does; nothing is said",
}
