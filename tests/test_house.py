"""The house's own rules, held by the suite: mirror tests, honest tests, narrow excepts, floors, one version."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import antiphon
from antiphon.conversation.states import mermaid

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "daemon" / "antiphon"
TESTS = ROOT / "tests"


def modules_under(folder):
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def name_of(path):
    return path.relative_to(PACKAGE).as_posix()


MODULES = modules_under(PACKAGE)

# ── every module has its mirror test ─────────────────────────────────────────────────────────────

NO_MIRROR = {
    "__main__.py": "calls cli.main: every test of a process goes through it; test_cli.py interrupts it",
}


def mirror_of(path):
    inside = path.relative_to(PACKAGE)
    return TESTS / inside.parent / f"test_{inside.name}"


def has_code(tree):
    """More than a docstring, imports and constants."""
    return any(not isinstance(node, ast.Expr | ast.Import | ast.ImportFrom | ast.Assign) for node in tree.body)


def needs_mirror(path):
    return path.name != "__init__.py" or has_code(tree_of(path))


@pytest.mark.parametrize("path", [path for path in MODULES if needs_mirror(path)], ids=name_of)
def test_a_module_has_its_mirror_test(path):
    if name_of(path) in NO_MIRROR:
        assert not mirror_of(path).exists(), "the exception no longer holds: take it out of NO_MIRROR"
    else:
        assert mirror_of(path).exists(), f"write {mirror_of(path).relative_to(ROOT)}"


def test_an_exception_is_about_a_module_that_is_there():
    assert set(NO_MIRROR) <= set(map(name_of, MODULES))


def test_a_package_with_code_of_its_own_would_need_a_mirror():
    assert not has_code(ast.parse('"""Doc."""\nfrom a import b\n\n__all__ = ["b"]'))
    assert has_code(ast.parse("def f(): ..."))


# ── tests of floors 0-2 neither sleep nor patch ──────────────────────────────────────────────────

PURE_FOLDERS = ("conversation", "audio", "settings", "pinout", "scenes")
PURE_MODULES = ("errors", "pcm", "secret", "gestures", "faces", "night", "calls", "snapshot", "ports")
PATCHES = {"monkeypatch", "patch", "Mock", "MagicMock", "AsyncMock", "NonCallableMock", "create_autospec", "mocker"}


def pure_tests():
    files = [path for folder in PURE_FOLDERS for path in modules_under(TESTS / folder)]
    return files + [TESTS / f"test_{module}.py" for module in PURE_MODULES]


def words_of(node):
    """The names a piece of code uses or takes: `a.b`, `a`, `def f(a)`, `import a.b as c`."""
    match node:
        case ast.Name(id=word) | ast.arg(arg=word) | ast.Attribute(attr=word):
            return {word}
        case ast.alias(name=name):
            return set(name.split("."))
        case ast.ImportFrom(module=str(name)):
            return set(name.split("."))
        case _:
            return set()


def calls_sleep(node):
    match node:
        case ast.Call(func=ast.Name(id="sleep") | ast.Attribute(attr="sleep")) | ast.alias(name="sleep"):
            return True
        case _:
            return False


def unfair(tree):
    """Lines that wait for time to pass, or put something else in the place of what is tested."""
    nodes = list(ast.walk(tree))
    sleeps = [node.lineno for node in nodes if calls_sleep(node)]
    return sorted(sleeps + [node.lineno for node in nodes if words_of(node) & (PATCHES | {"mock"})])


@pytest.mark.parametrize("path", pure_tests(), ids=lambda path: path.relative_to(TESTS).as_posix())
def test_a_test_of_thought_neither_sleeps_nor_patches(path):
    assert unfair(tree_of(path)) == []


@pytest.mark.parametrize(
    "line",
    [
        "time.sleep(1)",
        "sleep(0.1)",
        "from time import sleep as rest",
        "def test(monkeypatch): ...",
        "from unittest import mock",
        "import unittest.mock as m",
        "from unittest.mock import patch as p",
        "with mock.patch.object(a, 'b'): ...",
        "x = Mock()",
    ],
)
def test_sleeping_and_patching_are_seen(line):
    assert unfair(ast.parse(line)) != []


def test_words_about_sleeping_and_patching_are_no_offence():
    assert unfair(ast.parse('# monkeypatch, sleep(\n"""patch, Mock()"""\nmachine._sleep("nothing said")\n')) == []


# ── the daemon catches only what it can name ─────────────────────────────────────────────────────

TOO_BROAD = {"Exception", "BaseException"}
OF_OTHERS = {
    "tools/plugins.py": "it runs packages of others, in which anything may be broken",
    "tools/late.py": "it imports packages of others, which may not fit each other",
    "tools/mcp_client.py": "its package raises whatever its transports do, in groups too",
}


def broad_catches(tree):
    """Lines with `except:`, `except Exception`, `suppress(Exception)` or kin."""
    lines = []
    for node in ast.walk(tree):
        match node:
            case ast.ExceptHandler(type=None):
                lines.append(node.lineno)
            case ast.ExceptHandler(type=caught) if names_in(caught) & TOO_BROAD:
                lines.append(node.lineno)
            case ast.Call(func=ast.Name(id="suppress") | ast.Attribute(attr="suppress"), args=args):
                lines += [node.lineno for arg in args if names_in(arg) & TOO_BROAD]
    return lines


def names_in(tree):
    return {word for node in ast.walk(tree) for word in words_of(node)}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_module_catches_what_it_cannot_name(path):
    assert bool(broad_catches(tree_of(path))) == (name_of(path) in OF_OTHERS)


@pytest.mark.parametrize(
    "clause",
    ["except:", "except Exception:", "except (OSError, Exception):", "except builtins.BaseException as e:"],
)
def test_broad_catches_are_seen(clause):
    assert broad_catches(ast.parse(f"try:\n    f()\n{clause}\n    pass")) == [3]


def test_broad_suppression_is_seen_and_narrow_clauses_are_no_offence():
    assert broad_catches(ast.parse("with contextlib.suppress(Exception): f()")) == [1]
    assert broad_catches(ast.parse("try:\n    f()\nexcept* (OSError, ValueError):\n    pass")) == []


# ── every module opens with what it is ───────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_says_what_it_is(path):
    assert ast.get_docstring(tree_of(path)), "a module opens with one to five lines: which room, what it must not know"


# ── the floors ───────────────────────────────────────────────────────────────────────────────────


def test_imports_point_down():
    run = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", run, "--config", str(ROOT / "pyproject.toml"), "--no-cache", "--no-logo"]
    outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


# ── one version ──────────────────────────────────────────────────────────────────────────────────


def newest_release(changelog):
    """The first `## ` heading that is a version: "## 1.2.3" or "## [1.2.3]"; "Unreleased" may stand above it."""
    headings = re.findall(r"^## +\[?([^\]\s]+)", changelog, re.MULTILINE)
    return next((heading for heading in headings if heading.lower() != "unreleased"), None)


def test_the_version_is_one():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert project["version"] == antiphon.__version__ == newest_release(changelog)


@pytest.mark.parametrize(
    ("changelog", "version"),
    [
        ("# Changelog\n\n## Unreleased\n\n- x\n\n## [0.2.0] - 2025-01-01\n\n### Added\n\n## 0.1.0\n", "0.2.0"),
        ("## 0.1.0 (first)\n", "0.1.0"),
        ("## [Unreleased]\n", None),
    ],
)
def test_the_newest_release_is_found(changelog, version):
    assert newest_release(changelog) == version


# ── the project speaks of itself alone ───────────────────────────────────────────────────────────

BUILT = {".git", ".venv", ".hypothesis", "build", "dist", "__pycache__"}
WORKSHOP = "/" + "work"
PRIVATE_PATH = re.compile(rf"(?<![\w.~}}-]){WORKSHOP}\b")


def texts(folder=ROOT):
    """Every text of the project; what was built, cached or fetched is none of it."""
    for path in sorted(folder.iterdir()):
        if path.name in BUILT or path.name.endswith("_cache"):
            continue
        if path.is_dir():
            yield from texts(path)
        elif path.is_file() and (text := text_of(path)) is not None:
            yield path.relative_to(ROOT).as_posix(), text


def text_of(path):
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def test_no_file_names_a_path_of_somebodys_machine():
    assert [name for name, text in texts() if PRIVATE_PATH.search(text)] == []


def test_a_private_path_is_seen():
    assert PRIVATE_PATH.search(f"see {WORKSHOP}/notes.md")
    assert PRIVATE_PATH.search(f"cd {WORKSHOP}")
    assert not PRIVATE_PATH.search(f"https://example.org{WORKSHOP}/notes.md")
    assert not PRIVATE_PATH.search(f"a network {WORKSHOP}load")
    assert "tests/test_house.py" in dict(texts())


# ── the diagram is the table ─────────────────────────────────────────────────────────────────────

DIAGRAM = re.compile(r"<!-- diagram: states\.mermaid\(\) -->\n```mermaid\n(.*?)```\n<!-- end of diagram -->", re.DOTALL)


def test_the_diagram_in_the_readme_is_drawn_from_the_table():
    page = (PACKAGE / "conversation" / "README.md").read_text(encoding="utf-8")
    drawn = DIAGRAM.findall(page)
    assert len(drawn) == 1, "the markers around the diagram are gone"
    assert drawn[0] == mermaid(), (
        "the table has changed: put between the markers what this prints: "
        'python -c "from antiphon.conversation.states import mermaid; print(mermaid())"'
    )


# ── the tree in the README is the tree ───────────────────────────────────────────────────────────


def rooms():
    """What stands at the top of the package, as a reader would name it: "pcm.py", "audio/"."""
    files = {path.name for path in PACKAGE.glob("*.py")} - {"__init__.py"}
    return files | {f"{path.parent.name}/" for path in PACKAGE.glob("*/__init__.py")}


def test_the_tree_in_the_readme_names_every_room_and_no_other():
    page = (ROOT / "daemon" / "README.md").read_text(encoding="utf-8")
    tree = page.split("```")[1].partition("\n  ")[2]
    links = {f"{path.parent.name}/" for path in PACKAGE.glob("links/*/__init__.py")}
    assert set(re.findall(r"\w+(?:\.py|/)", tree)) - links == rooms()
