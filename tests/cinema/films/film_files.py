"""Test films in the format of TMDB's movie details."""


def film(title="The Long Night", release_date="1927-03-13", **more):
    return {"title": title, "release_date": release_date, **more}


def whole_film(number=0):
    """With every key that is read, some that are not, and nulls where TMDB has them."""
    return {
        "adult": False,
        "id": number,
        "imdb_id": None,
        "belongs_to_collection": None,
        "title": f"Night Train {number}",
        "overview": "A porter finds a letter.\nHe reads it.",
        "tagline": "All change.",
        "genres": [{"id": 18, "name": "Drama"}, {"id": 53, "name": ("Thriller", "Comedy", "Horror")[number % 3]}],
        "original_language": ("en", "de", "ja")[number % 3],
        "spoken_languages": [
            {"iso_639_1": "de", "english_name": "German", "name": "Deutsch"},
            {"iso_639_1": "en", "english_name": "English", "name": "English"},
        ],
        "runtime": 90 + number % 60,
        "release_date": f"{1950 + number % 70}-0{number % 9 + 1}-15",
        "vote_average": 7.346,
        "vote_count": 120,
        "poster_path": "/abc.jpg",
        "credits": {
            "cast": [{"name": "Ida Moss", "order": 0}, {"name": None}, {"name": "Leo Brandt"}],
            "crew": [{"job": "Editor", "name": "Not Me"}, {"job": "Director", "name": "Vera Kline"}],
        },
        "videos": {
            "results": [
                {"site": "YouTube", "key": "aaaaaaaaaaa", "type": "Teaser", "official": True},
                {"site": "YouTube", "key": "bbbbbbbbbbb", "type": "Trailer", "official": False},
                {"site": "Vimeo", "key": "123456789", "type": "Trailer", "official": True},
                {"site": "Elsewhere", "key": "<script>", "type": "Trailer", "official": True},
            ]
        },
    }


def empty_film(title="Nulls"):
    """Only the title; everything else is null, empty or unknown."""
    keys = (
        "overview genres original_language spoken_languages runtime vote_average vote_count poster_path credits "
        "tagline videos"
    )
    return {"title": title, "release_date": "", **dict.fromkeys(keys.split())}
