import pytest

from cinema.films.trailers import player_of

ON_YOUTUBE, ON_VIMEO = (
    "https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ",
    "https://player.vimeo.com/video/76979871?dnt=1",
)


@pytest.mark.parametrize(
    ("address", "player"),
    [
        ("https://www.youtube.com/watch?v=dQw4w9WgXcQ", ON_YOUTUBE),
        ("https://youtube.com/watch?list=x&v=dQw4w9WgXcQ&t=3", ON_YOUTUBE),
        ("https://youtu.be/dQw4w9WgXcQ?si=1", ON_YOUTUBE),
        ("https://vimeo.com/76979871", ON_VIMEO),
        ("https://example.com/watch?v=dQw4w9WgXcQ", ""),
        ("https://www.youtube.com.evil.example/watch?v=dQw4w9WgXcQ", ""),
        ("javascript:alert(1)//youtube.com/watch?v=dQw4w9WgXcQ", ""),
        ('https://www.youtube.com/watch?v="><script>', ""),
        ("", ""),
    ],
)
def test_only_known_hosts_have_a_player(address, player):
    assert player_of(address) == player
