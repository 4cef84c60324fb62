"""Configuration in layers: ``defaults < site < show < user < environment < arguments``.

::

    from bridge_core.config import load_settings

    loaded = load_settings({"client.retries": 2}, show="bunny")
    loaded.settings.client.retries      # 2
    loaded.origins["client.retries"]    # SettingOrigin(layer=ConfigLayer.ARGUMENTS, ...)

docs/configuration.md describes the layers and all keys.
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
