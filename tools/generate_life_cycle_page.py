"""Write `docs/reference/subject-life-cycle.md` from the table of moves.

    python tools/generate_life_cycle_page.py            writes the page
    python tools/generate_life_cycle_page.py --check    writes nothing, fails if the page is stale

Moves and reasons come from `aclf_fhir.trial.life_cycle`, texts from `profile_texts.py`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from profile_texts import SUBJECT_REASONS, SUBJECT_STATUSES

from aclf_fhir.trial.life_cycle import (
    BEFORE_ENROLMENT,
    CONSENT_WITHDRAWN,
    MOVES,
    REASONS,
    locks_others,
    needs_reason,
    needs_sole_trial,
)

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "subject-life-cycle.md"

HEAD = """\
<!-- Written by tools/generate_life_cycle_page.py; change what it reads, not this page. -->
# Life cycle of a subject

The gateway makes a ResearchSubject at the first verdict that is not ineligible, and writes its
verdict beside the status from then on. The status itself is moved by people only: `GET` the
subject, decide, `PUT` it back with another `status` and the version that was read as `If-Match`.
Without `If-Match`, or with a version that is no longer the current one, the answer is 412; a move
that is not in the table is 409, and nothing is stored. Every version is kept:
`GET /fhir/ResearchSubject/{id}/_history` shows who was moved when, and why.

Steps of the screening may be skipped, because the gateway learns late what happened on paper;
steps of the study may not.

## Moves
"""

RULES = """\
R4 describes `withdrawn` as given up before registration. Here it is for any time before
`off-study`, so that a withdrawal is told from a study that was completed; who prefers R4's
reading moves somebody enrolled to `off-study` with the reason `{consent_withdrawn}`: the effect is
the same.

## Reasons

The extension `status-reason` (valueCode, one) says why, in codes of `CodeSystem/subject-reasons`.
Where a reason is needed, a move without one, or with one of another status, is 422; so is a
reason that an earlier move left behind. Writing a subject without moving it may replace the
reason by another one of the same status.
"""

TAIL = """\
## Enrolment and time zero

`period.start` is the instant of randomisation, from which outcomes are counted. It is needed from
`on-study` on, may be mended and not be taken away; who withdraws without having been enrolled has
none. From enrolment on, the verdict stands as of that instant.

## Two trials

Nobody is screened for a second trial of this gateway before the first one is over.

- Who takes part in one: {locks}.
- What is then refused in the other, with 409: every move into {locked}.

The other trial's verdict sees the participation as well, and keeps seeing it for as long as its
protocol looks back.

## Consent

The trial zone gets no new version of anything about a subject but of the status,

- from the move to `withdrawn`, or to any status with the reason `{consent_withdrawn}`;
- from the moment a Consent to the study becomes known as withdrawn, refused or inactive, or has
  passed its end.

An end that is in dispute or not verified counts until that is settled; an older Consent, and one to
another study, does not. The pooled report counts what was published, so it stands still as well.
What was published before stays, and the site zone goes on. Where consent is given again, or the
end was a mistake, the whole course is published.
"""


def listed(codes: Iterable[str]) -> str:
    """List codes in the order of the life cycle."""
    wanted = set(codes)
    return ", ".join(f"`{code}`" for code in MOVES if code in wanted) or "–"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    columns = list(head)
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def page() -> str:
    return "\n".join(sections())


def sections() -> Iterator[str]:
    yield HEAD
    yield table(
        ("Status", "Meaning", "Moves to"),
        ((f"`{code}`", SUBJECT_STATUSES[code], listed(MOVES[code])) for code in MOVES),
    )
    yield RULES.format(consent_withdrawn=CONSENT_WITHDRAWN)
    yield table(
        ("Move to", "From", "Reasons"),
        (
            (f"`{after}`", origins(after), ", ".join(f"`{one}`" for one in sorted(REASONS[after])))
            for after in MOVES
            if after in REASONS
        ),
    )
    codes = sorted(frozenset[str]().union(*REASONS.values()))
    yield table(("Reason", "Meaning"), ((f"`{code}`", SUBJECT_REASONS[code]) for code in codes))
    yield TAIL.format(
        locks=listed(code for code in MOVES if locks_others(code)),
        locked=listed(
            after
            for after in MOVES
            if any(needs_sole_trial(before, after) for before in BEFORE_ENROLMENT)
        ),
        consent_withdrawn=CONSENT_WITHDRAWN,
    )


def origins(after: str) -> str:
    """Say from where a status is reached by a move that needs a reason."""
    before = [code for code in MOVES if after in MOVES[code]]
    needed = [code for code in before if needs_reason(code, after)]
    return "anywhere" if needed == before else listed(needed)


def main(arguments: list[str]) -> int:
    wanted = page()
    stale = not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != wanted
    if "--check" in arguments:
        if stale:
            name = PAGE.relative_to(ROOT).as_posix()
            print(f"{name} is stale: run tools/generate_life_cycle_page.py", file=sys.stderr)
        return int(stale)
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
