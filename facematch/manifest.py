"""Reads typed values out of a TOML table and complains in the language of bundles. It knows no key by name."""

from collections.abc import Mapping
from typing import TypeVar

from facematch.errors import BundleInvalid

Kind = TypeVar("Kind", str, int, float, bool)


class Table:
    """One table of a bundle's manifest; every getter raises BundleInvalid with the key it missed."""

    def __init__(self, bundle: str, values: Mapping[str, object]) -> None:
        self.bundle = bundle
        self.values = values

    def get(self, key: str, kind: type[Kind]) -> Kind:
        """The value of a key that must be there; a whole number passes for a float."""
        value = self.values.get(key)
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:
            raise self.problem(f"{key} must be a {kind.__name__}")
        return value

    def many(self, key: str, kind: type[Kind]) -> tuple[Kind, ...]:
        """The values of a list; an absent key is an empty list."""
        values = self.values.get(key, [])
        if not isinstance(values, list) or any(type(value) is not kind for value in values):
            raise self.problem(f"{key} must be a list of {kind.__name__}")
        return tuple(values)

    def choice(self, key: str, allowed: tuple[str, ...]) -> str:
        """A string that must be one of those allowed."""
        value = self.get(key, str)
        if value not in allowed:
            raise self.problem(f"{key} must be one of {', '.join(allowed)}")
        return value

    def digest(self, key: str) -> str:
        """A SHA-256 in lower-case hex."""
        value = self.get(key, str)
        if len(value) != 64 or set(value) - set("0123456789abcdef"):
            raise self.problem(f"{key} must be a SHA-256 in lower-case hex")
        return value

    def table(self, key: str) -> "Table":
        """A section that must be there."""
        value = self.values.get(key)
        if not isinstance(value, dict):
            raise self.problem(f"section {key} is missing")
        return Table(self.bundle, value)

    def tables(self, key: str) -> "tuple[Table, ...]":
        """A list of sections with at least one entry."""
        values = self.values.get(key)
        if not isinstance(values, list) or not values or not all(isinstance(value, dict) for value in values):
            raise self.problem(f"section {key} is missing")
        return tuple(Table(self.bundle, value) for value in values)

    def problem(self, sentence: str) -> BundleInvalid:
        """The refusal that names the bundle and what is wrong with it."""
        return BundleInvalid(bundle=self.bundle, problem=sentence)
