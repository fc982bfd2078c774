"""As much of JSON Schema (draft 2020-12) as the schemas in docs use."""

import json
import re
from collections.abc import Iterator
from typing import Any

from runner import REPOSITORY


def read_schema(name: str) -> dict[str, Any]:
    return json.loads((REPOSITORY / "docs" / name).read_text())


SCHEMA = read_schema("cleaner.v1.schema.json")
ANNOTATIONS = {"$schema", "$id", "$defs", "title", "description"}

TYPES: dict[str, Any] = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "integer": int}


def has_type(value: object, name: str) -> bool:
    return isinstance(value, TYPES[name]) and not (name == "integer" and isinstance(value, bool))


KEYWORDS_OF: dict[str, Any] = {"required": dict, "properties": dict, "additionalProperties": dict, "items": list, "pattern": str,
                              "minLength": str, "minimum": int, "minItems": list, "maxItems": list, "uniqueItems": list}


def problems(value: Any, root: dict[str, Any] = SCHEMA) -> Iterator[str]:
    return _problems(value, root, root, "$")


def _problems(value: Any, schema: dict[str, Any], root: dict[str, Any], at: str) -> Iterator[str]:
    for keyword, wanted in schema.items():
        if not isinstance(value, KEYWORDS_OF.get(keyword, object)):
            continue
        match keyword:
            case "$ref":
                yield from _problems(value, root["$defs"][wanted.removeprefix("#/$defs/")], root, at)
            case "anyOf":
                each = [list(_problems(value, one, root, at)) for one in wanted]
                if all(each):
                    yield from min(each, key=len)
            case "type":
                names = [wanted] if isinstance(wanted, str) else wanted
                if not any(has_type(value, name) for name in names):
                    yield f"{at}: {value!r} is not {wanted}"
            case "const" | "enum":
                if value not in ([wanted] if keyword == "const" else wanted):
                    yield f"{at}: {value!r} is not of {wanted}"
            case "required":
                yield from (f"{at}: '{name}' is missing" for name in wanted if name not in value)
            case "properties":
                for name in wanted.keys() & value.keys():
                    yield from _problems(value[name], wanted[name], root, f"{at}.{name}")
            case "additionalProperties":
                yield from (f"{at}: '{name}' is not in the schema" for name in value.keys() - schema["properties"].keys())
            case "items":
                for number, item in enumerate(value):
                    yield from _problems(item, wanted, root, f"{at}[{number}]")
            case "pattern":
                if not re.search(wanted, value):
                    yield f"{at}: {value!r} does not match {wanted}"
            case "minLength" | "minimum":
                if (len(value) if keyword == "minLength" else value) < wanted:
                    yield f"{at}: {value!r} is too small"
            case "minItems" | "maxItems":
                if len(value) < wanted if keyword == "minItems" else len(value) > wanted:
                    yield f"{at}: {len(value)} items"
            case "uniqueItems":
                if wanted and any(item in value[:number] for number, item in enumerate(value)):
                    yield f"{at}: an item is there twice"
            case _ if keyword not in ANNOTATIONS:
                raise AssertionError(f"the schema uses '{keyword}', which is not checked here")
