"""What is installed: every template, style sheet and rule file goes along."""

from configparser import ConfigParser

from tests.house.test_names import PACKAGE


def test_every_file_that_is_no_module_is_installed() -> None:
    setup = ConfigParser()
    setup.read(PACKAGE.parent / "setup.cfg", "utf-8")
    installed = {
        path
        for package, globs in setup["options.package_data"].items()
        for glob in globs.split(",")
        for path in PACKAGE.parent.joinpath(*package.split(".")).glob(glob.strip())
        if path.is_file()
    }

    files = {path for path in PACKAGE.rglob("*") if path.is_file()}
    assert {p for p in files if p.suffix not in (".py", ".pyc")} - installed == set()
