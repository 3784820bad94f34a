"""What schemathesis cannot guess of this API: which things there are, and which of its findings are meant to be so.

Nothing here knows an endpoint by name. Ids come from the seed (OPENAPI_SEED, a JSON file `{parameter: [values]}`), from
the lists that the document describes, and from what the run itself makes (`Location`, ids in answers).
"""

import json
import os
import re
import tomllib
import uuid
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
# So many of a hundred texts in bodies are replaced by what a field of that name held in some answer.
KNOWN_FIELD_PERCENT = 25
# So many of a hundred Idempotency-Keys are new.
NEW_KEY_PERCENT = 75
# Values kept per parameter or field.
MOST = 24


class Things:
    """Values that path parameters may have: by the path up to the parameter, and by its name."""

    def __init__(self, seed):
        self.by_prefix = defaultdict(list)
        self.by_name = defaultdict(list)
        self.by_field = defaultdict(list)
        # What is not to be removed: others are still to find it. And what the run itself stands on is never touched.
        self.seeds = {value for values in seed["things"].values() for value in values}
        self.untouchable = set(seed.get("untouchable", []))
        for name, values in seed["things"].items():
            self.by_name[name].extend(values)

    def keep(self, kept, value):
        """Among so many at most: the first and the latest."""
        if value not in kept and value not in self.untouchable:
            kept.append(value)
            if len(kept) > MOST:
                del kept[MOST // 2]

    def add(self, template, values):
        """Of a path template and its values in order."""
        for match, value in zip(re.finditer(r"\{(\w+)\}", template), values):
            self.keep(self.by_prefix[template[: match.end()]], value)
            self.keep(self.by_name[match[1]], value)

    def of(self, template, name, removing):
        """What `name` may be in `template`. A name of its own, such as `lab`, means the same everywhere; `id` does not."""
        found = self.by_prefix.get(template[: template.find("{" + name + "}") + len(name) + 2], [])
        if name != "id":
            found = found + [value for value in self.by_name.get(name, []) if value not in found]
        return [value for value in found if not (removing and value in self.seeds)]


THINGS = Things(json.loads(Path(os.environ["OPENAPI_SEED"]).read_text()))


@schemathesis.hook
def before_call(context, case, kwargs):
    """Mostly things that are there: what is made up is answered by 404 and tries nothing further."""
    meta = case.meta
    if meta is None:
        return
    # By the values themselves, so that a failure is the same when it is sent again.
    dice = zlib.crc32(repr((case.path_parameters, case.query, case.headers, case.body)).encode())
    stateful = meta.phase.name == TestPhase.STATEFUL
    if not meta.is_negative_at(ParameterLocation.HEADER) and (stateful or dice // 3 % 100 < NEW_KEY_PERCENT):
        # A key that was used before gets a refusal, or the first answer again: of a thing that may be gone since.
        for header in [name for name in case.headers if name.lower() == "idempotency-key"]:
            case.headers[header] = str(uuid.uuid4())
    if stateful:
        return
    if not meta.is_negative_at(ParameterLocation.PATH):
        for name in case.path_parameters:
            known = THINGS.of(case.operation.path, name, case.method == "DELETE")
            if known and dice % 100 < KNOWN_PERCENT:
                case.path_parameters[name] = known[dice // 100 % len(known)]
    if isinstance(case.body, dict) and not meta.is_negative_at(ParameterLocation.BODY):
        for field, value in case.body.items():
            known = THINGS.by_field.get(field)
            if known and isinstance(value, str) and dice // 7 % 100 < KNOWN_FIELD_PERCENT:
                case.body[field] = known[dice // 700 % len(known)]


@schemathesis.hook
def after_call(context, case, response):
    """Remembers what there is now."""
    schema = case.operation.schema
    location = response.headers.get("location", [None])[0]
    if location and response.status_code in (201, 202):
        for template in schema.raw_schema["paths"]:
            if found := expression(template).match(location):
                THINGS.add(template, found.groups())
    if response.status_code in (200, 201, 202) and "json" in response.headers.get("content-type", [""])[0]:
        remember_answer(schema, case, response.json())


def expression(template):
    """The paths of a template."""
    return re.compile("^" + re.sub(r"\\\{\w+\\\}", "([^/]+)", re.escape(template)) + "$")


def remember_answer(schema, case, answer):
    """The fields of what there is; and of a list `GET /things`, what `{thing}` may be anywhere."""
    items = answer.get("items") if isinstance(answer, dict) else None
    parameters = {name for template in schema.raw_schema["paths"] for name in re.findall(r"\{(\w+)\}", template)} - {"id"}
    for item in [answer] if items is None else items[-4:]:
        if not isinstance(item, dict):
            continue
        for field, value in item.items():
            if isinstance(value, str) and 0 < len(value) <= 200:
                THINGS.keep(THINGS.by_field[field], value)
                if field in parameters:
                    THINGS.keep(THINGS.by_name[field], value)
        if items is not None and isinstance(item.get("id"), str):
            collection = case.operation.path
            THINGS.keep(THINGS.by_name[collection.rsplit("/", 1)[-1].rstrip("s").replace("-", "_")], item["id"])
            for template in schema.raw_schema["paths"]:
                if template.startswith(collection + "/{"):
                    prefix = template[: template.index("}", len(collection)) + 1]
                    THINGS.keep(THINGS.by_prefix[prefix], item["id"])


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

        def __init__(self):
            who = {key: LOGIN[key] for key in ("email", "password")}
            answer = requests.post(LOGIN["url"] + "/api/v1/auth/login", json=who, timeout=30)
            answer.raise_for_status()
            self.session = "; ".join(f"{cookie.name}={cookie.value}" for cookie in answer.cookies)

        def get(self, case, context):
            ways = case.operation.definition.raw.get("security", [])
            if ways and all(list(way) == ["session"] for way in ways):
                return {"Cookie": self.session}
            return {"Authorization": "Bearer " + LOGIN["token"]}

        def set(self, case, data, context):
            case.headers.update(data)
