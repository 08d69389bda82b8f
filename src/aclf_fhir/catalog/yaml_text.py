"""Reads the YAML of the data folders: numbers as decimals, words as words.

YAML 1.1 turns `no` into false, `2024-01-01` into a date and `1.20` into a binary
float. Here a plain scalar is a `Decimal` if it looks like one, `true` or `false`,
nothing if it is empty or `null`, and text otherwise; keys are always text. Anchors,
aliases and tags are refused: a reader must see what a file says where it says it.
"""

import re
from dataclasses import dataclass, field
from decimal import Decimal

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from aclf_fhir.errors import Category, Issue

__all__ = ["Tree", "read_yaml"]

Tree = None | bool | Decimal | str | list["Tree"] | dict[str, "Tree"]
"""What a YAML file holds."""

_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]{1,2})?", re.ASCII)
_WORDS: dict[str, Tree] = {"": None, "null": None, "~": None, "true": True, "false": False}
_PLAIN = "plain"
_QUOTED = "quoted"


class _Resolver:
    """Tags a scalar by how it is written, and nothing else."""

    def resolve(self, kind: type[Node], _value: object, implicit: object) -> str:
        """Return the pseudo-tag of a node that has no tag of its own."""
        if kind is ScalarNode and isinstance(implicit, tuple):
            return _PLAIN if implicit[0] else _QUOTED
        return "tree"

    def descend_resolver(self, _parent: object, _index: object) -> None:
        """Do nothing: no tag depends on a path."""

    def ascend_resolver(self) -> None:
        """Do nothing: no tag depends on a path."""

    def check_resolver_prefix(self, *_arguments: object) -> bool:
        """Say that no path matters."""
        return False


try:
    from yaml._yaml import CParser
except ImportError:  # A PyYAML built without libyaml: the same rules, ten times slower.

    class _Loader(
        _Resolver,
        yaml.reader.Reader,
        yaml.scanner.Scanner,
        yaml.parser.Parser,
        yaml.composer.Composer,
    ):
        """Composes nodes in Python."""

        def __init__(self, text: str) -> None:
            yaml.reader.Reader.__init__(self, text)
            yaml.scanner.Scanner.__init__(self)
            yaml.parser.Parser.__init__(self)
            yaml.composer.Composer.__init__(self)

else:

    class _Loader(_Resolver, CParser):  # type: ignore[no-redef] # the C parser where PyYAML was built with it
        """Composes nodes with libyaml."""


@dataclass(slots=True)
class _Builder:
    """Builds the tree of one file and collects what is wrong with it."""

    file: str
    issues: list[Issue] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)

    def build(self, node: Node, path: str) -> Tree:
        if id(node) in self.seen:
            self._refuse(node, path, "an alias (*name) is not allowed here", "write it out")
            return None
        self.seen.add(id(node))
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        if node.tag != "tree":
            self._refuse(node, path, f"a tag ({node.tag}) is not allowed here", "leave it out")
        if isinstance(node, SequenceNode):
            return [self.build(item, f"{path}[{i}]") for i, item in enumerate(node.value)]
        return self._mapping(node, path) if isinstance(node, MappingNode) else None

    def _scalar(self, node: ScalarNode, path: str) -> Tree:
        text: str = node.value
        if node.tag == _QUOTED:
            return text
        if node.tag != _PLAIN:
            self._refuse(node, path, f"a tag ({node.tag}) is not allowed here", "leave it out")
            return text
        if text in _WORDS:
            return _WORDS[text]
        return Decimal(text) if _NUMBER.fullmatch(text) else text

    def _mapping(self, node: MappingNode, path: str) -> Tree:
        tree: dict[str, Tree] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self._refuse(key, path, "a key is a list or a mapping", "use text as key")
                continue
            name: str = key.value
            inner = f"{path}.{name}" if path else name
            if name in tree:
                self._refuse(key, inner, "the key is there twice", "keep one of them")
                continue
            tree[name] = self.build(value, inner)
        return tree

    def _refuse(self, node: Node, path: str, message: str, remedy: str) -> None:
        line = node.start_mark.line + 1
        where = f"{self.file}: {path}" if path else self.file
        self.issues.append(Issue(Category.INVALID, where, f"{message} (line {line})", remedy))


def read_yaml(text: str, *, file: str) -> tuple[Tree, list[Issue]]:
    """Read one YAML document.

    Parameters
    ----------
    text
        The document.
    file
        Name of the file, for the issues.

    Returns
    -------
    tuple
        What the document holds, and everything that is wrong with it as YAML; the
        tree is None where it could not be read at all.
    """
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark else ""
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or error
        return None, [
            Issue(Category.INVALID, file, f"not valid YAML: {problem}{line}", "mend the YAML")
        ]
    if node is None:
        return None, [Issue(Category.INVALID, file, "the file is empty", "delete or fill it")]
    builder = _Builder(file)
    tree = builder.build(node, "")
    return tree, builder.issues
