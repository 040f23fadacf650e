"""The demonstration and the measurements: a real graph, the real parts, and figures that anybody can have again.

``demo`` posts to a real follower graph and checks every timeline; ``measure`` measures; ``load`` is its load generator.
They use the system as clients do, over REST, and look at Kafka and Redis from outside, only reading.
"""
