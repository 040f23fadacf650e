"""What the figures were measured on: without that they say nothing."""

import json
import os
import platform
from importlib.metadata import version

import psutil

from microblog_streams.local.jars import MANIFEST
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.redis.connection import Redis


def machine() -> dict[str, object]:
    """Return cores, memory (GiB) and how busy the machine was in the last minutes with something else."""
    return {
        "cores": os.cpu_count() or 0,
        "memory": round(psutil.virtual_memory().total / 1024**3),
        "load before": round(os.getloadavg()[1], 1),
    }


async def versions(postgres: Postgres, redis: Redis) -> dict[str, str]:
    """Return the version of every part."""
    jars = json.loads(MANIFEST.read_text(encoding="utf-8"))
    row = await postgres.fetch_one("SHOW server_version")
    async with redis.translated() as client:
        info = await client.info("server")
    return {
        "Python": platform.python_version(),
        "faust-streaming": version("faust-streaming"),
        "Kafka": jars["kafka"]["version"],
        "Cassandra": jars["cassandra"]["version"],
        "PostgreSQL": str(row[0]) if row else "",
        "Valkey": str(info.get("valkey_version", info["redis_version"])),
    }
