"""Secrets from files: for every secret setting ``NAME``, ``NAME_FILE`` can name a file with its value.

Docker, Kubernetes and systemd provide secrets as files, which appear in no process list and no dump of an environment.
"""

import os
from pathlib import Path
from typing import Any, get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import PydanticBaseSettingsSource

from microblog_streams.domain.errors import SetupError

#: A larger file is refused: it is no secret.
MAX_BYTES = 64 * 1024


def is_secret(field: FieldInfo) -> bool:
    """Return whether a setting is a secret: its repr hides the value, and a file may hold it."""
    return SecretStr in (field.annotation, *get_args(field.annotation))


class SecretFiles(PydanticBaseSettingsSource):
    """A source of pydantic-settings. Raises SetupError with the variable's name, never with the content."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the content of a setting's file, None if the setting has none."""
        variable = f"{self.config['env_prefix']}{field_name}".upper()
        path = os.environ.get(f"{variable}_FILE")
        if not path or not is_secret(field):
            return None, field_name, False
        if variable in os.environ:
            raise SetupError(f"{variable} and {variable}_FILE are both set: keep one of them")
        return _read(f"{variable}_FILE", Path(path)), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return the settings that are in files."""
        fields = self.settings_cls.model_fields.items()
        values = {name: self.get_field_value(field, name)[0] for name, field in fields}
        return {name: value for name, value in values.items() if value is not None}


def _read(variable: str, path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1).decode().strip()
    except OSError as exc:
        raise SetupError(f"{variable}: {path} cannot be read: {exc.strerror}") from None
    except UnicodeDecodeError:
        raise SetupError(f"{variable}: {path} is not UTF-8 text") from None
    if not content or len(content) > MAX_BYTES:
        raise SetupError(f"{variable}: {path} is {'too large' if content else 'empty'}")
    return content
