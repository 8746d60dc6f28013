"""Choices that change: a refusal among fast clicks, a second click, the back button after paying, all released."""

from playwright.sync_api import expect

CLICK_ALL = """labels => { for (const label of labels) {
  const box = document.querySelector(`input[value="${label}"]`);
  box.removeAttribute("aria-disabled");
  box.click();
} }"""


def test_a_refusal_does_not_affect_other_seats(server, showtime_path, new_guest):
    alice, bob = new_guest(server).open(showtime_path), new_guest(server).open(showtime_path)
    mine, free, taken = alice.free_seats(3)
    bob.choose(taken)
    alice.choose(mine)
    alice.sees(taken, "locked")
    alice.page.evaluate(CLICK_ALL, [free, taken])  # both are in one request, which is refused as a whole
    alice.reads_news(taken)
    for seat in (mine, free):
        alice.sees(seat, "mine")
        bob.sees(seat, "locked")
        alice.reads_basket(seat)
    alice.sees(taken, "locked")
    bob.sees(taken, "mine")


def test_a_second_click_releases_the_seat(server, showtime_path, new_guest):
    alice, bob = new_guest(server).open(showtime_path), new_guest(server).open(showtime_path)
    (seat,) = alice.free_seats(1)
    for _ in range(2):
        alice.choose(seat)
        bob.sees(seat, "locked")
        alice.seat(seat).click()
        alice.sees(seat, "available")
        bob.sees(seat, "available")
        alice.reads_basket("Touch a seat")


def test_a_click_before_the_first_answer_is_not_lost(server, showtime_path, new_guest):
    alice = new_guest(server)
    delayed = []
    alice.page.route("**/lock/", lambda route: delayed.append(route) if not delayed else route.continue_())
    alice.open(showtime_path)
    (seat,) = alice.free_seats(1)
    alice.seat(seat).click()
    alice.page.wait_for_timeout(300)
    assert [route.request.method for route in delayed] == ["GET"]
    delayed[0].continue_()
    alice.reads_basket(seat)
    alice.sees(seat, "mine")


def test_the_back_button_after_paying_offers_no_second_payment(server, showtime_path, new_guest):
    alice = new_guest(server).open(showtime_path)
    seats = alice.free_seats(2)
    alice.choose(*seats)
    assert alice.pay() == seats
    for _ in range(2):  # the demo page, then checkout
        alice.page.go_back()
        expect(alice.page.get_by_role("button", name="Pay £")).to_have_count(0)
    alice.page.go_back()
    alice.sees_live()
    for seat in seats:
        alice.sees(seat, "booked")
    alice.reads_basket("Touch a seat")
    assert alice.page.locator("#basket-pay").count() == 0


def test_give_all_back_frees_every_seat_and_the_next_choice_is_a_new_booking(server, showtime_path, new_guest):
    alice = new_guest(server).open(showtime_path)
    api = f"{server.url}/api{showtime_path}lock/"
    seats = alice.free_seats(2)
    alice.choose(*seats)
    first = alice.context.request.get(api).json()["reference"]
    alice.page.get_by_role("button", name="Give all back").click()
    alice.reads_basket("Touch a seat")
    assert alice.context.request.get(api).json()["seats"] == []
    alice.choose(seats[0])
    assert alice.context.request.get(api).json()["reference"] != first


def test_a_price_highlights_its_seats_until_it_is_clicked_again(server, showtime_path, new_guest):
    alice = new_guest(server).open(showtime_path)
    price = alice.page.locator(".price").first
    price.click()
    expect(price).to_have_attribute("aria-pressed", "true")
    expect(alice.page.locator(".hall")).to_have_attribute("data-spotlight", price.get_attribute("data-seat-colour-of"))
    price.click()
    expect(price).to_have_attribute("aria-pressed", "false")
    assert alice.page.locator(".hall").get_attribute("data-spotlight") is None
