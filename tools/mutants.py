"""Break one thing at a time in a module and name what no test sees: tools/mutants.py FILE TESTS... [--then TESTS...]

Comparisons, arithmetic, and/or, not, numbers, true and false, and conditions are exchanged, one in each copy; texts,
annotations and docstrings stay. Each copy is tried in a process of its own, forked off one that has the libraries
loaded; the module's file is never written. TESTS are pytest's arguments; --then: those that only survivors are put to,
because they are slow. A copy whose tests take longer than ten minutes is seen too. Exit code 1 if any survives.
"""

import ast
import copy
import importlib
import importlib.abc
import importlib.util
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

PATIENCE = 600  # seconds
COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
COUNTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.MatMult: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.Mod: ast.Mult,
}  # fmt: skip


def mutants(tree: ast.Module) -> Iterator[tuple[str, ast.Module]]:
    """Each changed copy of a module, with the line and what was changed there."""
    for index, node in enumerate(ast.walk(tree)):
        for number in range(_changes(node)):
            changed = copy.deepcopy(tree)
            twin = next(each for position, each in enumerate(ast.walk(changed)) if position == index)
            before = ast.unparse(node)
            _apply(twin, number)
            yield f"line {getattr(node, 'lineno', '?')}: {before[:60]} → {ast.unparse(twin)[:60]}", changed


def _changes(node: ast.AST) -> int:
    """In how many ways a node can be changed; `_apply` does one by its number."""
    match node:
        case ast.Compare(ops=several) | ast.comprehension(ifs=several):
            return len(several)
        case ast.If() | ast.IfExp():
            return 2
        case ast.BinOp(op=op):
            return int(type(op) in COUNTED and not _is_type(node))
        case ast.BoolOp() | ast.UnaryOp() | ast.Constant(value=bool() | int() | float()):
            return int(not isinstance(getattr(node, "op", None), ast.UAdd))
    return 0


def _is_type(node: ast.BinOp) -> bool:
    """Whether this is a union of types, as `float | None`."""
    return any(isinstance(side, ast.Constant) and side.value is None for side in (node.left, node.right))


def _apply(node: ast.AST, number: int) -> None:
    match node:
        case ast.Compare():
            node.ops[number] = COMPARED[type(node.ops[number])]()
        case ast.BinOp():
            node.op = COUNTED[type(node.op)]()
        case ast.BoolOp():
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        case ast.UnaryOp(op=ast.Not()):
            node.operand = ast.UnaryOp(ast.Not(), node.operand)
        case ast.UnaryOp():
            node.op = ast.UAdd()
        case ast.Constant(value=bool() as value):
            node.value = not value
        case ast.Constant(value=int() | float() as value):
            node.value = value + 1
        case ast.If() | ast.IfExp():
            node.test = ast.Constant(number == 0)
        case ast.comprehension():
            node.ifs.pop(number)


def libraries(tree: ast.Module, own: str) -> list[str]:
    """What a module imports from outside its project: loaded once for all copies."""
    named = [node.module for node in tree.body if isinstance(node, ast.ImportFrom) and node.module]
    named += [each.name for node in tree.body if isinstance(node, ast.Import) for each in node.names]
    return [name for name in named if name.partition(".")[0] != own]


class Instead(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads a changed module in the place of its file."""

    def __init__(self, name: str, file: Path, tree: ast.Module) -> None:
        self.name, self.file, self.tree = name, file, ast.fix_missing_locations(tree)

    def find_spec(self, fullname, path=None, target=None):  # noqa: ARG002
        if fullname == self.name:
            return importlib.util.spec_from_file_location(fullname, self.file, loader=self)
        return None

    def exec_module(self, module):
        exec(compile(self.tree, str(self.file), "exec"), module.__dict__)  # noqa: S102


def survives(name: str, file: Path, tree: ast.Module, tests: Sequence[str]) -> bool:
    """Whether all tests pass with the changed module, in a process of its own."""
    child = os.fork()
    if child == 0:
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        sys.meta_path.insert(0, Instead(name, file, tree))
        os._exit(int(importlib.import_module("pytest").main(["-x", "-q", "-p", "no:cacheprovider", *tests])))
    started = time.monotonic()
    while time.monotonic() - started < PATIENCE:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status == 0
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def main(arguments: Sequence[str]) -> int:
    path, *tests = arguments
    cut = tests.index("--then") if "--then" in tests else len(tests)
    first, later = tests[:cut], tests[cut + 1 :]
    file = Path(path).resolve()
    name = ".".join(file.with_suffix("").parts[file.parts.index("src") + 1 :])
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for library in ("pytest", *libraries(tree, name.partition(".")[0])):
        importlib.import_module(library)
    if not survives(name, file, copy.deepcopy(tree), [*first, *later]):
        print("The tests do not pass as the module stands.")
        return 2
    tried, left = 0, 0
    for what, changed in mutants(tree):
        tried += 1
        if survives(name, file, changed, first) and (not later or survives(name, file, changed, later)):
            left += 1
            print(f"survives: {path} {what}", flush=True)
    print(f"{path}: {tried} changes, {tried - left} seen, {left} not")
    return 1 if left else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
