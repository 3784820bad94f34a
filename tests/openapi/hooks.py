"""What schemathesis cannot guess of this API: which things there are, and which of its findings are meant to be so.

Nothing here knows an endpoint by name. Ids come from the seed (OPENAPI_SEED, a JSON file `{parameter: [values]}`), from
the lists that the document describes, and from what the run itself makes (`Location`, ids in answers).
"""

import json
import os
import re
import tomllib
import zlib
from collections import defaultdict
from pathlib import Path

import requests
import schemathesis
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import TestPhase

HERE = Path(__file__).parent
# Of a hundred generated path parameters, so many are replaced by something that is there.
KNOWN_PERCENT = 80
# Values kept per parameter: the first, which the seed gave, and the latest.
MOST = 24


class Things:
    """Values that path parameters may have: by the path up to the parameter, and by its name."""

    def __init__(self):
        self.by_prefix = defaultdict(list)
        self.by_name = defaultdict(list)
        for name, values in json.loads(Path(os.environ["OPENAPI_SEED"]).read_text()).items():
            self.by_name[name].extend(values)

    def add(self, template, values):
        """Of a path template and its values in order."""
        for match, value in zip(re.finditer(r"\{(\w+)\}", template), values):
            for kept in (self.by_prefix[template[: match.end()]], self.by_name[match[1]]):
                if value not in kept:
                    kept.append(value)
                    if len(kept) > MOST:
                        del kept[MOST // 2]

    def of(self, template, name):
        """What `name` may be in `template`. A name of its own, such as `lab`, means the same everywhere; `id` does not."""
        found = self.by_prefix.get(template[: template.find("{" + name + "}") + len(name) + 2], [])
        return found or (self.by_name.get(name, []) if name != "id" else [])


THINGS = Things()


def templates(schema):
    """Every path template of the document, and an expression for its paths."""
    for template in schema.raw_schema["paths"]:
        yield template, re.compile("^" + re.sub(r"\\\{\w+\\\}", "([^/]+)", re.escape(template)) + "$")


@schemathesis.hook
def before_call(context, case, kwargs):
    """Mostly things that are there: what is made up is answered by 404 and tries nothing further."""
    meta = case.meta
    if meta is None or meta.is_negative_at(ParameterLocation.PATH) or meta.phase.name == TestPhase.STATEFUL:
        return
    for name, made_up in list(case.path_parameters.items()):
        known = THINGS.of(case.operation.path, name)
        # By the value itself, so that a failure is the same when it is sent again.
        dice = zlib.crc32(repr((made_up, case.query, case.headers, case.body)).encode())
        if known and dice % 100 < KNOWN_PERCENT:
            case.path_parameters[name] = known[dice // 100 % len(known)]


@schemathesis.hook
def after_call(context, case, response):
    """Remembers what there is now."""
    schema = case.operation.schema
    location = response.headers.get("location", [None])[0]
    if location and response.status_code in (201, 202):
        remember(schema, location)
    if case.method == "GET" and response.status_code == 200 and "{" not in case.operation.path.rsplit("/", 1)[-1]:
        remember_list(schema, case, response)


def remember(schema, path):
    for template, expression in templates(schema):
        if found := expression.match(path):
            THINGS.add(template, found.groups())


def remember_list(schema, case, response):
    """`GET /things` tells what `/things/{thing}` may be, and `/things/{thing}/parts` too."""
    try:
        items = response.json()["items"]
        ids = [item["id"] for item in items if isinstance(item.get("id"), str)]
    except (ValueError, TypeError, KeyError, AttributeError):
        return
    begin = case.operation.path + "/{"
    prefixes = {t[: t.index("}", len(begin)) + 1] for t in schema.raw_schema["paths"] if t.startswith(begin)}
    for prefix in prefixes:
        for thing in ids[-4:]:
            kept = THINGS.by_prefix[prefix]
            if thing not in kept:
                kept.append(thing)
                del kept[:-MOST]


EXCEPTIONS = tomllib.loads((HERE / "exceptions.toml").read_text()).get("exception", [])


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Drops what exceptions.toml names, each with its reason."""
    found = {
        "operation": f"{case.method} {case.operation.path}",
        "failure": f"{type(failure).__name__}: {failure.message}",
        "status": str(response.status_code),
        "body": response.text if response.content is not None else "",
    }
    return not any(
        all(re.search(exception[key], found[key]) for key in found if key in exception) for exception in EXCEPTIONS
    )


LOGIN = json.loads(os.environ.get("OPENAPI_LOGIN", "null"))

if LOGIN:

    @schemathesis.auth(refresh_interval=None)
    class Account:
        """The account's token; where the document takes a browser's session alone, one of those."""

        session = None

        def get(self, case, context):
            ways = case.operation.definition.raw.get("security", [])
            if not ways or any(list(way) != ["session"] for way in ways):
                return {"Authorization": "Bearer " + LOGIN["token"]}
            if self.session is None:
                who = {key: LOGIN[key] for key in ("email", "password")}
                answer = requests.post(LOGIN["url"] + "/api/v1/auth/login", json=who, timeout=30)
                answer.raise_for_status()
                Account.session = "; ".join(f"{cookie.name}={cookie.value}" for cookie in answer.cookies)
            return {"Cookie": self.session}

        def set(self, case, data, context):
            case.headers.update(data)
