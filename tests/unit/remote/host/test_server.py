"""What a script complained of: its own sentence, and never without what the program said."""

from __future__ import annotations

import pytest

from remote.host.server import Outcome

CP = "cp: cannot create regular file 'axis2.xml': Permission denied"


@pytest.mark.parametrize(
    ("err", "complaint"),
    [
        ("cannot keep a copy\n", "cannot keep a copy"),
        (f"{CP}\ncannot keep a copy\n", f"cannot keep a copy: {CP}"),
        (
            "provision:swap: 7: eval: cannot create /a/b: Not permitted\ncannot write in /a\n",
            "cannot write in /a: cannot create /a/b: Not permitted",
        ),
        (
            "provision:stage: line 7: /a/b: Read-only file system\ncannot write in /a\n",
            "cannot write in /a: /a/b: Read-only file system",
        ),
        (f"{CP}\n", CP),
        ("Welcome to this server!\ncannot keep a copy\n", "cannot keep a copy"),
        ("sudo: unable to resolve host w1: Name unknown\nit is gone\n", "it is gone"),
        ("", "it ended with status 1"),
    ],
)
def test_the_words_of_the_program_stand_behind_the_sentence_of_the_script(
    err: str, complaint: str
) -> None:
    assert Outcome(1, b"", err.encode()).complaint == complaint
