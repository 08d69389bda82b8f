"""Units as people and machines write them, read for their size and dimension alone.

This is no unit engine: no value is converted with it but dose rates. It says whether two
ways to write a unit mean the same (`milligrams per deciliter` and `mg/dL`), and sees a
unit in a text that means none of those expected. Prefixes, units and number words are
data (`mappings/unit_parts.yaml`).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple, Self

__all__ = ["LONGEST", "Part", "Size", "UnitParts", "UnitText"]

LONGEST = 100
"""Characters a unit has at most; what is longer is not read."""
_HIGHEST = 30
"""The highest power of ten that is read, up or down."""
_KEPT = 8192
"""How many texts are kept with what they mean; a site writes a few hundred."""
_STEM = 4
"""Letters a word of the table has, at least, to be looked for inside longer words."""
_EXACT = str.maketrans({"\u00b5": "u", "\u03bc": "u", "×": "x", "·": ".", "−": "-"})
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_SUPERSCRIPT = re.compile(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+")
_TIMES = re.compile(r"(?<![^\W\d_])[xX]\s*(?=10)")
_NOTE = re.compile(r"(?P<behind>(?<=\w))?\{[^{}]*\}|\([^(){}\d/%]*\)")
_TOKEN = re.compile(
    r"""\s*(?:
      10(?:\s?(?:\*\*|[*^eE])\(?|\((?=-?\d{1,3}\)))(?P<ten>-?\d{1,3})\)?
    | (?P<number>\d{1,12}(?:\.\d{1,12})?)
    | (?P<word>(?:[^\W\d_]|\[[^\[\]\s]*\])+|[%‰\#]) (?:\^?(?P<power>-?[1-9]))?\.?(?=[^\w]|$)
    | (?P<sign>[./*()])
    )\s*""",
    re.VERBOSE,
)
_Tokens = list[tuple[str, str, int]]


class Part(NamedTuple):
    """A factor and the base units it is made of: `dL` is 1/10000 of length three times."""

    factor: Fraction
    above: tuple[str, ...] = ()
    below: tuple[str, ...] = ()


class Size(NamedTuple):
    """How much one of a unit is, in base units; what was written twice is not shortened.

    `ug/kg/min` has mass above and below, so that body weight stays visible.
    """

    factor: Fraction
    above: tuple[str, ...]
    below: tuple[str, ...]


class UnitText(NamedTuple):
    """What a text was read as.

    Parameters
    ----------
    size
        None if the text is not understood as a unit.
    has_remark
        Whether a remark beside the unit was passed over: `{cells}`, `(calc)`.
    is_prose
        Whether nothing in it speaks of a unit or number: then there is none to compare.
    """

    size: Size | None
    has_remark: bool = False
    is_prose: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitParts:
    """Every symbol and word units are made of.

    Parameters
    ----------
    symbols
        What counts as written; prefixed forms included.
    words
        The same in lower case.
    powers
        Words that raise the unit behind them: `cubic` to 3.
    per
        Words that divide.
    """

    symbols: Mapping[str, Part]
    words: Mapping[str, Part]
    powers: Mapping[str, int] = field(default_factory=dict)
    per: frozenset[str] = frozenset()
    _read: dict[str, UnitText] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def build(
        cls,
        *,
        prefixes: Iterable[tuple[Fraction, Iterable[str], Iterable[str]]],
        units: Iterable[tuple[Part, bool, Iterable[str], Iterable[str]]],
        powers: Mapping[str, int],
        per: Iterable[str],
    ) -> Self:
        """Build the table from prefixes and units, each with its symbols and words.

        Parameters
        ----------
        prefixes
            Factor, symbols and words of each.
        units
            Size, whether it takes prefixes, symbols and words of each.
        powers, per
            As the fields.
        """
        known = list(prefixes)
        symbols: dict[str, Part] = {}
        words: dict[str, Part] = {}
        for part, takes_prefixes, signs, names in units:
            forms = known if takes_prefixes else []
            for factor, before, spelled in [(Fraction(1), ("",), ("",)), *forms]:
                prefixed = part._replace(factor=part.factor * factor)
                for prefix in before:
                    symbols.update({prefix + sign: prefixed for sign in signs})
                for prefix in spelled:
                    words.update({(prefix + name).casefold(): prefixed for name in names})
        return cls(symbols=symbols, words=words, powers=powers, per=frozenset(per))

    def read(self, text: str) -> UnitText:
        """Read a unit as sent, a code or words.

        Parameters
        ----------
        text
            `mg/dL`, `10*3/uL`, `milligrams per deciliter`, `mg/dL (calc)`.

        Returns
        -------
        UnitText
            Its size, or that it is not understood, or that it is no unit at all. A text of
            more than `LONGEST` characters is not understood.
        """
        if len(text) > LONGEST:
            return UnitText(None)
        known = self._read.get(text)
        if known is None:
            known = self._understand(text)
            if len(self._read) < _KEPT:
                self._read[text] = known
        return known

    def _understand(self, text: str) -> UnitText:
        plain = _SUPERSCRIPT.sub(lambda found: f"^{found[0].translate(_RAISED)}", text)
        plain = _TIMES.sub("", plain.translate(_EXACT))
        bare = _NOTE.sub(self._note, plain)
        tokens = self._tokens(bare)
        part = None if tokens is None else _Reader(tokens, self).whole()
        if part is None:
            return UnitText(None, is_prose=self._is_prose(bare))
        size = Size(part.factor, tuple(sorted(part.above)), tuple(sorted(part.below)))
        return UnitText(size, has_remark=bare != plain)

    def _note(self, found: re.Match[str]) -> str:
        """Take out `{cells}` and `(calc)`, but no bracket that holds a unit."""
        note = found[0]
        if note[0] != "(":
            # Behind a unit it says nothing; on its own it is a one (UCUM).
            return "" if found["behind"] is not None else "1"
        words = re.split(r"[\W_]+", note)
        return note if any(word in self.per or self.part(word) for word in words) else ""

    def _tokens(self, text: str) -> _Tokens | None:
        """Cut a text into kind, text and power; None where something is left over."""
        tokens: _Tokens = []
        place = 0
        while place < len(text):
            found = _TOKEN.match(text, place)
            if found is None:
                return None
            place = found.end()
            word = found["word"]
            if word is None:
                kind = found.lastgroup or ""
                tokens.append((kind, found[kind], 1))
            elif word.casefold() in self.per:
                tokens.append(("sign", "/", 1))
            else:
                tokens.append(("word", word, int(found["power"] or 1)))
        return tokens

    def part(self, word: str) -> Part | None:
        """Look a symbol or a word up, its plural too."""
        lowered = word.casefold()
        found = self.symbols.get(word) or self.words.get(lowered)
        return found or self.words.get(lowered.removesuffix("s"))

    def _is_prose(self, text: str) -> bool:
        """Say whether a text is two words or more that speak of no unit."""
        words = text.casefold().split()
        if len(words) < 2 or not all(word.isalpha() for word in words):
            return False
        return not any(
            word in self.per
            or word in self.powers
            or self.part(word) is not None
            or any(stem in word for stem in self.words if len(stem) >= _STEM)
            for word in words
        )


class _Reader:
    """Reads tokens from left to right, as UCUM does; words side by side are a product."""

    __slots__ = ("at", "parts", "tokens")

    def __init__(self, tokens: _Tokens, parts: UnitParts) -> None:
        self.tokens = tokens
        self.parts = parts
        self.at = 0

    def whole(self) -> Part | None:
        """Read everything, or nothing."""
        found = self._terms() if self.tokens else Part(Fraction(1))
        return found if self.at == len(self.tokens) else None

    def _sign(self) -> str:
        kind, text, _ = self.tokens[self.at] if self.at < len(self.tokens) else ("", "", 1)
        return text if kind == "sign" else kind

    def _terms(self) -> Part | None:
        """Read `term / term . term`; a leading `/` divides one."""
        result: Part | None = Part(Fraction(1)) if self._sign() == "/" else self._term()
        while result is not None and self._sign() in ("/", ".", "*"):
            divides = self._sign() == "/"
            self.at += 1
            term = self._term()
            result = None if term is None else _times(result, term, -1 if divides else 1)
        return result

    def _term(self) -> Part | None:
        """Read what stands side by side: `thousand cells`, `100 mL`."""
        result = self._factor()
        while result is not None and self._sign() in ("word", "number", "ten", "("):
            factor = self._factor()
            result = None if factor is None else _times(result, factor, 1)
        return result

    def _factor(self) -> Part | None:
        if self.at == len(self.tokens):
            return None
        kind, text, power = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            number = Fraction(text)
            return Part(number) if number else None
        if kind == "ten":
            ten = int(text)
            return Part(Fraction(10) ** ten) if abs(ten) <= _HIGHEST else None
        if kind == "word":
            return self._word(text, power)
        if text != "(":
            return None
        inner = self._terms()
        if self._sign() != ")":
            return None
        self.at += 1
        return inner

    def _word(self, text: str, power: int) -> Part | None:
        raised = self.parts.powers.get(text.casefold().removesuffix("."))
        if raised is not None:
            if power != 1 or self._sign() != "word":
                return None
            _, text, power = self.tokens[self.at]
            self.at += 1
            power *= raised
        part = self.parts.part(text)
        return None if part is None else _times(Part(Fraction(1)), part, power)


def _times(one: Part, other: Part, power: int) -> Part:
    """Return `one` times `other` to a power, nothing shortened."""
    above, below = (other.above, other.below) if power > 0 else (other.below, other.above)
    count = abs(power)
    factor = one.factor * other.factor**power
    return Part(factor, one.above + above * count, one.below + below * count)
