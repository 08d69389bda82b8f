import sys

import pytest
from typer.testing import CliRunner

from aclf_fhir.cli import app, main
from aclf_fhir.cli import catalog as catalog_command
from aclf_fhir.errors import FACES, Category, Issue

COMMANDS = (
    ("serve",),
    ("score",),
    ("screen",),
    ("send",),
    ("server", "check"),
    ("catalog", "check"),
    ("verify",),
    ("demo",),
)


@pytest.mark.parametrize("category", Category)
def test_an_error_leaves_with_the_exit_code_of_its_category(
    category: Category, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    issues = [
        Issue(category, "mappings/x.yaml: [a]", "is wrong", "Mend it."),
        Issue(category, "", "All of it is wrong."),
    ]
    monkeypatch.setattr(catalog_command, "check", lambda _folder: issues)
    monkeypatch.setattr(sys, "argv", ["aclf-fhir", "catalog", "check"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == FACES[category].exit_code
    said = capsys.readouterr()
    assert said.out == ""
    assert "mappings/x.yaml: [a]: is wrong" in said.err
    assert "Mend it." in said.err
    assert "All of it is wrong." in said.err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*command, "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_help_lists_every_command() -> None:
    output = CliRunner().invoke(app, ["--help"]).output
    for command in COMMANDS:
        assert command[0] in output


def test_a_wrong_option_is_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["aclf-fhir", "catalog", "check", "--colour"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2


def test_who_closes_the_pipe_has_seen_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(**_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("aclf_fhir.cli.app", closed)
    monkeypatch.setattr("os.dup2", lambda _from, _to: None)
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 0
