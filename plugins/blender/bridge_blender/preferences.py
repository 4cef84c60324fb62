"""The extension's preferences, and the settings with them."""

# Annotations must not be postponed: Blender evaluates them.
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import bpy

if TYPE_CHECKING:
    from bridge_core.models.settings import Settings

#: The extension's module, under which Blender stores its preferences.
EXTENSION = __package__.rpartition(".")[0]


class ShotbridgePreferences(bpy.types.AddonPreferences):
    """Empty fields use the studio's and the user's configuration files."""

    bl_idname = EXTENSION

    url: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Studio Gateway",
        description="Address of the studio's gateway. Empty: as configured, otherwise a gateway is "
        "started on this machine",
    )
    token_file: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Token File",
        description="File with the token for the studio's gateway",
        subtype="FILE_PATH",
    )
    gateway_python: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Python of the Gateway",
        description="The Python in which a gateway is installed on this machine. Empty: as "
        "configured, otherwise the program shotbridge-gateway on the PATH",
        subtype="FILE_PATH",
    )
    user: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Your Name",
        description="Name under which requests and decisions are recorded. Empty: your login name",
    )
    stay_on_top: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Keep the Panel above Blender",
        description="Otherwise it goes behind Blender whenever you click there",
        default=True,
    )

    def draw(self, _context: Any) -> None:
        layout = self.layout
        layout.use_property_split = True
        for name in ("url", "token_file", "gateway_python", "user", "stay_on_top"):
            layout.prop(self, name)
        if not bpy.app.online_access:
            text = "Blender may not go online: only a gateway on this machine is used"
            layout.label(text=text, icon="INFO")
        layout.label(text="Changes take effect when the panel is opened again")


def get_preferences() -> ShotbridgePreferences:
    """The preferences of this extension."""
    preferences: ShotbridgePreferences = bpy.context.preferences.addons[EXTENSION].preferences
    return preferences


def settings_reader() -> "Callable[[], Settings]":
    """A function that loads the client's settings once, on any thread.

    Blender's preferences are read now, on its main thread. The function reads the configuration
    files later. It raises ConfigError if they are not valid, or if they name a gateway on another
    machine and Blender may not go online.
    """
    from bridge_ui.app.opening import settings_reader as configuration_reader

    configuration = configuration_reader(_setting_overrides(get_preferences()))
    online_access = bpy.app.online_access

    def read() -> "Settings":
        if not online_access:
            _check_loopback(configuration().client.url)
        return configuration()

    return read


def register() -> None:
    bpy.utils.register_class(ShotbridgePreferences)


def unregister() -> None:
    bpy.utils.unregister_class(ShotbridgePreferences)


def _setting_overrides(preferences: ShotbridgePreferences) -> dict[str, Any]:
    """Settings that override every file, by the names in docs/configuration.md."""
    python = bpy.path.abspath(preferences.gateway_python)
    overrides = {
        "client.url": preferences.url.strip(),
        "client.token_file": bpy.path.abspath(preferences.token_file),
        "client.gateway_command": [python, "-m", "bridge_gateway"] if python else [],
        "client.user": preferences.user.strip(),
    }
    return {key: value for key, value in overrides.items() if value}


def _check_loopback(url: str | None) -> None:
    from bridge_core.connection.endpoint import is_loopback
    from bridge_core.errors import ConfigError

    if url is not None and not is_loopback(url):
        message = "Blender may not go online, and the gateway is on another machine"
        next_step = "tick Allow Online Access in Blender's Preferences > System"
        next_step += ", or use a gateway on this machine"
        raise ConfigError(message, where=url, next_step=next_step)
