"""Lists the tests of suites by their sources alone, and what the submission's sources use. Nothing of either is executed.

Arguments: the folder of the submission and the folder of each suite. What has come of it is one line of JSON.
"""

import ast
import json
import os
import sys

# What could reach into the tests or the runner, in the submission's own sources. Everything else that is imported is fine.
MODULES = {
    "tampering": {
        "_ctypes", "_io", "_posixsubprocess", "_pytest", "_thread", "builtins", "code", "codeop", "ctypes", "faulthandler",
        "fcntl", "gc", "imp", "importlib", "marshal", "mmap", "multiprocessing", "pdb", "pkgutil", "pluggy", "posix", "pty",
        "pytest", "runpy", "select", "selectors", "signal", "socket", "subprocess", "unittest",
    },
    "reflection": {"dis", "inspect", "traceback", "types"},
    "odd": {"atexit", "os", "pickle", "sys", "threading"},
}
# Of these modules only what is known to be harmless; they may not be passed around either.
WHOLE = {
    "os": {
        "cpu_count", "curdir", "devnull", "environ", "extsep", "getcwd", "getenv", "linesep", "listdir", "makedirs", "mkdir",
        "name", "path", "pathsep", "remove", "rename", "replace", "rmdir", "scandir", "sep", "stat", "unlink", "urandom", "walk",
    },
    "sys": {
        "argv", "byteorder", "exit", "float_info", "getrecursionlimit", "getsizeof", "implementation", "intern", "maxsize",
        "maxunicode", "path", "platform", "setrecursionlimit", "stderr", "stdin", "stdout", "version", "version_info",
    },
}
# Behind a dot, or as the name that getattr is given.
ATTRIBUTES = {
    "tampering": {
        "__builtins__", "__closure__", "__code__", "__globals__", "__import__", "__loader__", "__self__", "__spec__",
        "__subclasses__", "__traceback__", "_getframe", "_os", "_sys", "ag_frame", "cell_contents", "cr_frame", "f_back",
        "f_builtins", "f_globals", "f_locals", "gi_frame", "os", "posix", "sys", "tb_frame", "tb_next",
    },
    "reflection": {"__getattribute__"},
    "odd": {"__dict__", "__setattr__"},
}
# By themselves.
NAMES = {
    "tampering": {"__builtins__", "__import__", "__loader__", "__spec__", "breakpoint", "compile", "eval", "exec"},
    "odd": {"exit", "globals", "locals", "quit", "vars"},
}
BY_NAME = {"getattr", "setattr", "delattr"}


def concern(table, name):
    return next((kind for kind, names in table.items() if name in names), None)


def uses(name, tree, tests):
    """What a source uses that is not usual; tests are the names of the suites' modules."""
    found = set()

    def say(what, kind):
        if kind:
            found.add((name, what, kind))

    def imported(module):
        first = module.split(".")[0]
        say("import " + module, "tampering" if first in tests else concern(MODULES, first))

    bases = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            say("." + node.attr, concern(ATTRIBUTES, node.attr))
            if isinstance(node.value, ast.Name) and node.value.id in WHOLE:
                bases.add(node.value)
                if node.attr not in WHOLE[node.value.id]:
                    say(f"{node.value.id}.{node.attr}", "tampering")
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                imported(alias.name)
                if alias.name in WHOLE and alias.asname:
                    say(f"{alias.name} under another name", "tampering")
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported(node.module)
            for alias in node.names:
                say(f"{node.module}.{alias.name}", concern(ATTRIBUTES, alias.name))
                if alias.name not in WHOLE.get(node.module, {alias.name}):
                    say(f"{node.module}.{alias.name}", "tampering")
        elif isinstance(node, ast.Name):
            say(node.id, concern(NAMES, node.id))
            if node.id in WHOLE and node not in bases:
                say(f"{node.id} as a value", "tampering")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # For getattr, and in format strings.
            for word in ATTRIBUTES["tampering"]:
                if word.startswith("__") and word in node.value:
                    say(repr(word), "tampering")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in BY_NAME:
            given = node.args[1] if len(node.args) > 1 else None
            if isinstance(given, ast.Constant) and isinstance(given.value, str):
                say("." + given.value, concern(ATTRIBUTES, given.value))
            else:
                say(node.func.id + " with a name that is made up", "reflection")
    return found


def points(node):
    for decorator in getattr(node, "decorator_list", []):
        call = decorator if isinstance(decorator, ast.Call) else None
        if call and isinstance(call.func, ast.Attribute) and call.func.attr == "points" and call.args:
            value = call.args[0]
            if isinstance(value, ast.Constant) and isinstance(value.value, (int, float)) and 0 <= value.value <= 1e6:
                return float(value.value)
    return None


def functions(body):
    return [n for n in body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)) and n.name.startswith("test")]


def listed(module, tree):
    cases = []
    classes = {n.name: n for n in tree.body if isinstance(n, ast.ClassDef)}

    def methods(node, seen):
        # Parents first; what is redefined keeps its place.
        found = {}
        for base in node.bases:
            parent = classes.get(base.id) if isinstance(base, ast.Name) else None
            if parent is not None and parent.name not in seen:
                found.update(methods(parent, seen | {parent.name}))
        of_all = points(node)
        for method in functions(node.body):
            own = points(method)
            found[method.name] = own if own is not None else of_all
        return found

    def is_case(node, seen):
        """Whether unittest takes it, whatever its name is."""
        parents = {b.id if isinstance(b, ast.Name) else getattr(b, "attr", "") for b in node.bases}
        if parents & {"TestCase", "IsolatedAsyncioTestCase"}:
            return True
        return any(p in classes and p not in seen and is_case(classes[p], seen | {p}) for p in parents)

    for node in tree.body:
        if node in functions(tree.body):
            cases.append({"class": module, "method": node.name, "points": points(node)})
        elif isinstance(node, ast.ClassDef) and (node.name.startswith("Test") or is_case(node, {node.name})):
            for name, weight in methods(node, {node.name}).items():
                cases.append({"class": f"{module}.{node.name}", "method": name, "points": weight})
    return cases


def read(path):
    with open(path, "rb") as file:
        return ast.parse(file.read(), path)


def suite(root, number):
    classes, types, errors = [], [], []
    for name in sorted(os.listdir(root)) if os.path.isdir(root) else []:
        module, ending = os.path.splitext(name)
        if ending != ".py":
            continue
        types.append(module)
        try:
            tree = read(os.path.join(root, name))
        except (SyntaxError, ValueError, RecursionError) as error:
            errors.append({"file": name, "line": getattr(error, "lineno", 0) or 0, "code": "syntax", "message": str(error)})
            continue
        cases = listed(module, tree) if module.startswith("test_") or module.endswith("_test") else []
        if cases:
            classes.append({"name": module, "file": name, "cases": cases, "last": False, "errors": [], "out": str(number)})
    return {"types": types, "errors": errors, "classes": classes}


def main():
    sources, *roots = sys.argv[1:]
    suites = [suite(root, number) for number, root in enumerate(roots)]
    tests = {module for one in suites for module in one["types"]}
    found = set()
    for name in sorted(os.listdir(sources)):
        path = os.path.join(sources, name)
        if name.endswith(".py") and os.path.isfile(path):
            try:
                found |= uses(name, read(path), tests)
            except (SyntaxError, ValueError, RecursionError):
                found.add((name, "something that cannot be read", "tampering"))
    json.dump({"suites": suites, "uses": sorted(found)}, sys.stdout)


main()
