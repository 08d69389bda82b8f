from pathlib import Path

import pytest

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.settings import PREFIX, Settings, is_loopback


def test_without_an_environment_the_defaults_stay_in_the_current_folder() -> None:
    settings = Settings.read({})
    assert settings == Settings()
    assert settings.host == "127.0.0.1"
    assert settings.database == "sqlite:///aclf-fhir.sqlite"


def test_every_setting_is_read_from_its_variable(tmp_path: Path) -> None:
    settings = Settings.read(
        {
            "ACLF_FHIR_HOST": "::1",
            "ACLF_FHIR_PORT": "8123",
            "ACLF_FHIR_DATABASE": "postgresql://127.0.0.1/x",
            "ACLF_FHIR_SITE": "elsewhere",
            "ACLF_FHIR_AS_OF": "last",
            "ACLF_FHIR_MAPPINGS": str(tmp_path),
            "ACLF_FHIR_TRIALS": str(tmp_path),
            "ACLF_FHIR_MAX_BODY_BYTES": "4096",
            "ACLF_FHIR_MAX_ENTRIES": "10",
            "ACLF_FHIR_THREADS": "8",
            "PATH": "/bin",
            "ACLF_FHIR_TEST_POSTGRES": "not a setting of the product",
        }
    )
    assert settings == Settings(
        host="::1",
        port=8123,
        database="postgresql://127.0.0.1/x",
        site="elsewhere",
        as_of="last",
        mappings=tmp_path,
        trials=tmp_path,
        max_body_bytes=4096,
        max_entries=10,
        threads=8,
    )
    assert Settings.read(settings.environment()) == settings


def test_the_table_of_the_documentation_names_every_setting_and_its_default() -> None:
    documented = __import__("aclf_fhir.settings", fromlist=["__doc__"]).__doc__
    for name, value in Settings().environment().items():
        assert f"| `{name}` | `{value}` |" in documented
    for name in ("MAPPINGS", "TRIALS"):
        assert f"| `{PREFIX}{name}` | – |" in documented


def test_every_variable_that_cannot_be_used_is_named_at_once() -> None:
    with pytest.raises(AclfError) as caught:
        Settings.read(
            {
                "ACLF_FHIR_PORT": "70000",
                "ACLF_FHIR_AS_OF": "yesterday",
                "ACLF_FHIR_MAPPINGS": "/nowhere/at/all",
                "ACLF_FHIR_DATABASE": " ",
                "ACLF_FHIR_DATBASE": "sqlite:///typing-error.sqlite",
            }
        )
    assert caught.value.category is Category.INVALID
    assert [issue.location for issue in caught.value.issues] == [
        "ACLF_FHIR_AS_OF",
        "ACLF_FHIR_DATABASE",
        "ACLF_FHIR_DATBASE",
        "ACLF_FHIR_MAPPINGS",
        "ACLF_FHIR_PORT",
    ]


@pytest.mark.parametrize("port", ["0", "65535"])
def test_a_port_at_either_end_is_taken(port: str) -> None:
    assert Settings.read({"ACLF_FHIR_PORT": port}).port == int(port)


@pytest.mark.parametrize("port", ["-1", "65536", "8e3", "٣"])
def test_a_port_beyond_is_refused(port: str) -> None:
    with pytest.raises(AclfError):
        Settings.read({"ACLF_FHIR_PORT": port})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "[::1]", "localhost"])
def test_loopback_addresses_may_be_bound(host: str) -> None:
    assert is_loopback(host)
    Settings(host=host).check_address()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", "", "*"])  # noqa: S104 - refused
def test_any_other_address_is_refused(host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(AclfError) as caught:
        Settings(host=host).check_address()
    assert caught.value.category is Category.FORBIDDEN
