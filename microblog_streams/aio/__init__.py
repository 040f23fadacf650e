"""asyncio building blocks that know nothing of microblogs: batching, limits, caches, backoff, cancellation."""
