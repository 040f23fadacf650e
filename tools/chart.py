"""Writes the Helm chart's values.schema.json from the settings models; with ``--check`` it says whether that is stale.

A variable that the chart sets itself, and one that is a secret, is not among the settings of the values: helm refuses
it there, and names it.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from microblog_streams.config.infrastructure_settings import is_secret
from microblog_streams.config.settings import PREFIX, Settings

SCHEMA_FILE: Final = Path("deploy/helm/microblog-streams/values.schema.json")
Schema = Mapping[str, object]

#: Set in the chart's templates, by role and pod.
CHART_OWN: Final = frozenset(
    {"data_dir", "worker", "roles", "static_membership", "standby_replicas", "web_host", "web_port", "web_url"}
)
_TEXT: Final[Schema] = {"type": "string"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_FLAG: Final[Schema] = {"type": "boolean"}


def _object(**properties: Schema) -> dict[str, object]:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _settings() -> dict[str, object]:
    fields = {name: field for name, field in Settings.model_fields.items() if name not in CHART_OWN}
    plain: dict[str, Schema] = {
        f"{PREFIX}{name.upper()}": {"type": "string", "description": field.description}
        for name, field in fields.items()
        if not is_secret(field)
    }
    traces: Schema = {"type": "string", "description": "Of OpenTelemetry, with MICROBLOG_TRACES: otlp."}
    return {**_object(**plain), "patternProperties": {"^OTEL_[A-Z_]+$": traces}}


def _pods(**more: Schema) -> dict[str, object]:
    open_object: Schema = {"type": "object"}
    any_list: Schema = {"type": "array"}
    return _object(replicas=_COUNT, resources=open_object, nodeSelector=open_object, tolerations=any_list, **more)


def schema() -> dict[str, object]:
    """Return the schema of the chart's values: no other keys than these, with the types that the templates expect."""
    autoscaling = _object(enabled=_FLAG, minReplicas=_COUNT, maxReplicas=_COUNT, cpuPercent=_COUNT)
    peers: Schema = {"type": "array", "items": {"type": "object"}}
    labels: Schema = {"type": "object", "additionalProperties": _TEXT}
    values = _object(
        image=_object(repository=_TEXT, tag=_TEXT, digest=_TEXT, pullPolicy=_TEXT),
        imagePullSecrets={"type": "array", "items": {"type": "object"}},
        secretName={"type": "string", "minLength": 1},
        settings=_settings(),
        files={"type": "object", "additionalProperties": _TEXT},
        streams=_pods(standbyReplicas=_COUNT, storage=_object(size=_TEXT, className=_TEXT)),
        web=_pods(autoscaling=autoscaling),
        search=_pods(enabled=_FLAG),
        migration=_object(enabled=_FLAG, deadlineSeconds=_COUNT),
        service=_object(type=_TEXT, port={"type": "integer", "minimum": 1, "maximum": 65535}),
        ingress=_object(
            enabled=_FLAG, className=_TEXT, host=_TEXT, tlsSecretName=_TEXT, annotations={"type": "object"}
        ),
        networkPolicy=_object(enabled=_FLAG, apiFrom=peers, operatorsFrom=peers),
        podMonitor=_object(enabled=_FLAG, interval=_TEXT),
        prometheusRule=_object(enabled=_FLAG, labels=labels),
        dashboards=_object(enabled=_FLAG, labels=labels),
        # Given by helm where the chart is part of another.
        **{"global": {"type": "object"}},
    )
    return {"$schema": "http://json-schema.org/draft-07/schema#", **values}


def text() -> str:
    """Return the text of the file."""
    return json.dumps(schema(), indent=2) + "\n"


def main() -> None:
    """Write the file, or check it."""
    if "--check" not in sys.argv[1:]:
        SCHEMA_FILE.write_text(text())
    elif not SCHEMA_FILE.exists() or SCHEMA_FILE.read_text() != text():
        sys.exit(f"{SCHEMA_FILE} is stale: run make docs")


if __name__ == "__main__":
    main()
