"""Why does it not join? What is known to keep a node out, checked from both sides; pure.

Sources: the misconfigurations of the product that its logs tell of, or keep silent about
(Carbon kernel 4.2.0 to 4.4.x), and what this tool itself may have left behind.
"""

from carbon.doctor.case import LOOKED_AT, Examination, Finding, questions
from carbon.doctor.diagnosis import Diagnosis, diagnose, unexamined

__all__ = [
    "LOOKED_AT",
    "Diagnosis",
    "Examination",
    "Finding",
    "diagnose",
    "questions",
    "unexamined",
]
