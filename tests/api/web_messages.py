"""Every English sentence the pages use: read from templates and from the code of the pages."""

import ast
from collections.abc import Iterator
from pathlib import Path

import jinja2
from jinja2.ext import extract_from_ast

from api.web.render import TEMPLATES

WEB = Path(__file__).parents[2] / "api" / "web"
SPOKEN = ("_", "n_")


def of_templates() -> set[str]:
    """Sentences between `_(` and `)`, and both forms of `n_`."""
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    found = set()
    for name in TEMPLATES.list_templates():
        tree = environment.parse((WEB / "templates" / name).read_text("utf-8"))
        for _line, _function, said in extract_from_ast(tree, SPOKEN, babel_style=False):
            found |= {each for each in ([said] if isinstance(said, str) else said) if each}
    return found


def of_code() -> set[str]:
    """Sentences marked by N_."""
    return {sentence for path in WEB.glob("*.py") for sentence in _marked(ast.parse(path.read_text("utf-8")))}


def _marked(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "N_":
            assert isinstance(node.args[0], ast.Constant)
            yield str(node.args[0].value)
