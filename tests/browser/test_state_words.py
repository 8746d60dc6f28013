"""The script of the map has no list of states: it shows the words that the page carries."""

from playwright.sync_api import expect

# Before any module of the page runs: other words in the states that the page carries, and nowhere else.
REWORD = """new MutationObserver(() => {
  const states = document.getElementById("seat-states");
  if (!states || states.dataset.reworded) return;
  states.dataset.reworded = "yes";
  states.textContent = states.textContent.replace("being chosen by someone else", "somebody is faster")
    .replace('"yours"', '"all mine"');
}).observe(document, { childList: true, subtree: true });"""


def test_the_map_shows_the_words_that_the_page_carries(server, showtime_path, new_guest):
    alice, bob = new_guest(server), new_guest(server)
    bob.page.add_init_script(REWORD)
    bob.open(showtime_path)
    alice.open(showtime_path)
    theirs, mine = alice.free_seats(2)
    alice.choose(theirs)
    bob.sees(theirs, "locked")
    expect(bob.seat(theirs).locator("[data-word]")).to_have_text("somebody is faster")
    expect(bob.box(theirs)).to_be_disabled()
    bob.choose(mine)
    expect(bob.seat(mine).locator("[data-word]")).to_have_text("all mine")
