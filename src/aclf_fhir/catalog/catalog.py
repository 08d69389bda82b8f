"""Loads the data folders into one frozen catalog."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aclf_fhir.catalog.analytes import build_analytes, specimen_groups
from aclf_fhir.catalog.cross_checks import cross_check
from aclf_fhir.catalog.files import FOLDERS, SINGLES, Files, read_files
from aclf_fhir.catalog.indexes import Indexes, build_indexes
from aclf_fhir.catalog.issues import Findings, one_of
from aclf_fhir.catalog.not_needed import build_not_needed
from aclf_fhir.catalog.notions import build_scales, build_value_sets
from aclf_fhir.catalog.protocols import build_protocols, study_names
from aclf_fhir.catalog.schema import check_files
from aclf_fhir.catalog.sites import build_sites
from aclf_fhir.catalog.trees import branch
from aclf_fhir.catalog.unit_parts import build_unit_parts
from aclf_fhir.catalog.vocabulary import build_vocabulary
from aclf_fhir.codes import LOCAL
from aclf_fhir.errors import AclfError, Category, Issue
from aclf_fhir.mapping.models import Analyte, GradeScale, NotNeededRules, SiteMap, ValueSet
from aclf_fhir.trial.protocol import Protocol

__all__ = ["Catalog", "check", "load_catalog"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """Everything the data folders say, checked.

    Parameters
    ----------
    analytes, scales, value_sets, sites, protocols
        By id.
    not_needed
        How Observations without a use are set aside.
    version
        Short hash of every data file, the overlay's included.
    versions
        The same per kind: `analytes` (with units and specimens), `value_sets`,
        `scales`, `sites`, `not_needed`, `trials`, and `mappings` for all but trials.
    """

    analytes: Mapping[str, Analyte]
    scales: Mapping[str, GradeScale]
    value_sets: Mapping[str, ValueSet]
    sites: Mapping[str, SiteMap]
    protocols: Mapping[str, Protocol]
    not_needed: NotNeededRules
    version: str
    versions: Mapping[str, str]
    _indexes: Mapping[str, Indexes] = field(repr=False)

    def indexes(self, site_id: str) -> Indexes:
        """Return the catalog as one site's mapping needs it.

        Parameters
        ----------
        site_id
            Name of the site's file.

        Returns
        -------
        Indexes
            `AclfError` (not found) if there is no such site.
        """
        try:
            return self._indexes[site_id]
        except KeyError:
            raise AclfError.of(
                Category.NOT_FOUND,
                "site",
                f"there is no site {site_id!r}",
                one_of(site_id, self.sites),
            ) from None


def load_catalog(*, mappings: Path | None = None, trials: Path | None = None) -> Catalog:
    """Load the package's data, with a site's own files over it.

    Parameters
    ----------
    mappings, trials
        Folders laid out like the package's; an entry with an id of the package's
        replaces it, any other is added.

    Returns
    -------
    Catalog
        The frozen catalog; `AclfError` (invalid) with every problem of every file.
    """
    catalog, issues = _build(read_files(mappings=mappings, trials=trials))
    if catalog is None or issues:
        raise AclfError.all_of(issues)
    return catalog


def check(folder: Path | None = None) -> list[Issue]:
    """Return everything wrong with a site's own copy.

    Parameters
    ----------
    folder
        A folder that holds `mappings` or `trials` or both, or is one of the two
        itself; None checks the package's own data.

    Returns
    -------
    list of Issue
        Empty if the data can be used as they are; a folder without any is a problem too.
    """
    if folder is None:
        return _build(read_files())[1]
    inner = {name: folder / name for name in ("mappings", "trials") if (folder / name).is_dir()}
    if not inner:
        looks_like_mappings = any(
            (folder / name).exists() for name in (*FOLDERS, *(f"{s}.yaml" for s in SINGLES))
        )
        inner = {"mappings" if looks_like_mappings else "trials": folder}
    files = read_files(**inner)
    if not files.issues and not any(file.overlay for file in files.files):
        remedy = "Give a folder with `mappings/` or `trials/` in it, or one of the two."
        return [Issue(Category.NOT_FOUND, str(folder), "holds no data files", remedy)]
    return _build(files)[1]


def _build(files: Files) -> tuple[Catalog | None, list[Issue]]:
    """Build the catalog, or say why not; nothing is built from files a schema refuses."""
    issues = list(dict.fromkeys(files.issues + check_files(files.files)))
    if issues:
        return None, issues
    findings = Findings()
    analytes = build_analytes(
        files.of("analytes"),
        units=files.of("units"),
        specimens=specimen_groups(files.of("specimens"), findings),
        findings=findings,
    )
    scales = build_scales(files.of("scales"), findings)
    value_sets = build_value_sets(files.of("value_sets"), findings)
    sites = build_sites(
        files.of("sites"),
        analytes=analytes,
        scales=scales,
        value_sets=value_sets,
        findings=findings,
    )
    places = {
        f"{kind}.{name}": file.name
        for kind in ("analytes", "scales")
        for file in files.of(kind)
        for name in branch(file.tree, kind)
    }
    cross_check(analytes, scales, places, findings)
    not_needed = build_not_needed(files.of("not_needed"), analytes=analytes)
    unit_parts = build_unit_parts(files.of("unit_parts"), findings)
    vocabulary = build_vocabulary(files.of("vocabulary"), findings)
    protocols = build_protocols(files.of("trials"), findings)
    trial_names = study_names(
        protocols, {str(file.tree.get("id")): file.name for file in files.of("trials")}, findings
    )
    attestation_items = frozenset(
        code.coding.code
        for scale in scales.values()
        for code in scale.codes
        if code.coding.system == LOCAL["attestations"]
    ).union(*(protocol.items for protocol in protocols.values()))
    catalog = Catalog(
        analytes=analytes,
        scales=scales,
        value_sets=value_sets,
        sites=sites,
        protocols=protocols,
        not_needed=not_needed,
        version=files.version(),
        versions=_versions(files),
        _indexes={
            name: build_indexes(
                site,
                analytes=analytes,
                scales=scales,
                value_sets=value_sets,
                trials=trial_names,
                not_needed=not_needed,
                unit_parts=unit_parts,
                vocabulary=vocabulary,
                attestation_items=attestation_items,
            )
            for name, site in sites.items()
        },
    )
    return catalog, list(dict.fromkeys(findings.issues))


def _versions(files: Files) -> dict[str, str]:
    """Return a short hash per kind of data."""
    return {
        "analytes": files.version("analytes", "units", "unit_parts", "specimens"),
        "mappings": files.version(*FOLDERS, *SINGLES),
        "not_needed": files.version("not_needed"),
        "scales": files.version("scales"),
        "sites": files.version("sites"),
        "trials": files.version("trials"),
        "value_sets": files.version("value_sets"),
    }
