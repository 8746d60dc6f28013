"""What a browser would send of a form that nobody touched."""

from html.parser import HTMLParser


class FormReader(HTMLParser):
    """Reads the form with this id: `fields` maps each name to its list of values, as a browser without script sends."""

    def __init__(self, page, form_id):
        super().__init__()
        self.fields, self.found = {}, False
        self._form_id, self._inside = form_id, False
        self._select, self._options, self._textarea, self._text = None, [], None, ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        facts = dict(attrs)
        if tag == "form" and facts.get("id") == self._form_id:
            self._inside = self.found = True
        if not self._inside or "disabled" in facts:
            return
        if tag == "input":
            self._read_input(facts)
        elif tag == "select":
            self._select, self._options = facts, []
        elif tag == "option" and self._select:
            self._options.append((facts.get("value", ""), "selected" in facts))
        elif tag == "textarea":
            self._textarea, self._text = facts.get("name"), ""

    def _read_input(self, facts):
        kind, name = facts.get("type", "text"), facts.get("name")
        if not name or kind in ("submit", "button", "image", "file", "reset"):
            return
        if kind in ("checkbox", "radio"):
            if "checked" in facts:
                self._add(name, facts.get("value", "on"))
        else:
            self._add(name, facts.get("value", ""))

    def _add(self, name, value):
        self.fields.setdefault(name, []).append(value)

    def handle_data(self, data):
        if self._textarea:
            self._text += data

    def handle_endtag(self, tag):
        if tag == "form":
            self._inside = False
        elif tag == "textarea" and self._textarea:
            self._add(self._textarea, self._text.removeprefix("\r").removeprefix("\n"))
            self._textarea = None
        elif tag == "select" and self._select:
            chosen = [value for value, is_selected in self._options if is_selected]
            if not chosen and "multiple" not in self._select and self._options:
                chosen = [self._options[0][0]]
            for value in chosen:
                self._add(self._select.get("name"), value)
            self._select = None
