import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from bench.support.factories import make_movie, make_showtime
from cinema.models import Cinema, Screen, Seat, SeatingPlan, Showtime
from tests.cinema.plans.plan_files import GALLERY, PARQUET, plain_plan, plan, plan_with_defects, row, seat

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(tmp_path):
    """Import a plan (or raw bytes) as a file; returns what was printed."""

    def run(content, *arguments, screen="Screen 1"):
        file = tmp_path / "plan.json"
        file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        out = StringIO()
        call_command(
            "import_seating_plan", str(file), "--cinema", "Odeon", "--screen", screen, *arguments,
            stdout=out, stderr=out,
        )  # fmt: skip
        return out.getvalue()

    return run


def refused(run, content):
    """Assert that an import is refused and nothing is changed."""
    with pytest.raises(CommandError) as refusal:
        run(content)
    assert "Nothing was changed" in str(refusal.value)
    assert refusal.value.returncode == 1
    assert not Cinema.objects.exists() and not SeatingPlan.objects.exists()


def labels_of(screen="Screen 1"):
    return list(Screen.objects.get(name=screen).plan.seats.order_by("index").values_list("label", flat=True))


def test_a_plain_plan_creates_cinema_screen_and_seats_and_reports_them(run):
    output = run(plain_plan())
    assert "cinema Odeon: created" in output
    assert "seats: 18 created, 0 updated, 0 unchanged" in output
    assert labels_of() == [f"{row}{n}" for row in "ABC" for n in range(1, 7)]


def test_the_second_import_of_the_same_file_changes_nothing(run):
    run(plan_with_defects())
    before = [list(model.objects.order_by("pk").values()) for model in (Cinema, Screen, SeatingPlan, Seat)]
    output = run(plan_with_defects_again())
    assert "0 created, 0 updated, 13 unchanged" in output
    assert [list(model.objects.order_by("pk").values()) for model in (Cinema, Screen, SeatingPlan, Seat)] == before


def plan_with_defects_again():
    """The same plan; the seats that are not for sale get the random guids of the first file."""
    again = plan_with_defects()
    kept = Seat.objects.filter(row="C").order_by("index").values_list("guid", flat=True)
    for one, guid in zip(again["zones"][0]["rows"][3]["seats"], kept, strict=True):
        one["seat_guid"] = guid
    return again


def test_a_plan_with_the_defects_of_real_exports_is_imported(run):
    output = run(plan_with_defects())
    assert "5 seat_guid values are used more than once" in output
    seats = {one.label: one for one in Seat.objects.select_related("category")}
    assert len(seats) == 13
    assert len({one.guid for one in seats.values()}) == 13
    assert seats["A6"].index == 0, "a row written from the right is read from the left"
    assert seats["B4"].guid == "0/B/4", "without a uuid, zone, row and number tell seats apart"
    assert seats["A1"].category.name == "Category 1"
    assert [one.label for one in seats.values() if not one.for_sale] == ["C1", "C2"]
    assert seats["B3"].segment != seats["B4"].segment, "two row objects are two segments"
    areas = SeatingPlan.objects.get().areas
    assert [area["shape"] for area in areas] == ["rectangle", "circle"]
    assert "text" not in areas[0]


def test_categories_named_by_uuid_can_be_given_names(run):
    run(plan_with_defects(), "--category", f"{PARQUET}=Parquet", "--category", f"{GALLERY}=Gallery")
    plan = SeatingPlan.objects.get()
    assert list(plan.categories.values_list("key", "name")) == [
        ("parquet", "Parquet"), ("gallery", "Gallery"), ("not-available", "NOT AVAILABLE"),
    ]  # fmt: skip


def test_a_name_for_an_unknown_category_is_refused(run):
    with pytest.raises(CommandError):
        run(plain_plan(), "--category", "Royal=Box")
    assert not Cinema.objects.exists()


def test_categories_of_similar_colours_get_different_seat_colours(run):
    run(plan_with_defects())
    found = SeatingPlan.objects.get().categories.values_list("seat_colour", flat=True)
    assert len(set(found)) == 3


def test_a_dry_run_reports_the_same_and_stores_nothing(run):
    output = run(plain_plan(), "--dry-run")
    assert "18 created" in output and "nothing was kept" in output
    assert not Cinema.objects.exists() and not SeatingPlan.objects.exists()


def test_a_changed_drawing_is_another_plan_and_showtimes_keep_theirs(run):
    run(plain_plan())
    screen = Screen.objects.select_related("plan").get()
    old = screen.plan
    showtime = make_showtime(screen=screen, movie=make_movie())
    smaller = plain_plan()
    rows = smaller["zones"][0]["rows"]
    del rows[2]["seats"][5]
    rows[0]["seats"][0]["bookmyseat"] = {"kind": "wheelchair"}
    output = run(smaller)
    assert "0 created, 1 updated, 16 unchanged, 1 no longer on the plan" in output
    screen.refresh_from_db()
    assert screen.plan_id != old.pk
    assert Showtime.objects.get(pk=showtime.pk).plan_id == old.pk
    assert showtime.seats.count() == 18, "seats on sale stay, sold or not"


def test_the_same_drawing_in_two_screens_is_one_plan(run):
    run(plain_plan())
    run(plain_plan(), screen="Screen 2")
    assert SeatingPlan.objects.count() == 1
    assert Screen.objects.count() == 2


def test_a_broken_file_names_every_bad_row_and_changes_nothing(run, tmp_path):
    broken = plain_plan()
    rows = broken["zones"][0]["rows"]
    rows[0]["seats"][1]["position"]["x"] = "left"
    rows[0]["seats"][2]["seat_guid"] = ""
    rows[1]["seats"][0]["category"] = "Royal"
    rows[1]["seats"][3]["position"] = None
    rows[2]["row_number"] = None
    broken["categories"][0]["color"] = "red;}"
    broken["zones"][0]["areas"] = [{"shape": "star"}, {"shape": "circle", "circle": {"radius": float("nan")}}]
    out = StringIO()
    file = tmp_path / "broken.json"
    file.write_text(json.dumps(broken))
    with pytest.raises(CommandError, match="8 bad rows"):
        call_command("import_seating_plan", str(file), "--cinema", "Odeon", "--screen", "1", stdout=out, stderr=out)
    output = out.getvalue()
    for where, field in (
        ("zones[0].rows[0].seats[1].position", "x"),
        ("zones[0].rows[0].seats[2]", "seat_guid"),
        ("zones[0].rows[1].seats[0]", "category"),
        ("zones[0].rows[1].seats[3]", "position"),
        ("zones[0].rows[2]", "row_number"),
        ("categories[0]", "color"),
        ("zones[0].areas[0]", "shape"),
        ("zones[0].areas[1].circle", "radius"),
    ):
        assert f"{where}: {field} " in output
    assert not Cinema.objects.exists() and not Seat.objects.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[]", b"null", b"{", b"\xff\xfe", b'{"name": "x"}', b"[" * 100_000,
        plan([]),
        plan([row("A", 0, [])]),
        plan([row("A", 0, [seat(1, 0, position={"x": float("inf"), "y": 0})])]),
        plan([row("A", 0, [seat(1, 1e300)])]),
        plan([row("A", 0, [seat(1, 10**400)])]),
        plan([row("A", 0, [seat(1, 0, seat_guid=" padded ")])]),
        plan([row("A", 0, [seat(1, 0), seat(1, 20)])]),
        plan([row("A", 0, [seat(1, 0), seat(2, 0), seat(3, 20), seat(4, 40)])]),
        plan([row("A" * 31, 0, [seat(1, 0)])]),
        plan([row("A\x00", 0, [seat(1, 0)])]),
        plan([row("A\u2066", 0, [seat(1, 0)])]),
        plan([row("A", 0, [seat(1, 0, seat_number="1\u202e")])]),
        plan([row("A", 0, [seat(1, 0, seat_guid="a\u200bb")])]),
        plan([row("A", 0, [seat(1, 0, bookmyseat={"kind": "throne"})])]),
        plan([row("A", 0, [seat(n, n) for n in range(10_001)])]),
        plan([], zones={"a": 1}),
        plan([], zones=[3]),
    ],
)  # fmt: skip
def test_an_invalid_plan_is_refused_as_a_whole(run, content):
    refused(run, content)


def test_seats_with_the_same_guid_uuid_and_number_are_refused(run):
    twins = [seat(1, 0, seat_guid="x"), seat(2, 20, seat_guid="x")]
    twins[1]["seat_number"] = "1"
    refused(run, plan([row("A", 0, twins)]))


def test_the_kind_of_a_seat_is_read_from_our_extension_or_from_its_category(run):
    seats = [
        seat(1, 0, bookmyseat={"kind": "wheelchair"}),
        seat(2, 20, category="Companion seats"),
        seat(3, 40, category="Wheelchair spaces"),
        seat(4, 60, bookmyseat={"shape": "recliner"}),
    ]
    run(plan([row("A", 0, seats)], categories=("Standard", "Companion seats", "Wheelchair spaces")))
    assert list(Seat.objects.order_by("index").values_list("kind", "shape")) == [
        ("wheelchair", "chair"), ("companion", "chair"), ("wheelchair", "chair"), ("seat", "recliner"),
    ]  # fmt: skip


def test_labels_are_short_unless_they_would_be_ambiguous(run):
    rows = [row("A", 0, [seat(11, 0), seat(12, 20)]), row("A1", 22, [seat(1, 0), seat(3, 20)])]
    zones = [
        {"name": "Stalls", "position": {"x": 0, "y": 0}, "rows": [*rows, row("C", 44, [seat(1, 0)])]},
        {
            "name": "Circle",
            "position": {"x": 0, "y": 200},
            "rows": [row("C", 0, [seat(1, 0)]), row("D", 22, [seat(1, 0)])],
        },
    ]
    run(plan([], zones=zones))
    assert labels_of() == ["A-11", "A-12", "A1-1", "A1-3", "Stalls C-1", "Circle C-1", "D1"]


def test_a_missing_file_is_an_error_message_without_a_traceback():
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_seating_plan", "/nowhere/plan.json", "--cinema", "Odeon", "--screen", "1")
