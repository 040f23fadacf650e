"""The examples for the operators of the parts: their structure, and what workers rely on.

The schemas of the operators are theirs and not kept here. With OPERATOR_CRDS naming a folder of their
CustomResourceDefinitions (YAML files) each resource is checked by its schema; there an unknown field is an error too.
"""

import os
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from microblog_streams.config.settings import Settings
from microblog_streams.local import jars

FOLDER = Path(__file__).parents[3] / "deploy" / "kubernetes" / "examples"
RESOURCES = [
    resource for file in sorted(FOLDER.glob("*.yaml")) for resource in yaml.safe_load_all(file.read_text("utf-8"))
]
CRDS = os.environ.get("OPERATOR_CRDS", "")


def named(kind: str) -> dict[str, Any]:
    (found,) = (resource for resource in RESOURCES if resource["kind"] == kind)
    return found


def closed(schema: Any) -> Any:
    """Return a schema that has each object refuse fields that it does not name, as the API server warns of them."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    more = {name: closed(value) for name, value in schema.items()}
    if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        more.setdefault("additionalProperties", False)
    return more


@cache
def schemas() -> dict[tuple[str, str], Any]:
    """Return the schemas of the resources' specs, by API version and kind."""
    read = [yaml.load(file.read_text("utf-8"), yaml.CSafeLoader)["spec"] for file in Path(CRDS).glob("*.yaml")]
    return {
        (f"{spec['group']}/{version['name']}", spec["names"]["kind"]): version["schema"]["openAPIV3Schema"]
        for spec in read
        for version in spec["versions"]
    }


@pytest.mark.parametrize(
    "resource", RESOURCES, ids=lambda resource: f"{resource['kind']}-{resource['metadata']['name']}"
)
def test_each_resource_is_whole(resource):
    assert resource.keys() - {"spec", "data"} == {"apiVersion", "kind", "metadata"}
    assert "/" in resource["apiVersion"] or resource["kind"] == "ConfigMap"


@pytest.mark.skipif(not CRDS, reason="OPERATOR_CRDS names no folder with the operators' CustomResourceDefinitions")
@pytest.mark.parametrize(
    "resource",
    [each for each in RESOURCES if "spec" in each],
    ids=lambda resource: f"{resource['kind']}-{resource['metadata']['name']}",
)
def test_each_resource_is_as_its_operator_defines_it(resource):
    schema = schemas()[resource["apiVersion"], resource["kind"]]["properties"]["spec"]
    jsonschema.validate(resource["spec"], closed(schema))


def test_there_are_three_copies_of_which_two_must_have_an_event():
    config = named("Kafka")["spec"]["kafka"]["config"]
    assert named("KafkaNodePool")["spec"]["replicas"] == config["default.replication.factor"] == 3
    assert config["min.insync.replicas"] == 2
    assert config["unclean.leader.election.enable"] is config["auto.create.topics.enable"] is False
    assert "topicOperator" not in named("Kafka")["spec"]["entityOperator"]
    (dc,) = named("K8ssandraCluster")["spec"]["cassandra"]["datacenters"]
    assert dc["size"] == len(dc["racks"]) == 3


def test_a_commit_is_on_two_servers_and_its_log_leaves_the_cluster():
    spec = named("Cluster")["spec"]
    assert spec["instances"] == 3
    assert spec["postgresql"]["synchronous"] == {"method": "any", "number": 1}
    (plugin,) = spec["plugins"]
    assert plugin["isWALArchiver"] is True
    assert plugin["parameters"]["barmanObjectName"] == named("ObjectStore")["metadata"]["name"]
    assert named("ScheduledBackup")["spec"]["pluginConfiguration"]["name"] == plugin["name"]


def test_redis_has_the_settings_that_workers_ask_for():
    (text,) = named("ConfigMap")["data"].values()
    assert dict(line.split() for line in text.splitlines()) == {
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "volatile-ttl",
        "min-replicas-to-write": "1",
        "min-replicas-max-lag": "2",
    }
    replication, sentinel = named("RedisReplication"), named("RedisSentinel")
    assert replication["spec"]["redisConfig"]["additionalRedisConfig"] == named("ConfigMap")["metadata"]["name"]
    assert sentinel["spec"]["redisSentinelConfig"]["redisReplicationName"] == replication["metadata"]["name"]


def test_the_search_engine_is_reached_by_tls_with_a_login_for_its_own_indices():
    cluster, user = named("OpenSearchCluster"), named("OpensearchUser")
    assert cluster["spec"]["security"]["tls"]["http"]["generate"] is True
    assert cluster["spec"]["general"]["version"] == jars.version("opensearch")
    (granted,) = named("OpensearchRole")["spec"]["indexPermissions"]
    assert granted["indexPatterns"] == [f"{Settings.model_fields['search_prefix'].default}-*"]
    binding = named("OpensearchUserRoleBinding")["spec"]
    assert binding["users"] == [user["metadata"]["name"]]
    assert binding["roles"] == [named("OpensearchRole")["metadata"]["name"]]
    for kind in ("OpensearchUser", "OpensearchRole", "OpensearchUserRoleBinding"):
        assert named(kind)["spec"]["opensearchCluster"] == {"name": cluster["metadata"]["name"]}
