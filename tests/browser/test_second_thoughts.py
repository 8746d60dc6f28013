"""Clicks that cross: a refusal among fast clicks, a second click, the way back after paying, a page put aside."""

from playwright.sync_api import expect

CLICK_ALL = """labels => { for (const label of labels) {
  const box = document.querySelector(`input[value="${label}"]`);
  box.disabled = false;
  box.click();
} }"""


def test_a_refused_seat_takes_no_other_with_it(house, sale, arrive):
    alice, bob = arrive(house).open(sale), arrive(house).open(sale)
    held, wanted, gone = alice.free_seats(3)
    bob.choose(gone)
    alice.choose(held)
    alice.sees(gone, "locked")
    alice.page.evaluate(CLICK_ALL, [wanted, gone])  # both fly in one wish, which is refused as a whole
    alice.reads_news(gone)
    for seat in (held, wanted):
        alice.sees(seat, "mine")
        bob.sees(seat, "locked")
        alice.reads_basket(seat)
    alice.sees(gone, "locked")
    bob.sees(gone, "mine")


def test_a_second_click_gives_the_seat_back(house, sale, arrive):
    alice, bob = arrive(house).open(sale), arrive(house).open(sale)
    (seat,) = alice.free_seats(1)
    for _ in range(2):
        alice.choose(seat)
        bob.sees(seat, "locked")
        alice.seat(seat).click()
        alice.sees(seat, "available")
        bob.sees(seat, "available")
        alice.reads_basket("Touch a seat")


def test_a_click_before_the_first_answer_is_not_lost(house, sale, arrive):
    alice = arrive(house)
    held = []
    alice.page.route("**/lock/", lambda route: held.append(route) if not held else route.continue_())
    alice.open(sale)
    (seat,) = alice.free_seats(1)
    alice.seat(seat).click()
    alice.page.wait_for_timeout(300)
    assert [route.request.method for route in held] == ["GET"]
    held[0].continue_()
    alice.reads_basket(seat)
    alice.sees(seat, "mine")


def test_the_way_back_after_paying_offers_nothing_to_pay_again(house, sale, arrive):
    alice = arrive(house).open(sale)
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


def test_give_all_back_frees_every_seat_and_the_next_choice_is_a_new_booking(house, sale, arrive):
    alice = arrive(house).open(sale)
    api = f"{house.url}/api{sale}lock/"
    seats = alice.free_seats(2)
    alice.choose(*seats)
    first = alice.context.request.get(api).json()["reference"]
    alice.page.get_by_role("button", name="Give all back").click()
    alice.reads_basket("Touch a seat")
    assert alice.context.request.get(api).json()["seats"] == []
    alice.choose(seats[0])
    assert alice.context.request.get(api).json()["reference"] != first


def test_a_price_lights_up_its_seats_and_no_more(house, sale, arrive):
    alice = arrive(house).open(sale)
    price = alice.page.locator(".price").first
    price.click()
    expect(price).to_have_attribute("aria-pressed", "true")
    expect(alice.page.locator(".hall")).to_have_attribute("data-spotlight", price.get_attribute("data-cloth-of"))
    price.click()
    expect(price).to_have_attribute("aria-pressed", "false")
    assert alice.page.locator(".hall").get_attribute("data-spotlight") is None
