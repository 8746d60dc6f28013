"""Finds the code that writes rows of `booking_showtimeseat`, by following names, and by reading SQL texts.

A *seat expression* is the model, or comes from one: by a manager, a query method, an index, a loop, an assignment, an
argument that a function of ours is called with, or what such a function returns; or its annotation names the model. A
write is a call of a writing method on a seat expression. Types are not known, so a false alarm is possible.
"""

import ast
import re
from dataclasses import dataclass, replace
from functools import cache

from tests.boundaries.source import name_of

MODEL, TABLE, RELATED = "ShowtimeSeat", "booking_showtimeseat", "seats"
WRITES = {"create", "bulk_create", "update", "bulk_update", "get_or_create", "update_or_create", "delete", "raw"}
WRITES |= {"save", "save_base", "add", "set", "clear", "remove"}
WRITES |= {f"a{name}" for name in WRITES}
ON_A_SET_TOO = {"add", "clear", "remove", "set"}  # methods of Python's own collections
QUERIES = {
    "all",
    "filter",
    "exclude",
    "get",
    "first",
    "last",
    "order_by",
    "select_for_update",
    "select_related",
    "none",
}
QUERIES |= {"in_bulk", "iterator", "using", "only", "defer", "earliest", "latest", "distinct", "annotate", "alias"}
QUERIES |= {"union", "reverse", "prefetch_related", "filter", "aget", "afirst", "aiterator"}
MANAGERS = {"objects", "_default_manager", "_base_manager"}
PASSES_ON = {"list", "tuple", "set", "sorted", "reversed", "iter", "next", "filter", "chain", "enumerate", "zip", "min"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
VERBS = re.compile(r"\b(update|insert|delete|truncate|merge|copy|alter|drop|replace)\b", re.IGNORECASE)
ROW_LOCK = re.compile(r"\bfor\s+(no\s+key\s+)?update\b", re.IGNORECASE)


@dataclass(frozen=True)
class Facts:
    """What is known of names that cross files.

    functions: the module-level functions of the product; fields: attributes whose annotation names the model; returns:
    functions that return seat expressions; arguments: (function, place or name of a parameter) that one is passed as.
    """

    functions: frozenset
    fields: frozenset
    returns: set
    arguments: set

    @property
    def size(self):
        return len(self.returns) + len(self.arguments)


@cache
def learn(trees):
    """The facts of these (file, tree) pairs, read again until nothing new is learned."""
    nodes = [node for _, tree in trees for node in ast.walk(tree)]
    functions = frozenset(node.name for _, tree in trees for node in tree.body if isinstance(node, FUNCTIONS))
    fields = {node.target for node in nodes if isinstance(node, ast.AnnAssign) and _is_annotated(node.annotation)}
    names = frozenset(target.id for target in fields if isinstance(target, ast.Name)) - {RELATED, "seat"}
    returns = {node.name for node in nodes if isinstance(node, FUNCTIONS) and _is_annotated(node.returns)} & functions
    facts, size = Facts(functions, names, returns, set()), -1
    while size != facts.size:
        size = facts.size
        for _, tree in trees:
            _Walker(tree, facts)
    return facts


def find_writers(trees):
    """The files with a call that writes seat rows."""
    facts = learn(tuple(trees.items()))
    return {file for file, tree in trees.items() if _Walker(tree, facts).writes}


def writes_of(text, trees):
    """The calls that write seat rows in a file with this text, planted among these trees."""
    facts, tree = learn(tuple(trees.items())), ast.parse(text)
    own = {node.name for node in tree.body if isinstance(node, FUNCTIONS)}
    facts = replace(facts, functions=facts.functions | own, returns=set(facts.returns), arguments=set(facts.arguments))
    for _ in range(3):
        writes = _Walker(tree, facts).writes
    return writes


class _Walker:
    """Follows names through one file, and adds to the facts what it learns."""

    def __init__(self, tree, facts):
        self.facts = facts
        self.names, self.writes = {MODEL}, []
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                self.names |= {alias.asname for alias in node.names if alias.name == MODEL and alias.asname}
        self.scope(tree, set(self.names))

    def scope(self, owner, names):
        """Follow names in one function or module, twice, so that a loop sees what its end has assigned."""
        nodes = list(self.own_nodes(owner))
        for _ in range(2):
            for node in nodes:
                self.assign(node, names)
        for node in nodes:
            if isinstance(node, ast.Call):
                self.call(node, names)
            elif isinstance(node, (ast.Return, ast.Yield)) and node.value and self.is_seats(node.value, names):
                self.facts.returns.update({getattr(owner, "name", "")} & self.facts.functions)
            elif isinstance(node, FUNCTIONS):
                self.scope(node, names | self.parameters(node))

    @staticmethod
    def own_nodes(owner):
        """Everything in this function or module but what is inside another function."""
        waiting = list(ast.iter_child_nodes(owner))
        while waiting:
            node = waiting.pop()
            yield node
            if not isinstance(node, FUNCTIONS):
                waiting.extend(ast.iter_child_nodes(node))

    def parameters(self, function):
        places = [*function.args.posonlyargs, *function.args.args]
        every = [*places, *function.args.kwonlyargs]
        named = {each.arg for each in every}
        found = {each.arg for place, each in enumerate(places) if (function.name, place) in self.facts.arguments}
        found |= {each.arg for each in every if _is_annotated(each.annotation)}
        return found | {name for name in named if (function.name, name) in self.facts.arguments}

    def assign(self, node, names):
        value, targets = None, []
        if isinstance(node, ast.Assign):
            value, targets = node.value, node.targets
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)):
            value, targets = node.value, [node.target]
        elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
            value, targets = node.iter, [node.target]
        elif isinstance(node, ast.withitem) and node.optional_vars:
            value, targets = node.context_expr, [node.optional_vars]
        pairs = [(target, value) for target in targets]
        while pairs:
            target, value = pairs.pop()
            if isinstance(target, (ast.Tuple, ast.List)):
                if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts):
                    pairs += zip(target.elts, value.elts, strict=True)
                else:
                    pairs += [(element, value) for element in target.elts]
            elif isinstance(target, ast.Name) and value is not None and self.is_seats(value, names):
                names.add(target.id)

    def call(self, node, names):
        function = node.func
        if isinstance(function, ast.Attribute) and function.attr in WRITES:
            base = function.value
            is_related = isinstance(base, ast.Attribute) and base.attr == RELATED and function.attr not in ON_A_SET_TOO
            if is_related or self.is_seats(base, names):
                self.writes.append(ast.unparse(node))
        called = name_of(function)
        if called not in self.facts.functions:
            return
        for place, argument in enumerate(node.args):
            if self.is_seats(argument, names):
                self.facts.arguments.add((called, place))
        for keyword in node.keywords:
            if keyword.arg and self.is_seats(keyword.value, names):
                self.facts.arguments.add((called, keyword.arg))

    def is_seats(self, node, names):
        if isinstance(node, ast.Name):
            return node.id in names
        if isinstance(node, ast.Attribute):
            is_manager = node.attr in MANAGERS and self.is_seats(node.value, names)
            return is_manager or node.attr == MODEL or node.attr in self.facts.fields
        if isinstance(node, ast.Call):
            return self.is_seat_call(node, names)
        if isinstance(node, (ast.Subscript, ast.Starred, ast.Await)):
            return self.is_seats(node.value, names)
        if isinstance(node, ast.BinOp):
            return self.is_seats(node.left, names) or self.is_seats(node.right, names)
        if isinstance(node, ast.BoolOp):
            return any(self.is_seats(value, names) for value in node.values)
        if isinstance(node, ast.IfExp):
            return self.is_seats(node.body, names) or self.is_seats(node.orelse, names)
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp)):
            inner = {
                name for each in node.generators for name in _names_in(each.target) if self.is_seats(each.iter, names)
            }
            return self.is_seats(node.elt, names | inner)
        if isinstance(node, (ast.List, ast.Tuple)):
            return any(self.is_seats(element, names) for element in node.elts)
        return False

    def is_seat_call(self, node, names):
        function = node.func
        if isinstance(function, ast.Name):
            if function.id in PASSES_ON:
                return any(self.is_seats(argument, names) for argument in node.args)
            gives_model = function.id in self.facts.functions and any(name_of(each) == MODEL for each in node.args)
            return gives_model or function.id in names or function.id in self.facts.returns
        if isinstance(function, ast.Attribute):
            base = function.value
            is_related = isinstance(base, ast.Attribute) and base.attr == RELATED
            is_query = function.attr in QUERIES and (is_related or self.is_seats(base, names))
            return function.attr in self.facts.returns or is_query
        return False


def _is_annotated(annotation):
    return annotation is not None and MODEL in re.findall(r"\w+", ast.unparse(annotation))


def _names_in(target):
    return {node.id for node in ast.walk(target) if isinstance(node, ast.Name)}


def writes_seats(sql):
    """Whether this text names the table of seats and a verb that writes."""
    return TABLE in sql.lower() and bool(VERBS.search(ROW_LOCK.sub("", sql)))


def find_sql_writers(trees):
    """The files with an SQL text that writes the table; texts that are put together are read as one."""
    return {file for file, tree in trees.items() if any(map(writes_seats, _texts(tree)))}


def _texts(tree):
    documentation = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, *FUNCTIONS)) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, (ast.Constant, ast.JoinedStr, ast.BinOp)) and id(node) not in documentation:
            yield _text(node)


def _text(node):
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(value) for value in node.values)
    if isinstance(node, ast.FormattedValue):
        return f" {TABLE} " if MODEL in ast.unparse(node.value) and "db_table" in ast.unparse(node.value) else " ? "
    if isinstance(node, ast.BinOp):
        return _text(node.left) + _text(node.right)
    return f" {TABLE} " if MODEL in ast.unparse(node) and "db_table" in ast.unparse(node) else " ? "
