"""A buyer cancels seats by mouse, keyboard, touch and without JavaScript; staff retry a refund that failed."""

import re
import sqlite3
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from bench.support.servers import ROOT, clean_environment
from tests.browser.test_purchases import PHONE, press_until
from tests.report import report

FAIL = "from tests.browser.site.money_states import fail_refund; fail_refund('{reference}')"


@pytest.fixture
def terms(server):
    """Half of the price is refunded, less a pound per seat, until the film begins."""
    database = sqlite3.connect(server.data_dir / "db.sqlite3", timeout=10, isolation_level=None)
    database.execute(
        "INSERT INTO cinema_refundtier (cinema_id, minutes_before, percent) SELECT id, 0, 50 FROM cinema_cinema"
    )
    database.execute("UPDATE cinema_cinema SET refund_fee = 100")
    yield
    database.execute("DELETE FROM cinema_refundtier")
    database.execute("UPDATE cinema_cinema SET refund_fee = 0")
    database.close()


def buy_three(new_guest, server, showtime_path, **context):
    """Lock and checkout over the API, because the map is not tested here, then the payment page."""
    alice = new_guest(server, **context)
    ask, api = alice.context.request, f"{server.url}/api{showtime_path}"
    showtime, seats = ask.get(api).json(), ask.get(f"{api}map/").json()
    labels = [seat["label"] for seat in ask.get(server.url + showtime["layout"]).json()["seats"]]
    seats = [label for label, letter in zip(labels, seats["state"], strict=True) if letter == "A"][:3]
    ask.get(f"{api}lock/")
    token = next(cookie["value"] for cookie in alice.context.cookies() if cookie["name"] == "csrftoken")
    options = {"headers": {"X-CSRFToken": token, "Referer": server.url}}
    assert ask.put(f"{api}lock/", data={"seats": seats}, **options).ok
    begun = ask.post(f"{api}checkout/", data={"email": "alice@example.com"}, **options)
    alice.page.goto(begun.json()["url"])
    alice.page.get_by_role("button", name=re.compile("^Pay £")).click()
    assert alice.tickets() == seats
    return alice, seats


def prices(alice):
    """Pence for each seat on the booking page, in its order."""
    rows = alice.page.locator(".ticket").all()
    texts = [row.locator("dl").inner_text().replace("\n", " ") for row in rows]
    return [round(float(re.search(r"£([\d.]+)", text)[1]) * 100) for text in texts]


def in_pounds(pence):
    return f"£{pence / 100:.2f}".removesuffix(".00")


def tickets_of(alice):
    reference = alice.page.url.rstrip("/").split("/")[-1]
    found = alice.page.request.get(f"{alice.server.url}/api/bookings/{reference}/").json()
    return reference, found, {ticket["seat"]: ticket for ticket in found["tickets"]}


def choose_one(page, seat):
    page.get_by_text("Cancel tickets").click()
    page.get_by_role("checkbox", name=re.compile(f"^{seat} ")).check()


def test_one_of_three_seats_is_cancelled_and_free_on_every_map(server, showtime_path, new_guest, terms):
    alice, seats = buy_three(new_guest, server, showtime_path)
    bob, carol = new_guest(server).open(showtime_path), new_guest(server).open(showtime_path)
    bob.record_status_changes()
    back = prices(alice)[1] // 2 - 100
    _, _, before = tickets_of(alice)
    page = alice.page
    choose_one(page, seats[1])
    expect(page.locator("refund-sum output")).to_have_text(in_pounds(back))
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name=f"Cancel {seats[1]}?")).to_be_visible()
    expect(page.locator(".bill__total")).to_contain_text(in_pounds(back))
    page.get_by_role("button", name=f"Cancel {seats[1]}, {in_pounds(back)} back").click()
    expect(page.locator(".ticket[data-status=cancelled] .ticket__seat")).to_contain_text(seats[1])
    done = alice.now()
    bob.sees(seats[1], "available")
    carol.sees(seats[1], "available")
    report(
        "a cancelled seat is free on the other map",
        f"{bob.status_changes(seats[1])[-1][1] - done:+.0f} ms after the page",
    )
    assert bob.status_changes(seats[1])[-1][1] - done < 1500
    for seat in (seats[0], seats[2]):
        bob.sees(seat, "booked")
    expect(page.locator(".ticket__code")).to_have_count(2)
    expect(page.locator("main")).to_contain_text(
        re.compile(rf"{re.escape(in_pounds(back))} is (back|on its way back)\.")
    )
    assert before[seats[1]]["code"] not in page.content()
    _, booking, after = tickets_of(alice)
    assert booking["refunded"] == back and booking["status"] == "confirmed"
    assert [after[seat]["status"] for seat in seats] == ["valid", "cancelled", "valid"]
    carol.choose(seats[1])
    expect(page.locator("main")).to_contain_text("2 of 3 tickets")
    page.go_back()  # the page before, on which the seat is cancelled by now
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text(f"{seats[1]} is already cancelled.")


def test_all_is_cancelled_with_the_keyboard_alone(server, showtime_path, new_guest):
    alice, seats = buy_three(new_guest, server, showtime_path)
    page = alice.page
    press_until(page, ".calloff > summary")
    page.keyboard.press("Enter")
    for seat in seats:
        press_until(page, f".pick input[value='{seat}']")
        page.keyboard.press("Space")
    press_until(page, ".calloff button")
    page.keyboard.press("Enter")
    page.wait_for_url("**/cancel/?seats=**")
    press_until(page, ".lose__acts .button--danger")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=re.compile("Your money is (on its way )?back"))).to_be_visible()
    bob = new_guest(server).open(showtime_path)
    for seat in seats:
        bob.sees(seat, "available")


@pytest.mark.parametrize("how", ["phone", "phone without script"])
def test_a_seat_is_cancelled_on_a_phone(server, showtime_path, new_guest, how):
    alice, seats = buy_three(new_guest, server, showtime_path, **PHONE)
    cookies, path = alice.context.cookies(), alice.page.url
    if "without" in how:
        alice = new_guest(server, java_script_enabled=False, **PHONE)
        alice.context.add_cookies(cookies)
        alice.page.goto(path)
    page = alice.page
    page.get_by_text("Cancel tickets").tap()
    page.get_by_role("checkbox", name=re.compile(f"^{seats[0]} ")).tap()
    go_on = page.get_by_role("button", name="Go on")
    assert go_on.bounding_box()["height"] >= 44 and page.locator(".pick").first.bounding_box()["height"] >= 44
    go_on.tap()
    page.get_by_role("button", name=re.compile(f"^Cancel {seats[0]}, ")).tap()
    expect(page.locator(".ticket[data-status=cancelled] .ticket__seat")).to_contain_text(seats[0])
    expect(page.locator(".ticket__code")).to_have_count(2)
    if "without" not in how:
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_staff_retry_a_failed_refund(server, showtime_path, new_guest):
    alice, seats = buy_three(new_guest, server, showtime_path)
    reference, _, _ = tickets_of(alice)
    choose_one(alice.page, seats[0])
    alice.page.get_by_role("button", name="Go on").click()
    alice.page.get_by_role("button", name=re.compile(f"^Cancel {seats[0]}, ")).click()
    expect(alice.page.locator(".ticket[data-status=cancelled]")).to_be_visible()
    wait_for_refund(alice.page)
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", FAIL.format(reference=reference)],
        cwd=ROOT, env=clean_environment(**server.env, LOOP="external"), capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    alice.page.reload()
    expect(alice.page.locator(".notice[data-kind=error]")).to_contain_text("could not be given back.")
    ines = new_guest(server)
    ines.page.goto(f"{server.url}/accounts/login/?next=/staff/money/")
    ines.page.get_by_label("E-mail").fill(server.staff_email)
    ines.page.get_by_label("Password", exact=True).fill(server.staff_password)
    ines.page.keyboard.press("Enter")
    alert = ines.page.locator(".alarm").filter(has_text=reference)
    expect(alert).to_contain_text("could not be given back")
    alert.get_by_role("button", name=re.compile("^Ask for £")).click()
    expect(ines.page.locator("body")).to_contain_text("The bank is being asked again.")
    expect(alert).to_have_count(0)
    wait_for_refund(alice.page)
    ines.page.goto(f"{server.url}/staff/bookings/?q={reference}")
    expect(ines.page.locator(".timeline")).to_contain_text("Gave back £")
    expect(ines.page.locator(".timeline")).to_contain_text("A person is needed")


def wait_for_refund(page):
    """Reload until the refund has succeeded: the worker asks the gateway a moment later."""
    for _ in range(40):
        page.reload()
        if page.locator(".notice[data-kind=good]").filter(has_text="is back.").count():
            return
        page.wait_for_timeout(150)
    raise AssertionError(page.locator("main").inner_text())
