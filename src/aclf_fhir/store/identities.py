"""Business identities: which resource an identifier that a site declares unique names."""

from sqlalchemy import bindparam, delete, insert, select

from aclf_fhir.errors import AclfError, Category
from aclf_fhir.store.session import Session
from aclf_fhir.store.tables import BUSINESS_IDENTITY

__all__ = ["OWNER", "Identities", "Identity", "Owner"]

_COLUMN = BUSINESS_IDENTITY.c

OWNER = select(_COLUMN.rid, _COLUMN.id).where(
    _COLUMN.site == bindparam("site"),
    _COLUMN.type == bindparam("type"),
    _COLUMN.system == bindparam("system"),
    _COLUMN.value == bindparam("value"),
)
_INSERT = insert(BUSINESS_IDENTITY)
_FREE = delete(BUSINESS_IDENTITY).where(
    _COLUMN.site == bindparam("of_site"),
    _COLUMN.type == bindparam("of_type"),
    _COLUMN.system == bindparam("of_system"),
    _COLUMN.value == bindparam("of_value"),
)

Identity = tuple[str, str, str, str]
"""Site, type, system, value."""
Owner = tuple[int, str]
"""Number and id of a resource."""


class Identities:
    """The identities one unit of work asks for, claims and frees.

    Parameters
    ----------
    group
        What the units before it in its commit group read or wrote.
    """

    def __init__(self, session: Session, group: dict[Identity, Owner | None]) -> None:
        self._session = session
        self._group = group
        self._owners: dict[Identity, Owner | None] = {}

    def adopt(self) -> None:
        """Hand to the group what this unit saw, now that the unit stands."""
        self._group.update(self._owners)

    def owner(self, identity: Identity) -> Owner | None:
        """Return the resource that an identity names, None if it is free."""
        for seen in (self._owners, self._group):
            if identity in seen:
                return seen[identity]
        site, type_, system, value = identity
        row = self._session.look(OWNER, site=site, type=type_, system=system, value=value)
        owner = self._owners[identity] = None if row is None else (row[0], row[1])
        return owner

    def refuse_taken(self, identity: Identity) -> None:
        """Raise `conflict` if an identity names a resource already."""
        if self.owner(identity) is not None:
            raise AclfError.of(
                Category.CONFLICT,
                f"{identity[1]}.identifier",
                "Another resource already has this identifier, which the site declares unique.",
                "Update that resource, or correct the identifier.",
            )

    def claim(self, identity: Identity, owner: Owner) -> None:
        """Make a free identity name a resource."""
        site, type_, system, value = identity
        row = {"site": site, "type": type_, "system": system, "value": value}
        self._session.insert(_INSERT, {**row, "rid": owner[0], "id": owner[1]})
        self._owners[identity] = owner

    def free(self, identity: Identity) -> None:
        """Make an identity name nothing."""
        site, type_, system, value = identity
        self._session.run(_FREE, of_site=site, of_type=type_, of_system=system, of_value=value)
        self._owners[identity] = None
