"""What docs/operating.md says must be granted ("Your own infrastructure") suffices; nothing more is granted here."""

import asyncio
import contextlib
from itertools import product

import psycopg2
import pytest
import redis
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest
from pydantic import SecretStr
from yarl import URL

from microblog_streams.config.settings import PREFIX
from microblog_streams.local.cassandra import Cassandra
from microblog_streams.local.files import write_atomic
from microblog_streams.local.kafka import Kafka
from microblog_streams.local.postgres import Postgres
from microblog_streams.local.valkey import Valkey
from microblog_streams.stores.cassandra.driver import ERRORS, open_cluster
from microblog_streams.stores.redis.live import CHANNEL
from tests.support.live.command import run_command
from tests.support.live.people import People
from tests.support.live.ports import free_port
from tests.support.live.processes import wait_until
from tests.support.live.worker import Worker
from tests.support.servers.alone import serving
from tests.support.waiting import PATIENT_SECONDS

NAME, PASSWORD = "limited", "secret-of-limited"
LOGIN = f"""
listeners=PLAINTEXT://127.0.0.1:{{open}},SASL_PLAINTEXT://127.0.0.1:{{login}},CONTROLLER://127.0.0.1:{{controller}}
advertised.listeners=PLAINTEXT://127.0.0.1:{{open}},SASL_PLAINTEXT://127.0.0.1:{{login}}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT
sasl.enabled.mechanisms=PLAIN
listener.name.sasl_plaintext.plain.sasl.jaas.config=\
org.apache.kafka.common.security.plain.PlainLoginModule required user_{NAME}="{PASSWORD}";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
"""
ROLES = "\nauthenticator: PasswordAuthenticator\nauthorizer: CassandraAuthorizer\npermissions_validity: 0ms\n"
#: Codes of Kafka's protocol.
TOPIC, GROUP, PREFIXED, ALLOW = 2, 3, 4, 3
READ, WRITE, CREATE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS = 3, 4, 5, 8, 10, 11
TOPICS = ("post.", "user.", "dead.letters", "microblog")
ON_TOPICS = (DESCRIBE, READ, WRITE, CREATE, DESCRIBE_CONFIGS, ALTER_CONFIGS)


class GuardedKafka(Kafka):
    """A broker with a door for operators, and one for a user who is allowed nothing yet."""

    port_names = ("kafka", "kafka-controller", "kafka-login")

    def _java(self):
        # Between the writing of the file and its first use.
        text = self._properties.read_text()
        if "SASL" not in text:
            ports = self.place.ports
            doors = LOGIN.format(open=self.port, login=ports["kafka-login"], controller=ports["kafka-controller"])
            self._properties.write_text(text + doors)
        return super()._java()


class GuardedNode(Cassandra):
    """A node with roles."""

    def prepare(self, children):
        super().prepare(children)
        config = self.home / "cassandra.yaml"
        write_atomic(config, config.read_text() + ROLES)


@pytest.fixture(scope="module")
def stack():
    with serving(GuardedKafka, GuardedNode, Postgres, Valkey) as stack:
        yield stack


def url_of(stack, part):
    return URL(stack.environment[f"{PREFIX}{part}_URL"])


@pytest.fixture(scope="module")
def kafka(stack):
    """Kafka's settings for the user."""

    async def grant():
        admin = AIOKafkaAdminClient(bootstrap_servers=f"127.0.0.1:{stack.parts['kafka'].port}")
        await admin.start()
        rules = [*product([TOPIC], TOPICS, ON_TOPICS), (GROUP, "microblog", READ)]
        for kind, name, operation in rules:
            request = CreateAclsRequest(kind, name, PREFIXED, f"User:{NAME}", "*", operation, ALLOW)
            answer = await admin._send_request(request)
            assert [code for code, _ in answer.creation_responses] == [0]
        await admin.close()

    asyncio.run(grant())
    login = {"USERNAME": NAME, "PASSWORD": PASSWORD, "MECHANISM": "PLAIN"}
    port = stack.parts["kafka"].place.ports["kafka-login"]
    return {"KAFKA_URL": f"kafka://127.0.0.1:{port}", **{f"KAFKA_{name}": value for name, value in login.items()}}


@pytest.fixture(scope="module")
def operator(stack):
    """A session of the first user of Cassandra, who is made a moment after the node is there."""
    url = url_of(stack, "CASSANDRA").with_user("cassandra").with_password("cassandra")
    settings = stack.settings.model_copy(
        update={"cassandra_url": SecretStr(str(url)), "store_timeout": PATIENT_SECONDS}
    )
    with contextlib.ExitStack() as opened:
        sessions = []

        def connected():
            with contextlib.suppress(*ERRORS):
                sessions.append(opened.enter_context(open_cluster(settings)).connect())
            return sessions

        wait_until(connected)
        yield sessions[0]


@pytest.fixture(scope="module")
def cassandra(stack, operator):
    operator.execute(f"CREATE ROLE {NAME} WITH PASSWORD = '{PASSWORD}' AND LOGIN = true")
    operator.execute(f"GRANT CREATE ON ALL KEYSPACES TO {NAME}")
    return {"CASSANDRA_URL": str(url_of(stack, "CASSANDRA").with_user(NAME).with_password(PASSWORD))}


@pytest.fixture(scope="module")
def postgres(stack):
    url = url_of(stack, "POSTGRES")
    connection = psycopg2.connect(str(url))
    connection.autocommit = True
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {NAME} LOGIN PASSWORD '{PASSWORD}'")
        cursor.execute(f"GRANT CREATE ON SCHEMA public TO {NAME}")
    return {"POSTGRES_URL": str(url.with_user(NAME).with_password(PASSWORD))}


@pytest.fixture(scope="module")
def valkey(stack):
    url = url_of(stack, "REDIS")
    with redis.Redis.from_url(str(url)) as client:
        client.execute_command("ACL", "SETUSER", NAME, "on", f">{PASSWORD}", "~*", "+@all", f"&{CHANNEL.decode()}")
    return {"REDIS_URL": str(url.with_user(NAME).with_password(PASSWORD))}


@pytest.fixture(scope="module")
def environment(stack, kafka, cassandra, postgres, valkey):
    own = {**kafka, **cassandra, **postgres, **valkey, "DATA_DIR": str(stack.data_dir), "AUTH": "open"}
    return {**stack.environment, **{f"{PREFIX}{name}": value for name, value in own.items()}}


@pytest.fixture(scope="module")
def migrated(environment, operator):
    """After the first ``migrate``; Cassandra's right to make keyspaces is taken away again."""
    first = run_command(environment, "migrate")
    assert first.status == 0, first.errors.decode()
    operator.execute(f"REVOKE CREATE ON ALL KEYSPACES FROM {NAME}")
    return environment


@pytest.fixture(scope="module")
def worker(migrated, stack):
    worker = Worker("limited", free_port(), migrated, stack.data_dir / "logs" / "limited.log").start()
    wait_until(worker.well, worker)
    yield worker
    worker.stop()


def test_migrate_may_be_repeated_without_the_right_to_make_keyspaces(migrated):
    again = run_command(migrated, "migrate")
    assert again.status == 0, again.errors.decode()


def test_a_worker_delivers_and_has_nothing_to_warn_of(worker):
    people = People()
    ada, grace = people.register(worker), people.register(worker)
    people.follow(worker, grace, ada)
    post = people.post(worker, ada)
    wait_until(lambda: post in people.timeline(worker, grace), worker)
    assert worker.call("GET", "/health").body["warnings"] == []


def test_live_timelines_have_their_signal(valkey):
    with redis.Redis.from_url(valkey["REDIS_URL"]) as client:
        assert client.publish(CHANNEL, b"!any") == 0
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.publish("another", b"")


def test_partitions_can_grow(worker, migrated):
    grown = run_command(migrated, "grow-partitions", "9")
    assert grown.status == 0, grown.errors.decode()
