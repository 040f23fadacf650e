"""asyncio building blocks, free of the platform's own terms: one of each, used by every package but the client.

``batcher`` (one request for many calls, and the tasks that send it), ``failures`` (pauses between retries, a circuit
breaker for a store that does not answer, best-effort steps), ``priority_semaphore``, ``tasks`` (count, bound and cancel
tasks, and mode's Service, which always stops), ``ttl_cache`` (and a dict of bounded size).

Libraries were preferred where they do the same. They do not here:

- cachetools' TTLCache counts an entry's age from when it is stored. Ours counts from when the lookup began, and
  discards results of lookups that were in flight during an invalidation; a revoked token would live on otherwise.
- tenacity wraps one function with a retry policy. The delivery loop decides between two tries whether the partition is
  still its own, so it needs only the pauses, which are five lines.
- aiolimiter limits rates, not concurrency; asyncio.Semaphore and anyio's CapacityLimiter serve in order of arrival
  only.
- asyncio.TaskGroup cancels the other tasks when one fails. A push to Redis that was sent cannot be taken back, so
  ``BoundedPipeline`` waits for the others.

The client and its command line import nothing of the server's, so ``client.retrying`` computes its own pauses (with
full jitter, on top of the server's Retry-After). ``local.workers.Backoff`` restarts worker processes: it starts from
the first pause again after a long run, and needs no jitter.
"""
