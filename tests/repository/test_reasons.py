"""Each exemption states its reason beside it; the layers say what is built."""

import io
import re
import tokenize
import tomllib

from tests.conftest import ROOT

PYPROJECT = (ROOT / "pyproject.toml").read_text()
EXEMPTING_KEY = re.compile(r"^(ignore|extend-ignore|omit|exclude_also|filterwarnings)\b")
EXEMPTION = re.compile(
    r"#\s*(?:noqa(?::\s*[A-Z0-9, ]+)?|type:\s*ignore(?:\[[^]]*\])?|pragma:\s*no \w+)(.*)"
)


def unexplained_settings(text: str) -> list[str]:
    """Entries of ignoring arrays in pyproject.toml that have no comment on their line."""
    findings = []
    exempting = per_file = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("["):
            per_file = line.startswith("[tool.ruff.lint.per-file-ignores]")
            exempting = False
            continue
        opened = EXEMPTING_KEY.match(line) or (per_file and line.startswith('"'))
        exempting = exempting or bool(opened)
        entry = line.partition("= [")[2] if opened else line
        harmless = entry.strip(" ],") in {"", '"error"'} or entry.lstrip().startswith("#")
        if exempting and not harmless and not re.search(r"#\s*\S", entry):
            findings.append(f"pyproject.toml:{number}: {line.strip()}")
        if entry.partition("#")[0].rstrip().endswith("]"):
            exempting = False
    return findings


def unexplained_comments(name: str, source: str) -> list[str]:
    """`noqa`, `type: ignore` and `pragma` without words after them or a comment above them."""
    rows = source.splitlines()
    findings = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        exemption = EXEMPTION.search(token.string) if token.type == tokenize.COMMENT else None
        if exemption is None:
            continue
        above = rows[token.start[0] - 2].strip() if token.start[0] > 1 else ""
        if not re.search(r"[a-z]{2}", exemption[1]) and not above.startswith("# "):
            findings.append(f"{name}:{token.start[0]}: {token.string}")
    return findings


def layers(text: str) -> list[list[str]]:
    contracts = tomllib.loads(text)["tool"]["importlinter"]["contracts"]
    rows = next(contract["layers"] for contract in contracts if contract["id"] == "layers")
    return [row.split(" | ") for row in rows]


def test_each_exempting_setting_has_its_reason() -> None:
    assert unexplained_settings(PYPROJECT) == []


def test_an_exempting_setting_without_a_reason_is_found() -> None:
    sample = """
[tool.ruff.lint]
ignore = [
    "D105", # a reason
    "D107",
]
select = ["A"]
[tool.ruff.lint.per-file-ignores]
"tests/**" = ["D"]
"tools/**" = [
    "T20", # a reason
    "S101",
]
[tool.pytest.ini_options]
filterwarnings = ["error"]
[tool.coverage.run]
omit = ["x/*"]
"""
    assert [finding.split(": ", 1)[1] for finding in unexplained_settings(sample)] == [
        '"D107",',
        '"tests/**" = ["D"]',
        '"S101",',
        'omit = ["x/*"]',
    ]


def test_each_exemption_in_code_has_its_reason() -> None:
    findings = [
        finding
        for folder in ("src", "tests", "tools", "benchmarks")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if not path.is_relative_to(ROOT / "src/aclf_fhir/fhir/r4")
        for finding in unexplained_comments(str(path.relative_to(ROOT)), path.read_text())
    ]
    assert findings == []


def test_an_exemption_in_code_without_a_reason_is_found() -> None:
    for line in [
        "import x  # noqa: F401",
        "x = y  # type: ignore[attr-defined]",
        "z()  # pragma: no cover",
    ]:
        assert unexplained_comments("x.py", line)
        assert not unexplained_comments("x.py", line + ": a plain reason")
        assert not unexplained_comments("x.py", "# A plain reason.\n" + line)
    assert not unexplained_comments("x.py", "x = '# noqa: F401'")


def test_a_package_in_parentheses_is_not_built_yet() -> None:
    optional = [name[1:-1] for row in layers(PYPROJECT) for name in row if name.startswith("(")]
    package = ROOT / "src/aclf_fhir"
    built = [
        name
        for name in optional
        if (package / f"{name}.py").exists() or (package / name / "__init__.py").exists()
    ]
    assert built == [], "take their parentheses away in [tool.importlinter]"


def test_the_pure_core_is_all_that_lies_below_the_store() -> None:
    contracts = tomllib.loads(PYPROJECT)["tool"]["importlinter"]["contracts"]
    pure = next(contract["source_modules"] for contract in contracts if contract["id"] == "pure")
    rows = [[name.strip("()") for name in row] for row in layers(PYPROJECT)]
    store = next(index for index, row in enumerate(rows) if "store" in row)
    below = {name for row in rows[store + 1 :] for name in row}
    assert {name.removeprefix("*.").removeprefix("aclf_fhir.") for name in pure} == below
