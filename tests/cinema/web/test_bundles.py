"""Bundles: complete, in the order of need, each module in its own scope; what they cannot hold is refused."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders

from cinema.web import bundles
from cinema.web.bundles import BundleError, check_bundles, entries, make_bundle, sources_of

STATIC, TEMPLATES = settings.BASE_DIR / "static", settings.BASE_DIR / "templates"
NAMED = re.compile(r"""\{%\s*static\s+["']([^"']+)["']""")


@pytest.fixture
def root(tmp_path):
    for name in ("pages", "js", "css"):
        (tmp_path / name).mkdir()

    def write(**files):
        for name, text in files.items():
            folder, _, rest = name.partition("_")
            (tmp_path / folder / rest.replace("_", ".")).write_text(text)
        return tmp_path

    return write


def bundle(root, name):
    return make_bundle(root / "pages" / name, root).decode()


def test_every_bundle_can_be_made_and_is_used():
    assert check_bundles() == []
    named = {name for file in TEMPLATES.rglob("*.html") for name in NAMED.findall(file.read_text())}
    assert {f"bundles/{entry.name}" for entry in entries()} == {n for n in named if n.startswith("bundles/")}


def test_every_module_and_sheet_is_in_a_bundle_or_named_by_a_template():
    bundled = {source for entry in entries() for source in sources_of(entry)}
    named = {STATIC / name for file in TEMPLATES.rglob("*.html") for name in NAMED.findall(file.read_text())}
    files = {*(STATIC / "js").rglob("*.js"), *(STATIC / "css").rglob("*.css")}
    assert sorted(files - bundled - named) == []


def test_a_module_that_a_template_names_alone_imports_nothing():
    """There is no import map: a plain name would not be found."""
    named = {name for file in TEMPLATES.rglob("*.html") for name in NAMED.findall(file.read_text())}
    alone = [STATIC / name for name in named if name.startswith("js/")]
    assert [file.name for file in alone if len(sources_of(file)) > 1] == []


def test_no_page_sends_a_file_twice():
    """`site.css` has what every page has, and no other bundle has any of it."""
    site = set(sources_of(STATIC / "pages/site.css"))
    assert [e.name for e in entries() if e.name != "site.css" and site & set(sources_of(e))] == []


def test_modules_come_before_those_that_need_them_and_once(root):
    made = bundle(
        root(
            pages_a_js='import "one";\nimport "two";\n',
            js_one_js='import { three as other } from "three";\nexport const one = other + 1;\n',
            js_two_js='import {\n  one,\n} from "one";\nimport { three } from "three";\nconst x = [one, three];\n',
            js_three_js="export const three = 3;\nexport async function later() {}\nexport class C {}\n",
        ),
        "a.js",
    )
    assert re.findall("^// ---- (.*)$", made, re.MULTILINE) == ["js/three.js", "js/one.js", "js/two.js", "pages/a.js"]
    assert "return { three, later, C };" in made and "const { three: other } = js_three;" in made
    assert not re.search(r"^(import|export)\b", made, re.MULTILINE)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('import { a } from "missing";\n', "not there"),
        ('import "a";\n', "circle"),
        ('import one from "b";\n', "cannot have"),
        ('import * as one from "b";\n', "cannot have"),
        ('const one = await import("b");\n', "cannot have"),
        ("export default 1;\n", "cannot have"),
        ("export let one = 1;\n", "cannot have"),
        ("const one = 1;\nexport { one };\n", "cannot have"),
        ("const one = import.meta.url;\n", "cannot have"),
    ],
)
def test_what_a_bundle_cannot_hold_is_refused_with_the_name_of_the_file(root, text, what):
    made = root(pages_x_js='import "a";\n', js_a_js=text, js_b_js="export const b = 1;\n")
    with pytest.raises(BundleError, match=rf"a\.js .*{what}"):
        bundle(made, "x.js")


def test_two_modules_of_one_name_are_refused(root):
    made = root(pages_x_js='import "a";\n', js_a_js="", css_a_css="")
    (made / "js/more").mkdir()
    (made / "js/more/a.js").touch()
    with pytest.raises(BundleError, match="there are 2"):
        bundle(made, "x.js")


def test_a_sheet_has_those_that_it_imports_with_their_addresses_moved(root):
    made = root(
        pages_x_css='@import "../css/a.css";\n@import "../css/b.css";\n',
        css_a_css='p { src: url("../fonts/f.woff2"); clip-path: url("#shape"); }\n',
        css_b_css="b { top: 0; }\n",
    )
    text = bundle(made, "x.css")
    assert text.index("p {") < text.index("b {") and "@import" not in text
    assert 'url("../fonts/f.woff2")' in text and 'url("#shape")' in text


def test_the_finder_makes_a_bundle_and_makes_it_again_when_a_source_has_changed(root, settings, tmp_path, monkeypatch):
    monkeypatch.setattr(bundles, "STATIC", root(pages_x_css='@import "../css/a.css";\n', css_a_css="a {}\n"))
    monkeypatch.setattr(bundles, "make_bundle", lambda entry, root=tmp_path: make_bundle(entry, root))
    monkeypatch.setattr(bundles, "sources_of", lambda entry, root=tmp_path: sources_of(entry, root))
    settings.DATA_DIR = tmp_path / "data"
    finder = bundles.BundleFinder()
    file = finder.find("bundles/x.css")
    assert "a {}" in Path(file).read_text()
    (tmp_path / "css/a.css").write_text("a { top: 0 }\n")
    assert finder.find("bundles/x.css") == file and "top: 0" in Path(file).read_text()
    assert finder.find("bundles/none.css") == finder.find("css/a.css") == finder.find("bundles/../css/a.css") == []
    assert [name for name, _ in finder.list(None)] == ["bundles/x.css"]


def test_a_template_finds_a_bundle_as_it_finds_any_static_file():
    assert finders.find("bundles/map.js").endswith("map.js")
