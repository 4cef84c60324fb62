"""Configuration: layers, origins and error messages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge_core.config import ConfigLayer, SettingOrigin, load_settings, user_file
from bridge_core.config.setting_keys import setting_keys
from bridge_core.config.settings_table import update_document
from bridge_core.errors import ConfigError
from bridge_core.models.settings import Settings

DOCUMENT = Path(__file__).parents[3] / "docs" / "configuration.md"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "site.yaml"
    path.write_text("")
    monkeypatch.setenv("SHOTBRIDGE_CONFIG", str(path))
    return path


def write_user(text: str) -> Path:
    path = user_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def refused(**kwargs: object) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_settings(**kwargs)  # type: ignore[arg-type]
    return caught.value


def test_without_configuration_the_defaults_apply() -> None:
    loaded = load_settings()
    assert loaded.settings == Settings()
    assert set(loaded.origins.values()) == {SettingOrigin(ConfigLayer.DEFAULT)}
    assert loaded.files == ()


def test_each_layer_overrides_the_previous_one(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = tmp_path / "bunny.yaml"
    site.write_text(
        "client:\n  retries: 1\n  parallel_transfers: 1\n  connect_timeout: 1\n  read_timeout: 1\n"
        f"work:\n  handles: 1\n  show_config: {tmp_path}/{{show}}.yaml\n"
    )
    show.write_text(
        "client: {parallel_transfers: 2, connect_timeout: 2, read_timeout: 2}\nwork: {handles: 2}"
    )
    user = write_user("client: {connect_timeout: 3, read_timeout: 3}\nwork:\n  handles: 3\n")
    monkeypatch.setenv("SHOTBRIDGE__CLIENT__READ_TIMEOUT", "4")
    monkeypatch.setenv("SHOTBRIDGE__WORK__HANDLES", "4")

    loaded = load_settings({"work.handles": 5}, show="bunny")

    client, work = loaded.settings.client, loaded.settings.work
    assert client.start_timeout == 60
    assert (client.retries, client.parallel_transfers, client.connect_timeout) == (1, 2, 3)
    assert (client.read_timeout, work.handles) == (4, 5)
    assert loaded.origins["client.retries"] == SettingOrigin(ConfigLayer.SITE, f"{site}:2")
    assert loaded.origins["client.parallel_transfers"] == SettingOrigin(
        ConfigLayer.SHOW, f"{show}:1"
    )
    assert loaded.origins["client.connect_timeout"] == SettingOrigin(ConfigLayer.USER, f"{user}:1")
    assert loaded.origins["client.read_timeout"] == SettingOrigin(
        ConfigLayer.ENVIRONMENT, "SHOTBRIDGE__CLIENT__READ_TIMEOUT"
    )
    assert loaded.origins["work.handles"] == SettingOrigin(
        ConfigLayer.ARGUMENTS, "argument work.handles"
    )
    assert loaded.files == (site, show, user)
    assert [row.key for row in loaded.rows()] == list(setting_keys())


def test_a_later_site_file_overrides_an_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text("client: {retries: 1, parallel_transfers: 1}")
    second.write_text("client: {retries: 2}")
    monkeypatch.setenv("SHOTBRIDGE_CONFIG", os.pathsep.join(map(str, (first, second))))
    client = load_settings().settings.client
    assert (client.retries, client.parallel_transfers) == (2, 1)


@pytest.mark.parametrize("layer", ["user", "environment", "arguments", "parameter"])
def test_the_show_can_be_set_in_any_layer(
    layer: str, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.write_text("work: {show_config: '{show}.yaml'}")
    (tmp_path / "bunny.yaml").write_text("work: {handles: 33}")
    arguments, show = {}, None
    if layer == "user":
        write_user("work: {show: bunny}")
    elif layer == "environment":
        monkeypatch.setenv("SHOTBRIDGE__WORK__SHOW", "bunny")
    elif layer == "arguments":
        arguments = {"work.show": "bunny"}
    else:
        show = "bunny"
    assert load_settings(arguments, show=show).settings.work.handles == 33
    assert load_settings(arguments, show="other").settings.work.handles == 8


@pytest.mark.parametrize("show", ["../secret", "a/b", "", ".."])
def test_a_show_name_cannot_leave_its_folder(show: str, site: Path) -> None:
    site.write_text("work: {show_config: '/shows/{show}/config.yaml'}")
    assert "not a valid show name" in str(refused(show=show))


def test_a_show_cannot_set_shared_keys(site: Path, tmp_path: Path) -> None:
    site.write_text("work: {show_config: '{show}.yaml'}")
    (tmp_path / "bunny.yaml").write_text("gateway:\n  workers: 4\nwork: {show: hare}")
    message = str(refused(show="bunny"))
    assert "bunny.yaml:2: gateway.workers: 4: it cannot be set by a show" in message
    assert "work.show: hare" in message


def test_all_problems_of_a_layer_are_reported_at_once(site: Path) -> None:
    site.write_text(
        "client:\n"
        "  retrys: 6\n"
        "  retries: many\n"
        "  parallel_transfers: yes\n"
        "  url: gateway.studio\n"
        "gateway:\n"
        "  port: 99999\n"
        "  media_roots: /shows\n"
        "  version_folder_template: '{show}/{shot}'\n"
        "  proxies: 3\n"
        "clients:\n"
        "  url: x\n"
        "work:\n"
        "  show: 300\n"
        "  handles: {a: 1}\n"
    )
    error = refused()
    problems = {item["key"]: item for item in error.details["problems"]}
    assert problems["client.retrys"]["where"] == f"{site}:2"
    assert problems["client.retrys"]["problem"] == (
        "there is no such key; did you mean client.retries?"
    )
    assert problems["client.retries"]["value"] == "many"
    assert problems["client.retries"]["problem"] == "it must be a whole number from 0 to 20"
    assert (
        problems["client.parallel_transfers"]["problem"] == "it must be a whole number from 1 to 32"
    )
    assert "URL such as" in problems["client.url"]["problem"]
    assert problems["gateway.port"]["where"] == f"{site}:7"
    assert problems["gateway.media_roots"]["problem"] == "it must be a list of paths"
    assert (
        "{sequence}, {service}, {version}" in problems["gateway.version_folder_template"]["problem"]
    )
    assert "section" in problems["gateway.proxies"]["problem"]
    assert "did you mean client?" in problems["clients"]["problem"]
    assert problems["work.show"]["problem"] == "it must be text, or null"
    assert problems["work.handles"]["where"] == f"{site}:15"
    assert len(problems) == 11
    for item in problems.values():
        assert f"{item['where']}: {item['key']}" in str(error)


@pytest.mark.parametrize(
    ("text", "where", "expected"),
    [
        (
            "client:\n  retries: 1\n  parallel_transfers: 2\n  retries: 3\n",
            ":4",
            "already set in line 2",
        ),
        ("client: {}\nclient: {}\n", ":2", "already set in line 1"),
        ("client:\n\tretries: 1\n", ":2", "not valid YAML"),
        ("client: [1\n", ":2", "not valid YAML"),
        ("client: {retries: 1}\n---\nwork: {}\n", ":2", "not valid YAML"),
        ("- client\n", ":1", "must have sections"),
        ("just text\n", ":1", "must have sections"),
        ("\x00", "", "not valid YAML"),
        ("client:\n  url: !!python/object/apply:os.getcwd []\n", ":2", "cannot be read"),
        ("work:\n  show: 2026-99-99\n", ":2", "cannot be read"),
        ("? [a]\n: 1\n", ":1", "must be a plain scalar"),
        ("gateway:\n  media_roots: &a [*a]\n", ":2", "recursive"),
        ("client: &a\n  client: *a\n", ":2", "there is no such key"),
    ],
)
def test_broken_files_are_reported_with_their_line(
    text: str, where: str, expected: str, site: Path
) -> None:
    site.write_text(text)
    message = str(refused())
    assert f"{site}{where}" in message
    assert expected in message


def test_a_file_of_another_encoding_is_reported(site: Path) -> None:
    site.write_bytes(b"work: {show: h\xe4schen}")
    assert str(site) in str(refused())


def test_a_missing_site_file_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOTBRIDGE_CONFIG", "/no/such/site.yaml")
    assert "/no/such/site.yaml" in str(refused())


def test_a_folder_in_place_of_a_file_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOTBRIDGE_CONFIG", str(tmp_path))
    assert "cannot be read" in str(refused())


def test_variables_take_text_verbatim_and_the_rest_as_yaml(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "WORK__SHOW": "300",
        "CLIENT__URL": "null",
        "CLIENT__RETRIES": "2",
        "GATEWAY__VERSION_FOLDER_TEMPLATE": "{show}/{sequence}/{shot}/{service}/{version}/x",
        "GATEWAY__MEDIA_ROOTS": f"/a{os.pathsep}/b",
        "GATEWAY__ALLOWED_HOSTS": "[one, two]",
        "CLIENT__GATEWAY_COMMAND": "/opt/py/bin/python -m 'bridge gateway'",
        "GATEWAY__PROXIES__WIDTH": "512",
    }.items():
        monkeypatch.setenv(f"SHOTBRIDGE__{name}", value)
    settings = load_settings().settings
    assert settings.work.show == "300"
    assert settings.client.url is None
    assert settings.client.retries == 2
    assert settings.gateway.version_folder_template.endswith("/x")
    assert settings.gateway.media_roots == (Path("/a"), Path("/b"))
    assert settings.gateway.allowed_hosts == ("one", "two")
    assert settings.client.gateway_command == ("/opt/py/bin/python", "-m", "bridge gateway")
    assert settings.gateway.proxies.width == 512


def test_an_unknown_variable_or_argument_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "did you mean client.url?" in str(refused(arguments={"client.ur": "x"}))
    assert "did you mean gateway.workers?" in str(refused(arguments={"workers": 3}))
    assert "set its keys" in str(refused(arguments={"client": {}}))
    monkeypatch.setenv("SHOTBRIDGE__CLIENT__RETRYS", "3")
    message = str(refused())
    assert "SHOTBRIDGE__CLIENT__RETRYS: client.retrys: 3" in message


def test_relative_paths_start_from_their_file(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    site.write_text("gateway: {data_dir: data, media_roots: [plates, ~/mine]}")
    loaded = load_settings({"gateway.library_dir": "library"})
    assert loaded.settings.gateway.data_dir == tmp_path / "data"
    assert loaded.settings.gateway.media_roots == (tmp_path / "plates", Path.home() / "mine")
    assert loaded.settings.gateway.library_dir == elsewhere / "library"


def test_a_password_is_not_shown(site: Path) -> None:
    site.write_text("gateway: {database_url: 'postgresql://studio:s3cret@db/shots'}")
    row = next(row for row in load_settings().rows() if row.key == "gateway.database_url")
    assert row.value == "postgresql://studio:...@db/shots"


def test_settings_that_were_given_are_recorded() -> None:
    settings = load_settings({"gateway.workers": 1}).settings
    assert settings.gateway.model_fields_set == {"workers"}


def test_the_document_is_up_to_date() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    assert update_document(document) == document, (
        "run python -m bridge_core.config.settings_table " + str(DOCUMENT)
    )
    assert all(f"| `{key.field}` | `" in document for key in setting_keys().values())
    assert all(key.description for key in setting_keys().values())


def test_every_default_is_valid_for_its_key() -> None:
    for key in setting_keys().values():
        assert key.find_problem(key.default) == "", key.name


@given(st.text(max_size=200))
def test_no_text_crashes_the_reader(text: str) -> None:
    path = user_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    try:
        load_settings()
    except ConfigError as error:
        assert str(path) in str(error)
    finally:
        path.unlink()


def test_yaml_is_loaded_only_where_a_file_is_read() -> None:
    code = (
        "import sys\nfrom bridge_core.config import load_settings\n"
        "load_settings()\nprint('yaml' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
