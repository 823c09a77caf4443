"""Who may know whom: the tree of the design, held by reading the imports of every file."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "redactor"
FILES = sorted(PACKAGE.rglob("*.py"))


class Import(NamedTuple):
    """One import: the dotted module, the file it stands in, below the package, and the line."""

    module: str
    file: str
    line: int


def imports_of(path):
    """Give every import of a file, also those inside functions; not those for types alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(node)
        for test in ast.walk(tree)
        if isinstance(test, ast.If) and "TYPE_CHECKING" in ast.unparse(test.test)
        for node in ast.walk(test)
    }
    file = path.relative_to(PACKAGE).as_posix()
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (Import(name.name, file, node.lineno) for name in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            yield Import(node.module, file, node.lineno)
            # `from redactor import codec` names a module, too.
            if node.module == "redactor":
                yield from (
                    Import(f"redactor.{name.name}", file, node.lineno) for name in node.names
                )


IMPORTS = [found for path in FILES for found in imports_of(path)]


def part_of(file):
    """Give the package or module below `redactor` that a file belongs to."""
    return file.partition("/")[0].removesuffix(".py")


def inner(found):
    """Give the part of `redactor` that an import names; None for other packages."""
    package, _, rest = found.module.partition(".")
    return (rest.partition(".")[0] or "") if package == "redactor" else None


LEAVES = {"errors", "geometry", "model"}
MAY_KNOW = {
    "errors": set(),
    "version": set(),
    "geometry": set(),
    "magic": set(),
    "model": {"errors", "geometry"},
    "detect": LEAVES,
    "policy": LEAVES,
    "render": LEAVES,
    "codec": LEAVES | {"magic"},
    "motion": LEAVES,
    "verify": LEAVES | {"detect"},
    "drawing": LEAVES | {"codec", "render"},
    "pipeline": LEAVES | {"detect", "policy", "render", "codec", "motion", "verify", "drawing"},
    "storage": {"errors", "model", "magic"},
    "report": LEAVES | {"detect"},
    "workers": LEAVES | {"codec", "pipeline"},
    "batch": LEAVES | {"codec", "pipeline", "policy", "report", "storage", "version", "workers"},
    "hooks": LEAVES | {"codec", "pipeline", "policy", "report", "storage", "version", "workers"},
    "testing": set(),
    "__main__": {"cli"},
    "cli": LEAVES
    | {"version", "batch", "codec", "detect", "pipeline", "policy", "report", "storage"}
    | {"hooks", "testing"},
}


def test_each_part_imports_only_those_below_it():
    strangers = [
        f"redactor/{found.file}:{found.line}: {part} must not know {other}"
        for found in IMPORTS
        if (part := part_of(found.file)) != "__init__"
        and (other := inner(found))
        and other != part
        and other not in MAY_KNOW[part]
    ]

    assert strangers == []


def test_nothing_inside_imports_the_package_root():
    names = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}
    from_root = [
        found
        for found in IMPORTS
        if found.module.startswith("redactor.") and found.module.split(".")[1] not in names
    ]
    plain = [
        node
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import) and any(name.name == "redactor" for name in node.names)
    ]

    assert from_root == []
    assert plain == []


ONE_FILE = {
    "zxingcpp": {"detect/zxing.py", "testing/image_codes.py"},
    "pyzbar": {"detect/zbar.py"},
    "oss2": {"storage/oss_session.py", "storage/oss_credentials.py"},
    "alibabacloud_credentials": {"storage/oss_credentials.py"},
    "alibabacloud_imm20200930": {"storage/imm_api.py"},
    "alibabacloud_tea_openapi": {"storage/imm_api.py"},
    "darabonba": {"storage/imm_api.py"},
    "pillow_heif": {"codec/heif.py"},
    "urllib3": {"storage/oss_session.py"},
    "re2": {"policy/patterns.py"},
    "ada_url": {"policy/urls.py"},
    "biip": {"policy/numbers.py"},
    "publicsuffixlist": {"policy/urls.py"},
    "yaml": {"policy/document.py"},
    "jinja2": {"report/html.py"},
    "markupsafe": {"report/html.py"},
    "crcmod": {"testing/store.py"},
    "Crypto": {"hooks/callback.py"},
    "prometheus_client": {"hooks/metrics.py"},
    "starlette": {"hooks/asgi.py"},
    "uvicorn": {"cli/serve.py"},
    "pytest": {"testing/fixtures.py"},
    "ray": {"batch/ray.py"},
    "zlib_ng": {"codec/png_samples.py"},
}


@pytest.mark.parametrize("package", ONE_FILE)
def test_each_decoder_binding_and_service_is_imported_in_one_file(package):
    files = {found.file for found in IMPORTS if found.module.partition(".")[0] == package}

    assert files == ONE_FILE[package]


PARTS = {
    "numpy": {"geometry", "model", "detect", "policy", "render", "codec", "motion", "drawing"}
    | {"report"},
    "cv2": {"detect", "render", "codec"},
    "PIL": {"codec", "report", "testing"},
    "pydantic": {"policy", "report", "batch"},
    "typing_extensions": {"report"},
    "pydantic_core": {"policy"},
    "click": {"cli"},
    "rich": {"cli", "report"},
}


@pytest.mark.parametrize("package", PARTS)
def test_libraries_stay_in_the_packages_that_are_listed_for_them(package):
    parts = {part_of(found.file) for found in IMPORTS if found.module.split(".")[0] == package}

    assert parts <= PARTS[package]


def test_every_foreign_package_is_listed():
    foreign = {
        top
        for found in IMPORTS
        if (top := found.module.partition(".")[0]) not in sys.stdlib_module_names
    }

    assert foreign - {"redactor"} == ONE_FILE.keys() | PARTS.keys()


SPEAKING = {"print", "exit", "quit", "input", "breakpoint", "sys.exit", "os._exit"} | {
    "sys.stdout.write", "sys.stderr.write", "sys.stdout.buffer.write",
}  # fmt: skip
# The stand-in is also a program of its own.
MAY_SPEAK = {"cli", "testing/__main__.py"}


def spoken(path):
    """Give the calls of a file that print or exit, and what it raises to exit."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in SPEAKING:
            yield ast.unparse(node)
        if isinstance(node, ast.Raise) and "SystemExit" in ast.unparse(node):
            yield ast.unparse(node)


def test_only_the_command_line_prints_or_exits():
    speakers = [
        f"{file}: {found}"
        for path in FILES
        if not {part_of(file := path.relative_to(PACKAGE).as_posix()), file} & MAY_SPEAK
        for found in spoken(path)
    ]

    assert speakers == []


NET_AND_FILES = {"socket", "http", "urllib", "requests", "urllib3", "subprocess", "shutil"}


@pytest.mark.parametrize("part", ["detect", "policy", "render", "codec", "verify", "report"])
def test_the_steps_know_no_network_and_no_processes(part):
    known = {found.module.partition(".")[0] for found in IMPORTS if part_of(found.file) == part}

    assert known.isdisjoint(NET_AND_FILES)


HEAVY = (
    "numpy", "cv2", "PIL", "zxingcpp", "pyzbar", "jpeglib", "oss2", "requests", "rich", "jinja2",
    "pydantic", "yaml", "re2", "ada_url", "redactor.model", "redactor.pipeline",
)  # fmt: skip
SAY_WHAT_WAS_LOADED = """
import json, sys
from redactor.cli import main
sys.argv[:] = ["redactor", *json.loads(sys.argv[1])]
try:
    main()
except SystemExit as end:
    code = end.code
loaded = [name for name in json.loads(sys.stdin.read()) if name in sys.modules]
print(json.dumps([code, loaded]))
"""


@pytest.mark.parametrize(
    "arguments",
    [["--version"], ["--help"], ["run", "--help"], ["serve", "--help"], ["demo", "--help"], []],
    ids=" ".join,
)
def test_help_and_version_load_no_decoder(arguments):
    done = subprocess.run(
        [sys.executable, "-c", SAY_WHAT_WAS_LOADED, json.dumps(arguments)],
        input=json.dumps(HEAVY),
        capture_output=True,
        text=True,
        check=True,
    )

    code, loaded = json.loads(done.stdout.splitlines()[-1])
    assert loaded == []
    assert code == (0 if arguments else 2)


def test_importing_the_package_loads_nothing_heavy():
    script = f"import sys, redactor; sys.exit(any(name in sys.modules for name in {HEAVY!r}))"

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_every_module_opens_with_what_it_is_for():
    silent = [
        path.relative_to(PACKAGE).as_posix()
        for path in FILES
        if path.name != "version.py"
        and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]

    assert silent == []
