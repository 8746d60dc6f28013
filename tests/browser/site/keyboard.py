"""A guest's keyboard: presses keys, counts them, and says where the focus is."""

FOCUSED = "document.activeElement.matches('.seat input') ? document.activeElement.value : null"
# What the Tab key can reach, by the rules of browsers: of what has no negative tabindex, is shown and is not disabled.
TAB_STOPS = """() => [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')]
  .filter((each) => each.tabIndex >= 0 && !each.disabled && each.type !== 'hidden' && each.getClientRects().length
    && getComputedStyle(each).visibility === 'visible')
  .map((each) => each.outerHTML.slice(0, 90))"""


class Keyboard:
    """`pressed` counts keys; a text that is typed with `write` does not count."""

    def __init__(self, page):
        self.page, self.pressed = page, 0

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)
            self.pressed += 1

    def write(self, text):
        self.page.keyboard.type(text)

    def type_label(self, label):
        """Press the keys of a seat's label, one after the other."""
        self.press(*label)

    def until(self, selector, key="Tab", most=60):
        """Press a key until the element has the focus; returns how often."""
        for times in range(1, most + 1):
            self.press(key)
            if self.page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return times
        raise AssertionError(f"{selector} was not reached with {most} × {key}")

    @property
    def seat(self):
        """The label of the seat that has the focus, or None."""
        return self.page.evaluate(FOCUSED)

    def tab_stops(self):
        return self.page.evaluate(TAB_STOPS)
