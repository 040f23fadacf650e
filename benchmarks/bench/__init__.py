"""``python -m benchmarks.bench``: how fast it is, each figure beside the most that its parts could do.

A figure alone says as much of the machine as of the code. So each has its ceiling, measured on the same stack in the
same round: the same calls of Redis without our code around them, a bare handler that answers the same bytes. What is
judged is the ratio. ``rows`` says what a line of the table is, ``scenes`` has one file for each thing that is measured,
``ceilings`` what it is measured against; each of these is a process of its own.
"""
