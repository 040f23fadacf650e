"""The era of edge versions, which rises when PostgreSQL has lost commits.

PostgreSQL counts the versions of edges, and Kafka and the workers' tables keep them. A standby promoted without the
last commits, or a restored backup, would count them again from where it is: the next answered unfollow would get a
version that exists already, and be skipped. So every new session first checks whether the server is the one that the
deployment's row names. If not, it raises the era in that row, and all later versions are above the lost ones. A server
is identified by

- the timeline of its write-ahead log, which changes at each promotion and each point-in-time recovery. It is read with
  ``pg_walfile_name(pg_current_wal_lsn())``, which any user may call. So is ``pg_control_checkpoint()``, but that
  returns the old timeline until the first checkpoint after a promotion has ended.
- its system identifier (``pg_control_system()``, any user), which differs after a dump is loaded into a new server.

A restored disk snapshot has both unchanged: then a worker that knows a later era raises it, or the command
``raise-era`` does.

The timeline also shows the older of two servers that both take writes: a primary that was replaced by its standby and
then restarted. Each process that has seen the later one refuses it.

In a new era, ids continue 2**20 higher: the ids of lost users are in Kafka, Cassandra and Redis too, and must not be
given to others, who would get their posts.
"""

from dataclasses import dataclass
from typing import Final

from psycopg2 import NotSupportedError
from psycopg2.errors import InsufficientPrivilege, UndefinedColumn, UndefinedFunction, UndefinedTable

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.models import Era
from microblog_streams.stores.postgres.session import NAME, Row, Session, first_line

#: Ids skipped by a new era: far more than users register between a commit and its replication. For an older backup they
#: suffice if no more users than that have registered since.
SKIPPED_IDS: Final = 1 << 20
#: Tables whose ids are stored elsewhere too.
_SEQUENCES: Final = ("users", "tokens", "outbox")

_SETTINGS: Final = "current_setting('synchronous_standby_names'), current_setting('synchronous_commit')"
# A standby has no current WAL file.
_LOOK: Final = f"""
SELECT pg_is_in_recovery(), {_SETTINGS},
       CASE WHEN NOT pg_is_in_recovery()
            THEN ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint END,
       (pg_control_system()).system_identifier
"""
_WITHOUT_SERVER: Final = f"SELECT pg_is_in_recovery(), {_SETTINGS}, NULL, NULL"
_ROW: Final = "SELECT timeline, system_id, era, coalesce(extract(epoch FROM era_began), 0)::float8 FROM deployment"
_ADOPT: Final = "UPDATE deployment SET timeline = %s, system_id = %s WHERE timeline IS NULL"
# Of two sessions that see the change, the second waits for the first and then finds the row updated.
_RISE: Final = """
UPDATE deployment SET era = greatest(era, %s) + 1, era_began = clock_timestamp(), audit = audit + 1,
       timeline = %s, system_id = %s
 WHERE (timeline, system_id) IS DISTINCT FROM (%s, %s) OR era < %s
"""
_RISE_NOW: Final = "UPDATE deployment SET era = greatest(era, %s) + 1, era_began = clock_timestamp(), audit = audit + 1"
_SKIP: Final = "SELECT setval(sequence, nextval(sequence) + %s) FROM pg_get_serial_sequence(%s, 'id') AS sequence"


@dataclass(frozen=True, slots=True)
class Server:
    """The identity of a server: its system identifier, and the timeline of its write-ahead log."""

    system: int
    timeline: int

    def refuse(self, last: "Server | None") -> None:
        """Raise StoreUnavailable if ``last``, seen earlier, is the same system on a later timeline."""
        if last is not None and self.system == last.system and self.timeline < last.timeline:
            raise StoreUnavailable(
                NAME,
                "this server was replaced by one on a later timeline: stop it; "
                "if it was put back on purpose, restart the workers",
            )


@dataclass(frozen=True, slots=True)
class ServerState:
    """The result of a check: era, warnings for ``/health``, the server if it tells, and whether the era was raised."""

    era: Era
    warnings: tuple[str, ...]
    server: Server | None = None
    raised: bool = False


async def inspect_server(session: Session, known: Era, several_hosts: bool, last: Server | None = None) -> ServerState:
    """Identify the server, and raise the era if it is another one than before.

    ``known`` and ``last`` are the era and the server that this process knows. Raises StoreUnavailable on a standby, and
    on a server that was replaced.
    """
    unknown: tuple[str, ...] = ()
    try:
        standby, names, commit, timeline, system = await _one(session, _LOOK)
    except (InsufficientPrivilege, UndefinedFunction, NotSupportedError) as exc:
        standby, names, commit, timeline, system = await _one(session, _WITHOUT_SERVER)
        unknown = (
            f"postgres: its timeline is unknown ({first_line(exc)}): run raise-era after a promotion or a restore",
        )
    if standby:
        raise StoreUnavailable(NAME, "the server is a standby, on which nothing can be written")
    server = None if unknown else Server(system, timeline)
    if server is not None:
        server.refuse(last)
    warnings = (*_warnings(names, commit, several_hosts), *unknown)
    row = await _row(session)
    if row is None:
        return ServerState(known, warnings, server)
    if unknown:
        return ServerState(Era(*row[2:]), warnings)
    if row[0] is None:
        await session.execute(_ADOPT, timeline, system)
    elif row[:2] != (timeline, system) or row[2] < known.number:
        raised = await _raise(session, _RISE, known.number, timeline, system, timeline, system, known.number)
        return ServerState(await _era(session), warnings, server, raised)
    return ServerState(Era(*row[2:]), warnings, server)


async def _row(session: Session) -> Row | None:
    try:
        return await session.fetch_one(_ROW)
    except (UndefinedTable, UndefinedColumn):
        return None  # migrate did not run yet


async def raise_era(session: Session, known: Era) -> Era:
    """Raise the era on any server; return it."""
    await _raise(session, _RISE_NOW, known.number)
    return await _era(session)


async def _raise(session: Session, statement: str, *params: object) -> bool:
    """Raise the era and skip ids, in one transaction; return whether this session did."""
    await session.execute("BEGIN")
    try:
        raised = bool(await session.execute(statement, *params))
        for table in _SEQUENCES if raised else ():
            await session.fetch(_SKIP, SKIPPED_IDS, table)
    except InsufficientPrivilege as exc:
        await session.rollback()
        raise StoreUnavailable(NAME, f"the era cannot be raised: {first_line(exc)}") from None
    except Exception:
        await session.rollback()
        raise
    await session.execute("COMMIT")
    return raised


async def _era(session: Session) -> Era:
    return Era(*(await _one(session, _ROW))[2:])


async def _one(session: Session, statement: str) -> Row:
    (row,) = await session.fetch(statement)
    return row


def _warnings(names: str, commit: str, several_hosts: bool) -> list[str]:
    found = []
    if several_hosts and not names.strip():
        found.append(
            "postgres: MICROBLOG_POSTGRES_URL names several hosts and synchronous_standby_names is empty: "
            "a standby that is promoted may lack commits that were answered"
        )
    if commit == "off" or (several_hosts and commit == "local"):
        found.append(f"postgres: synchronous_commit is {commit}: commits that were answered can be lost")
    return found
