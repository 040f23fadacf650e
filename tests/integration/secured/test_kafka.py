"""Kafka that wants TLS, and a login or a certificate of ours: by all of our clients, and by a worker."""

import asyncio
import os
import sys
from contextlib import asynccontextmanager

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaConnectionError
from pydantic import SecretStr

from microblog_streams.domain.errors import SetupError
from microblog_streams.kafka.clients import client_options
from microblog_streams.kafka.topics import partition_counts
from microblog_streams.local.kafka import Kafka
from microblog_streams.local.workers import get
from tests.support.live.ports import free_port
from tests.support.servers.alone import serving
from tests.support.waiting import PATIENT_SECONDS, until

PASSWORD = "secret-of-kafka"
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


class SecuredKafka(Kafka):
    """A broker with three doors: one without checks, one for logins, one for certificates."""

    port_names = ("kafka", "kafka-controller", "kafka-login", "kafka-certificate")
    certs = None

    def prepare(self, children):
        doors = {"PLAINTEXT": "kafka", "SASL_SSL": "kafka-login", "SSL": "kafka-certificate"}
        open_doors = ",".join(f"{door}://127.0.0.1:{self.place.ports[port]}" for door, port in doors.items())
        self.extra = f"""
listeners={open_doors},CONTROLLER://127.0.0.1:{self.place.ports["kafka-controller"]}
advertised.listeners={open_doors}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL
ssl.keystore.type=PEM
ssl.keystore.location={self.certs.server}
ssl.truststore.type=PEM
ssl.truststore.location={self.certs.ca}
listener.name.ssl.ssl.client.auth=required
sasl.enabled.mechanisms={",".join(MECHANISMS)}
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
user_worker="{PASSWORD}";
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
"""
        super().prepare(children)

    def _java(self):
        # Between the writing of the file and its first use.
        text = self._properties.read_text()
        if "SASL_SSL" not in text:
            self._properties.write_text(text + self.extra)
        return super()._java()

    def run_tool(self, children, command):
        users = [f"{name}=[name=worker,password={PASSWORD}]" for name in MECHANISMS if "SCRAM" in name]
        super().run_tool(children, [*command, *(word for user in users for word in ("--add-scram", user))])


@pytest.fixture(scope="module")
def stack(certs):
    SecuredKafka.certs = certs
    with serving(SecuredKafka) as stack:
        yield stack


@pytest.fixture
def at_door(stack, certs):
    """Settings for one of the doors, with the right certificates."""

    def settings(door, **changed):
        url = SecretStr(f"kafka://127.0.0.1:1;127.0.0.1:{stack.parts['kafka'].place.ports[door]}")
        return stack.settings.model_copy(update={"kafka_url": url, "kafka_ca": certs.ca, **changed})

    return settings


@pytest.fixture
def login(at_door):
    def settings(mechanism="SCRAM-SHA-512", **changed):
        login = {"kafka_username": "worker", "kafka_password": SecretStr(PASSWORD), "kafka_mechanism": mechanism}
        return at_door("kafka-login", **{**login, **changed})

    return settings


async def publish_and_consume(settings):
    """Make a topic, find it as the gate does, and see a record through it, with our options alone."""
    options, topic = client_options(settings), f"t-{os.urandom(4).hex()}"
    admin = AIOKafkaAdminClient(**options)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 3, 1)])
    await admin.close()

    async def there():
        counts = await partition_counts(options, [topic, "no-such-topic"], PATIENT_SECONDS)
        return counts == {topic: 3, "no-such-topic": 0}

    await until(there)
    async with AIOKafkaProducer(**options, acks="all") as producer:
        await producer.send_and_wait(topic, b"word")
    async with AIOKafkaConsumer(topic, **options, auto_offset_reset="earliest") as consumer:
        record = await consumer.getone()
    return record.value


@pytest.mark.parametrize("mechanism", MECHANISMS)
async def test_a_login_suffices(login, mechanism):
    assert await publish_and_consume(login(mechanism)) == b"word"


async def test_a_client_certificate_suffices(at_door, certs):
    ours = {"kafka_cert": certs.client_cert, "kafka_key": certs.client_key}
    assert await publish_and_consume(at_door("kafka-certificate", **ours)) == b"word"


async def refused(settings):
    with pytest.raises(SetupError) as told:
        await partition_counts(client_options(settings), ["any"], PATIENT_SECONDS)
    assert "\n" not in str(told.value)
    return str(told.value)


@pytest.mark.parametrize("mechanism", MECHANISMS)
async def test_a_wrong_password_is_reported_in_one_line(login, mechanism):
    told = await refused(login(mechanism, kafka_password=SecretStr("wrong-secret")))
    assert "refuses the login in MICROBLOG_KAFKA_USERNAME" in told
    assert "wrong-secret" not in told


async def test_an_untrusted_certificate_is_reported_in_one_line(login, certs):
    told = await refused(login(kafka_ca=certs.other_ca))
    assert "is not trusted" in told
    assert "MICROBLOG_KAFKA_CA" in told


async def test_a_missing_client_certificate_is_reported_in_one_line(at_door):
    assert "MICROBLOG_KAFKA_CERT" in await refused(at_door("kafka-certificate"))


@pytest.mark.parametrize("door", ["kafka-login", "kafka-certificate"])
async def test_a_broker_that_requires_tls_is_retried_and_named(at_door, door):
    with pytest.raises(KafkaConnectionError, match="is MICROBLOG_KAFKA_TLS what it wants"):
        await partition_counts(client_options(at_door(door, kafka_ca=None)), ["any"])


@pytest.fixture
def environment(login, stack, tmp_path):
    """A worker's variables: the password in a file, other stores that are away."""
    settings = login()
    (tmp_path / "password").write_text(PASSWORD + "\n")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MICROBLOG_")}
    return kept | {
        "MICROBLOG_DATA_DIR": str(tmp_path),
        "MICROBLOG_WEB_PORT": str(free_port()),
        "MICROBLOG_KAFKA_URL": settings.kafka_url.get_secret_value(),
        "MICROBLOG_KAFKA_CA": str(settings.kafka_ca),
        "MICROBLOG_KAFKA_USERNAME": settings.kafka_username,
        "MICROBLOG_KAFKA_PASSWORD_FILE": str(tmp_path / "password"),
        "MICROBLOG_POSTGRES_URL": "postgresql://microblog:secret-of-postgres@127.0.0.1:1/microblog",
        "MICROBLOG_REDIS_URL": "redis://:secret-of-redis@127.0.0.1:1/0",
        "MICROBLOG_CASSANDRA_URL": "cassandra://web:secret-of-cassandra@127.0.0.1:1/microblog",
        "MICROBLOG_ADMIN_TOKEN": "secret-of-the-admin-pages",
    }


@asynccontextmanager
async def running(*command, environment, log):
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, env=environment, stdout=output, stderr=output
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def test_a_worker_joins_and_shows_no_secret(environment, tmp_path):
    log = tmp_path / "log"
    make = "import asyncio; from microblog_streams import app; from microblog_streams.kafka import topics as k; "
    async with running(
        "-c",
        f"{make} asyncio.run(k.create_topics(app.settings, 1, app.settings.partitions))",
        environment=environment,
        log=log,
    ) as topics:
        assert await topics.wait() == 0, log.read_text()

    worker = ("-m", "faust", "-A", "microblog_streams", "worker", "-l", "debug")
    async with running(*worker, environment=environment, log=log) as process:
        seen = {}

        def joined():
            answer = get("127.0.0.1", int(environment["MICROBLOG_WEB_PORT"]), "/health")
            seen["health"] = answer.body if answer else {}
            recovered = seen["health"].get("tables", {}).get("recovered")
            return recovered and seen["health"]["stores"]["kafka"] == "ok"

        await until(joined)
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        shown = [seen["health"], log.read_text(), *(" ".join(one.cmdline()) for one in family)]
    assert "broker_awaited" not in log.read_text()
    assert [text for text in map(str, shown) if "secret-of" in text] == []


async def test_a_worker_with_a_wrong_password_ends_with_one_line(environment, tmp_path):
    (tmp_path / "password").write_text("wrong-secret")
    log = tmp_path / "log"
    async with running("-m", "faust", "-A", "microblog_streams", "worker", environment=environment, log=log) as process:
        assert await process.wait() == 3
    *_, last = log.read_text().strip().splitlines()
    assert "refuses the login in MICROBLOG_KAFKA_USERNAME" in last
    assert "wrong-secret" not in log.read_text()
    assert "Traceback" not in log.read_text()
