"""What a screen reader is given: the browser's accessibility tree, and every text of a live region in its order."""

from realtime.launcher.processes import wait_until

# Before any script of the page: each text that appears in a live region, also one that was there before.
LISTEN = """(() => {
  window.spoken = [];
  const LIVE = '[aria-live]:not([aria-live="off"]), [role="status"]:not([aria-live="off"]), [role="alert"]';
  const regionOf = ({ target }) => (target.closest ? target : target.parentElement)?.closest(LIVE);
  const hear = (records) => {
    for (const region of new Set(records.map(regionOf))) {
      const text = region?.textContent.trim().replace(/\\s+/g, ' ');
      if (text) window.spoken.push([region.id, text]);
    }
  };
  new MutationObserver(hear).observe(document, { childList: true, characterData: true, subtree: true });
})()"""
STATES = ("checked", "disabled", "pressed", "expanded", "required", "invalid")


class ScreenReader:
    """Of one page of a guest; to be made before the page is opened."""

    def __init__(self, guest):
        self.page = guest.page
        self.session = guest.context.new_cdp_session(self.page)
        self.page.add_init_script(LISTEN)
        self.session.send("Accessibility.enable")

    def spoken(self, region="spoken"):
        """The texts of a live region since the page was opened."""
        return [text for name, text in self.page.evaluate("window.spoken") if name == region]

    def hears(self, number, *, seconds=30):
        """Wait until that many texts were spoken, and return them."""
        assert wait_until(lambda: len(self.spoken()) >= number, seconds=seconds), self.spoken()
        return self.spoken()

    def tree(self):
        nodes = self.session.send("Accessibility.getFullAXTree")["nodes"]
        return [node for node in nodes if not node.get("ignored")]

    def focused(self):
        """(role, name, {state: value}) of what has the focus."""
        focused = [described(node) for node in self.tree() if properties(node).get("focused")]
        return next(each for each in focused if each[0] != "RootWebArea")  # the page itself is focused too

    def names(self, role):
        """The names of everything that has this role."""
        return [described(node)[1] for node in self.tree() if value_of(node, "role") == role]


def value_of(node, key):
    return node.get(key, {}).get("value", "")


def properties(node):
    return {each["name"]: each["value"].get("value") for each in node.get("properties", [])}


def described(node):
    states = {name: value for name, value in properties(node).items() if name in STATES}
    return value_of(node, "role"), value_of(node, "name"), states
