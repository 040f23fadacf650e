"""``python -m benchmarks.peers``: the same load on this platform and on another that speaks the same contract.

The original platform is three services, and its clients speak a contract of which ours is a superset. So one load can
be put on both, in turns and on the same machine: people register, follow, post and read, and what was posted is looked
for on every follower's timeline. ``contract`` is what is asked of a server, ``play`` one round of it, ``original`` what
was told of the original where it cannot be measured.
"""
