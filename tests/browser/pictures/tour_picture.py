"""The README's second picture: four pages on a desktop and four on a phone, from the pictures of the contact sheet.

    python -m tests.browser.pictures.contact_sheet && python -m tests.browser.pictures.tour_picture

writes `docs/images/tour.webp`, and the whole contact sheet as `docs/images/contact-sheet.webp`. Needs Pillow.
"""

from PIL import Image

from bench.support.servers import ROOT

IMAGES = ROOT / "docs/images"
DESKTOP = ("home", "movie", "board", "dashboard")
PHONE = ("home", "seat-map-basket", "booking", "board")
WIDTH, GAP, PAPER = 760, 20, (12, 11, 12)


def cut(name, width, ratio):
    """The top of a picture, `width` pixels wide."""
    picture = Image.open(IMAGES / f"{name}.png").convert("RGB")
    picture = picture.crop((0, 0, picture.width, min(picture.height, round(picture.width * ratio))))
    return picture.resize((width, round(width * picture.height / picture.width)), Image.LANCZOS)


def main():
    desktop = [cut(f"{name}-1440", WIDTH, 0.66) for name in DESKTOP]
    phone_width = (2 * WIDTH + GAP - 3 * GAP) // 4
    phones = [cut(f"{name}-390", phone_width, 1.9) for name in PHONE]
    row = max(picture.height for picture in desktop)
    height = 2 * (row + GAP) + max(picture.height for picture in phones)
    sheet = Image.new("RGB", (2 * WIDTH + GAP, height), PAPER)
    for number, picture in enumerate(desktop):
        sheet.paste(picture, ((number % 2) * (WIDTH + GAP), (number // 2) * (row + GAP)))
    for number, picture in enumerate(phones):
        sheet.paste(picture, (number * (phone_width + GAP), 2 * (row + GAP)))
    sheet.save(IMAGES / "tour.webp", quality=80, method=6)
    whole = Image.open(IMAGES / "contact-sheet.png").convert("RGB")
    whole.resize((whole.width * 2 // 3, whole.height * 2 // 3), Image.LANCZOS).save(
        IMAGES / "contact-sheet.webp", quality=72, method=4
    )


if __name__ == "__main__":
    main()
