"""Find the places of a source file where one small change alters its behaviour."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OPPOSITES: dict[type[ast.AST], ast.AST] = {
    ast.Eq: ast.NotEq(),
    ast.NotEq: ast.Eq(),
    ast.Lt: ast.GtE(),
    ast.GtE: ast.Lt(),
    ast.Gt: ast.LtE(),
    ast.LtE: ast.Gt(),
    ast.Is: ast.IsNot(),
    ast.IsNot: ast.Is(),
    ast.In: ast.NotIn(),
    ast.NotIn: ast.In(),
    ast.And: ast.Or(),
    ast.Or: ast.And(),
    ast.Add: ast.Sub(),
    ast.Sub: ast.Add(),
}
"""Operators, each with the one that replaces it."""


@dataclass(frozen=True)
class Mutation:
    """A change of one expression or statement.

    Attributes:
        path: The file, relative to the root of the project.
        kind: What is changed, such as "comparison".
        line: The line on which the changed code begins, from 1.
        start: Where it begins, in bytes of the file.
        end: Where it ends.
        replacement: What stands there instead.
    """

    path: Path
    kind: str
    line: int
    start: int
    end: int
    replacement: str

    def apply(self, source: bytes) -> bytes:
        """Return the changed source."""
        return source[: self.start] + self.replacement.encode() + source[self.end :]

    def describe(self, source: bytes) -> str:
        """Return the place and the change, on one line."""
        before = " ".join(source[self.start : self.end].decode().split())
        return f"{self.path}:{self.line} {self.kind}: {_shorten(before)} -> {self.replacement}"


def find_mutations(path: Path, source: bytes) -> list[Mutation]:
    """Return all mutations of a file, in the order of its text."""
    offsets = [0]
    for line in source.splitlines(keepends=True):
        offsets.append(offsets[-1] + len(line))
    found = []
    for node, kind, replacement in _find_changes(ast.parse(source)):
        start = offsets[node.lineno - 1] + node.col_offset
        end = offsets[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        text = replacement if isinstance(replacement, str) else f"({ast.unparse(replacement)})"
        found.append(Mutation(path, kind, node.lineno, start, end, text))
    return sorted(found, key=lambda each: (each.start, each.end, each.kind))


Change = tuple[ast.expr | ast.stmt, str, ast.expr | str]


def _find_changes(tree: ast.Module) -> Iterator[Change]:
    ignored = {id(node) for node in _nodes_without_behaviour(tree)}
    for node in ast.walk(tree):
        if id(node) not in ignored and isinstance(node, ast.expr | ast.stmt):
            yield from _changes_of(node)


def _changes_of(node: ast.expr | ast.stmt) -> Iterator[Change]:
    match node:
        case ast.Compare(ops=[operator, *others]) if type(operator) in OPPOSITES:
            opposite = OPPOSITES[type(operator)]
            yield node, "comparison", ast.Compare(node.left, [opposite, *others], node.comparators)  # type: ignore[list-item] # an operator has an operator as its opposite
        case ast.BoolOp(op=operator):
            yield node, "boolean operator", ast.BoolOp(OPPOSITES[type(operator)], node.values)  # type: ignore[arg-type]
        case ast.BinOp(op=operator) if type(operator) in OPPOSITES:
            yield node, "arithmetic", ast.BinOp(node.left, OPPOSITES[type(operator)], node.right)  # type: ignore[arg-type]
        case ast.UnaryOp(op=ast.Not()):
            yield node, "dropped not", node.operand
        case ast.Constant(value=bool(value)):
            yield node, "swapped boolean", ast.Constant(not value)
        case ast.Constant(value=int(value) | float(value)):
            yield node, "number", ast.Constant(value + 1)
        case ast.Return(value=ast.expr() as value) if not _is_none(value):
            yield node, "returned None", "return None"
        case ast.Expr(value=ast.Call() | ast.Await()):
            yield node, "dropped call", "pass"
        case ast.Assign() | ast.AugAssign() if isinstance(_target(node), ast.Attribute):
            yield node, "dropped assignment", "pass"
        case ast.Raise():
            yield node, "dropped raise", "pass"
        case ast.Dict():
            yield from (
                (key, "string key", ast.Constant(f"{key.value}x"))
                for key in node.keys
                if isinstance(key, ast.Constant) and isinstance(key.value, str)
            )


def _target(node: ast.Assign | ast.AugAssign) -> ast.expr:
    return node.target if isinstance(node, ast.AugAssign) else node.targets[0]


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _nodes_without_behaviour(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield the nodes of annotations, decorators, f-strings and code for type checkers only."""
    for node in ast.walk(tree):
        for decorator in getattr(node, "decorator_list", ()):
            yield from ast.walk(decorator)
        if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation:
            yield from ast.walk(node.annotation)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns:
            yield from ast.walk(node.returns)
        elif isinstance(node, ast.JoinedStr) or _is_for_type_checkers(node):
            yield from ast.walk(node)


def _is_for_type_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _shorten(text: str, max_chars: int = 60) -> str:
    return text if len(text) <= max_chars else f"{text[: max_chars - 1]}…"
