"""Finds the data files, reads them and lays a site's own over the package's."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from aclf_fhir.catalog.yaml_text import Tree, read_yaml
from aclf_fhir.errors import AclfError, Category, Issue

__all__ = ["FOLDERS", "SINGLES", "DataFile", "Files", "data_root", "read_files"]

FOLDERS = ("analytes", "value_sets", "scales", "sites")
"""Kinds of which `mappings/` has a folder with any number of files."""

SINGLES = ("units", "unit_parts", "specimens", "vocabulary", "not_needed")
"""Kinds of which `mappings/` has one file."""


class DataFile(NamedTuple):
    """One file of the data folders.

    Parameters
    ----------
    kind
        `analytes`, `units`, … or `trials`.
    name
        Path as shown to people: `mappings/analytes/liver.yaml`, and of an overlay the path
        it was found under.
    stem
        File name without its ending; the id of a site.
    overlay
        Whether it comes from a site's own folder.
    digest
        SHA-256 of its bytes.
    tree
        What it holds.
    key
        Its place in the layout, wherever the folder stands; what versions are made of.
    """

    kind: str
    name: str
    stem: str
    overlay: bool
    digest: bytes
    tree: dict[str, Tree]
    key: str = ""


@dataclass(slots=True)
class Files:
    """Every data file that counts, the package's first, and what is wrong with them."""

    files: list[DataFile] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)

    def of(self, kind: str) -> list[DataFile]:
        """Return the files of one kind, the package's before the overlay's."""
        return [file for file in self.files if file.kind == kind]

    def version(self, *kinds: str) -> str:
        """Return a short hash of the files of these kinds, of all files if none is named."""
        total = hashlib.sha256()
        for file in sorted(self.files, key=lambda file: (file.overlay, file.key)):
            if not kinds or file.kind in kinds:
                total.update(f"{file.overlay:d} {file.key}\n".encode())
                total.update(file.digest)
        return total.hexdigest()[:12]


def data_root() -> Path:
    """Return the folder that holds `mappings`, `trials` and `profiles`.

    They are package data in an installed wheel, and stand at the top of a repository.
    """
    package = Path(__file__).resolve().parents[1]
    packaged = package / "_data"
    return packaged if packaged.is_dir() else package.parents[1]


def read_files(*, mappings: Path | None = None, trials: Path | None = None) -> Files:
    """Read the package's data files and those of the overlay folders.

    Parameters
    ----------
    mappings, trials
        A site's own folders, laid out like the package's; `AclfError` (not found)
        if one is named that is not there.
    """
    found = Files()
    root = data_root()
    for overlay, folder in ((False, root / "mappings"), (True, mappings)):
        if folder is not None:
            _read_mappings(found, folder, overlay=overlay)
    for overlay, folder in ((False, root / "trials"), (True, trials)):
        if folder is not None and (overlay or folder.is_dir()):
            _read_folder(found, _existing(folder), "trials", "trials", overlay=overlay)
    return found


def _existing(folder: Path) -> Path:
    if not folder.is_dir():
        raise AclfError.of(
            Category.NOT_FOUND, str(folder), "there is no such folder", "name an existing one"
        )
    return folder


def _read_mappings(found: Files, folder: Path, *, overlay: bool) -> None:
    """Read one `mappings` folder."""
    for path in sorted(_existing(folder).iterdir()):
        if path.is_dir() and path.name in FOLDERS:
            _read_folder(found, path, path.name, f"mappings/{path.name}", overlay=overlay)
        elif path.stem in SINGLES and path.suffix == ".yaml":
            _read_file(found, path, path.stem, f"mappings/{path.name}", overlay=overlay)
        elif path.name != "schemas" and _is_data(path):
            expected = ", ".join((*FOLDERS, *(f"{name}.yaml" for name in SINGLES)))
            _misplaced(
                found,
                _shown(path, f"mappings/{path.name}", overlay),
                f"expected one of: {expected}",
            )


def _read_folder(found: Files, folder: Path, kind: str, place: str, *, overlay: bool) -> None:
    """Read every YAML file of a folder."""
    for path in sorted(folder.iterdir()):
        if path.suffix == ".yaml" and path.is_file():
            _read_file(found, path, kind, f"{place}/{path.name}", overlay=overlay)
        elif _is_data(path):
            _misplaced(
                found,
                _shown(path, f"{place}/{path.name}", overlay),
                "expected files named *.yaml, no folders",
            )


def _shown(path: Path, key: str, overlay: bool) -> str:
    """Name a file as people find it: the package's by its place, another by its path."""
    return str(path) if overlay else key


def _is_data(path: Path) -> bool:
    """Say whether somebody may think that this is read; notes beside the data are not."""
    return path.is_dir() or path.suffix in {".yaml", ".yml", ".json"}


def _misplaced(found: Files, shown: str, remedy: str) -> None:
    found.issues.append(Issue(Category.INVALID, shown, "the catalog would never read this", remedy))


def _read_file(found: Files, path: Path, kind: str, key: str, *, overlay: bool) -> None:
    """Read one file; a file that cannot be read leaves only issues."""
    shown = _shown(path, key, overlay)
    raw = path.read_bytes()
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        found.issues.append(Issue(Category.INVALID, shown, "not UTF-8", "save it as UTF-8"))
        return
    tree, issues = read_yaml(text, file=shown)
    found.issues.extend(issues)
    if isinstance(tree, dict):
        digest = hashlib.sha256(raw).digest()
        found.files.append(DataFile(kind, shown, path.stem, overlay, digest, tree, key))
    elif not issues:
        found.issues.append(
            Issue(Category.INVALID, shown, "expected a mapping at the top", "see its schema")
        )
