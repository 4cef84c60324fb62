"""Configuration in layers: ``defaults < site < show < user < environment < arguments``.

::

    from bridge_core.config import load

    loaded = load({"client.retries": 2}, show="bunny")
    loaded.settings.client.retries          # 2
    loaded.origins["client.retries"]        # Origin(layer=Layer.ARGUMENTS, where="argument ...")

docs/configuration.md describes the layers and every key.
"""

from bridge_core.config.loader import (
    ConfigLayer,
    LoadedSettings,
    SettingOrigin,
    SettingRow,
    load_settings,
    user_file,
)

__all__ = [
    "ConfigLayer",
    "LoadedSettings",
    "SettingOrigin",
    "SettingRow",
    "load_settings",
    "user_file",
]
