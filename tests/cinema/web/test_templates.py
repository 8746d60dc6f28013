"""Every template as text: nothing that the content security policy would block, and no missing static file."""

import re

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.template.loader import get_template, render_to_string

FOLDER = settings.BASE_DIR / "templates"
ALL = sorted(FOLDER.rglob("*.html"))
# Mails have no content security policy, and need inline styles.
PAGES = [file for file in ALL if file.parent.name != "mail"]
FORBIDDEN = {
    "a style attribute": re.compile(r"<[^>]*\sstyle\s*="),
    "a style element": re.compile(r"<style"),
    "a handler": re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "hx-on": re.compile(r"hx-on[:=]"),
    "script in htmx": re.compile(r"""hx-(vals|headers)\s*=\s*["']js:"""),
    "an address of script": re.compile(r"javascript:", re.IGNORECASE),
    "another site's file": re.compile(r"""<(script|link|img)[^>]*(src|href)\s*=\s*["'](https?:)?//"""),
}
SCRIPT = re.compile(r"<script(?P<attributes>(?:[^>%]|%[^>]|%\})*)>(?P<body>.*?)</script>", re.DOTALL)
DATA = re.compile(r"""type\s*=\s*["']application/(ld\+)?json["']""")
STATIC = re.compile(r"""\{%\s*static\s+["']([^"']+)["']""")


def name_of(file):
    return str(file.relative_to(FOLDER))


@pytest.mark.parametrize("file", PAGES, ids=name_of)
def test_a_template_has_nothing_that_the_policy_would_block(file):
    text = file.read_text()
    assert [what for what, pattern in FORBIDDEN.items() if pattern.search(text)] == []
    for script in SCRIPT.finditer(text):
        attributes = script["attributes"]
        assert "src=" in attributes or "nonce" in attributes or DATA.search(attributes), script[0][:80]


def test_the_patterns_find_what_they_look_for():
    bad = "<a style='x'> <style> <b onclick='x'> hx-on:click hx-vals='js:x' javascript: <script src='//cdn.example/x'>"
    assert all(pattern.search(bad) for pattern in FORBIDDEN.values())
    assert SCRIPT.search("<script>alert(1)</script>")["attributes"] == ""


@pytest.mark.parametrize("file", ALL, ids=name_of)
def test_a_template_can_be_parsed_and_its_static_files_exist(file):
    get_template(name_of(file))
    assert [name for name in STATIC.findall(file.read_text()) if not finders.find(name)] == []


def test_every_page_links_static_files_by_their_hashed_names(settings, tmp_path):
    """As in production: every `{% static %}` and every file that a style sheet names is in the manifest."""
    settings.STATIC_ROOT = tmp_path
    storage = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": storage}}
    call_command("collectstatic", verbosity=0, interactive=False)
    from django.contrib.staticfiles.storage import staticfiles_storage

    staticfiles_storage.manifest_strict = True
    for name in {name for file in ALL for name in STATIC.findall(file.read_text())}:
        assert re.search(r"\.[0-9a-f]{12}\.", staticfiles_storage.url(name)), name
    for name in ("500.html", "503.html"):
        page = render_to_string(name)
        links = re.findall(r'(?:href|src)="/static/([^"]+)"', page)
        assert links and all((tmp_path / link).exists() for link in links), (
            "these pages must work without the database and the app"
        )
