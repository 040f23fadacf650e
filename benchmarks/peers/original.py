"""What was told of the original platform: three Java services, measured on a machine like this one when hot.

These are not of the same run and stand beside ours for want of better; with ``--target`` both are measured. How many
cores it used was not told.
"""

from typing import Final

#: By the step of a round, and by how many are counted for each call of it (see ``rows.LINES``).
TOLD: Final = {
    "followed": {1: "2,600"},
    "accepted": {1: "5,700"},
    "delivered": {1: "2,100 at most: the events that its consumer handles", 10: "5,000 to 12,000"},
    "read": {1: "4,950"},
}
