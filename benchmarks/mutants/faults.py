"""The faults that are tried, and the places where none is: cosmic-ray's operators, and two of the same kind."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import ndiff
from functools import cached_property
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.ast.ast_query import ASTQuery
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.plugins import get_operator
from parso.python.tree import Keyword
from parso.tree import NodeOrLeaf

BINARY = (
    "Add_Sub",
    "Sub_Add",
    "Mul_Div",
    "Div_Mul",
    "FloorDiv_Mul",
    "Mod_Mul",
    "Pow_Mul",
    "BitOr_BitAnd",
    "BitAnd_BitOr",
)
"""One for each operator: cosmic-ray has eleven for each, and what notices one of them notices the others."""
COMPARISONS = ("Lt_LtE", "Lt_GtE", "LtE_Lt", "LtE_Gt", "Gt_GtE", "Gt_LtE", "GtE_Gt", "GtE_Lt",
               "Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is")  # fmt: skip
"""The boundary moved, and the opposite."""
OTHERS = (
    "ReplaceAndWithOr", "ReplaceOrWithAnd", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "NumberReplacer",
    "ReplaceUnaryOperator_Delete_Not", "ReplaceUnaryOperator_USub_UAdd", "ReplaceUnaryOperator_Delete_Invert",
    "ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ExceptionReplacer", "ZeroIterationForLoop",
)  # fmt: skip
SPEAKING = {"__repr__", "__str__"}
DECLARING = {
    "strict", "daemon", "frozen", "slots", "name", "description", "title", "indent",
    "ge", "gt", "le", "lt", "min_length", "max_length",
}  # fmt: skip
"""Keyword arguments that declare (bounds of a field, say), or stop a slip of the programmer, and change no figure."""
TOLERANCE = re.compile(r"\b(EPS|SMALL|TINY|NOTHING|[A-Z_]*TOLERANCE[A-Z_]*|SHARE|\d+(\.\d+)?e-\d+)\b|perf_counter")
BLOCKS = {"file_input", "suite", "if_stmt", "while_stmt", "for_stmt", "with_stmt", "try_stmt", "funcdef", "classdef"}
CONSTANT = re.compile(r"_?[A-Z][A-Z0-9_]+")


class Condition(Operator):
    """A condition that always holds, or never does."""

    word = ""
    keywords = frozenset({"if", "elif", "while"})

    def _places(self, node: NodeOrLeaf) -> list[int]:
        children = getattr(node, "children", [])
        return [
            i + 1
            for i, child in enumerate(children[:-1])
            if isinstance(child, Keyword) and child.value in self.keywords
        ]

    def mutation_positions(self, node):
        for i in self._places(node):
            yield node.children[i].start_pos, node.children[i].end_pos

    def mutate(self, node, index):
        i = self._places(node)[index]
        node.children[i] = Keyword(self.word, node.children[i].start_pos, prefix=" ")
        return node

    @classmethod
    def examples(cls):
        return ()


class Always(Condition):
    word = "True"
    keywords = frozenset({"if", "elif"})


class Never(Condition):
    word = "False"


class Removal(Operator):
    """A statement that is left out: a call, an assignment into something, a raise, a return of nothing."""

    def mutation_positions(self, node):
        if node.type == "simple_stmt" and self._acts(node.children[0]):
            yield node.start_pos, node.children[0].end_pos

    def mutate(self, node, index):
        first = node.children[0]
        node.children[0] = Keyword("pass", first.start_pos, prefix=first.get_first_leaf().prefix)
        return node

    @staticmethod
    def _acts(node: NodeOrLeaf) -> bool:
        if node.type == "expr_stmt":
            target, sign = node.children[0], node.children[1]
            return target.type == "atom_expr" or (sign.type == "operator" and sign.value not in ("=", ":="))
        if node.type == "atom_expr":
            return node.children[-1].type == "trailer"
        return node.type in ("raise_stmt", "del_stmt") or (
            node.type == "keyword" and node.value in ("return", "continue")
        )

    @classmethod
    def examples(cls):
        return ()


def operators() -> dict[str, Operator]:
    """All that is tried, by name."""
    names = [f"ReplaceBinaryOperator_{name}" for name in BINARY]
    names += [f"ReplaceComparisonOperator_{name}" for name in COMPARISONS]
    return {name: get_operator(f"core/{name}")() for name in (*names, *OTHERS)} | {
        "Always": Always(), "Never": Never(), "Removal": Removal(),
    }  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One fault at one place."""

    module: str
    """Path from the checkout."""
    operator: str
    occurrence: int
    definition: str
    line: int
    text: str
    """The line before."""
    number: int
    """Of the faults of this kind in lines that read the same in the same function."""
    statement: frozenset[int]
    """Lines of its statement, or of the head of its block."""
    function: frozenset[int]
    """Lines of its function's body; none outside functions."""

    @property
    def key(self) -> str:
        """Its name, which stays when the lines around it change."""
        return f"{self.module}:{self.definition} {self.operator} {self.number} | {self.text}"

    def place_in_line(self, seed: int) -> str:
        """Where it stands in the random order of a seed."""
        return hashlib.sha256(f"{seed} {self.key}".encode()).hexdigest()

    def apply(self, source: str) -> str:
        """The module with the fault."""
        mutated = mutate_code(source, operators()[self.operator], self.occurrence)
        if mutated is None:
            raise ValueError(f"{self.key}: no such place")
        return str(mutated)

    def difference(self, source: str) -> str:
        """Lines taken out and put in."""
        lines = ndiff(source.splitlines(), self.apply(source).splitlines())
        return "\n".join(f"{line[0]} {line[2:].strip()}" for line in lines if line[0] in "+-")


@dataclass(frozen=True)
class Module:
    """A module and its faults."""

    name: str
    source: str

    @classmethod
    def read(cls, root: Path, name: str) -> Module:
        """A module of the checkout."""
        return cls(name, (root / name).read_text(encoding="utf-8"))

    @cached_property
    def sha(self) -> str:
        """Of the source: what was seen of another one is not believed."""
        return hashlib.sha256(self.source.encode()).hexdigest()[:16]

    def mutants(self) -> Iterator[Mutant]:
        """All faults, outside the places that nothing depends on."""
        lines = self.source.splitlines()
        tree = get_ast(self.source)
        alike: Counter[tuple[str, str, str]] = Counter()
        for name, operator in operators().items():
            places = ((node, place) for node in ast_nodes(tree) for place in operator.mutation_positions(node))
            for occurrence, (node, ((row, _), (last, _))) in enumerate(places):
                if _spared(node) or _at_a_tolerance(name, node):
                    continue
                definition, text = ASTQuery(node).get_definition_name() or "", lines[row - 1].strip()
                kind = (name, definition, text)
                statement, function = _statement(node, row, last), _function(node)
                yield Mutant(self.name, name, occurrence, definition, row, text, alike[kind], statement, function)
                alike[kind] += 1


def _statement(node: NodeOrLeaf, first: int, last: int) -> frozenset[int]:
    """Lines of the statement around a place from the first to the last line."""
    while node.type not in BLOCKS and node.parent is not None and node.parent.type not in BLOCKS:
        node = node.parent
    if node.type in BLOCKS:
        return frozenset(range(first, last + 1))
    return frozenset(range(node.start_pos[0], node.end_pos[0] + 1))


def _function(node: NodeOrLeaf) -> frozenset[int]:
    """Lines of the body of the function around a place."""
    while (outer := node.parent) is not None:
        if outer.type == "funcdef" and node is outer.children[-1]:
            return frozenset(range(node.start_pos[0], node.end_pos[0] + 1))
        node = outer
    return frozenset()


def _spared(node: NodeOrLeaf) -> bool:
    """Whether a place changes no figure and no decision: words, types, declarations, named constants."""
    if node.type == "simple_stmt" and _is_log(node.children[0]):
        return True
    if node.type == "if_stmt" and node.children[1].get_code().strip() == "TYPE_CHECKING":
        return True
    if getattr(node, "value", "") in ("*", "**") and _unpacks(node):
        return True
    inner = node
    while (outer := inner.parent) is not None:
        if outer.type in ("fstring", "fstring_expr", "decorator", "raise_stmt", "assert_stmt", "import_from"):
            return True
        if outer.type in ("annassign", "tfpdef") and inner is outer.children[1]:
            return True
        if outer.type == "param" and inner.type == "tfpdef":
            return True
        if outer.type == "funcdef" and (inner is outer.annotation or outer.name.value in SPEAKING):
            return True
        if outer.type == "argument" and getattr(outer.children[0], "value", "") in DECLARING:
            return True
        if outer.type == "atom_expr" and outer.children[0].get_code().strip() in ("isinstance", "cast"):
            return True
        if outer.type == "expr_stmt" and _names_a_constant(outer):
            return True
        inner = outer
    return False


def _at_a_tolerance(operator: str, node: NodeOrLeaf) -> bool:
    """Whether only the boundary of a comparison with a tolerance is moved: nothing lies there."""
    moved = operator.startswith("ReplaceComparisonOperator") and operator.endswith(
        ("Lt_LtE", "LtE_Lt", "Gt_GtE", "GtE_Gt")
    )
    return moved and TOLERANCE.search(node.get_code()) is not None


def _names_a_constant(statement: NodeOrLeaf) -> bool:
    block = statement.parent.parent  # the statement's line, and what it stands in
    at_top = block.type == "file_input" or (block.type == "suite" and block.parent.type == "classdef")
    return at_top and CONSTANT.fullmatch(statement.children[0].get_code().strip()) is not None


def _unpacks(star: NodeOrLeaf) -> bool:
    """Whether a star unpacks or ends positional parameters, and multiplies nothing."""
    before = star.get_previous_sibling()
    return before is None or before.type == "operator" or star.parent.type == "parameters"


def _is_log(node: NodeOrLeaf) -> bool:
    return node.get_code().strip().split(".")[0] in ("log", "logger", "logging", "warnings")
