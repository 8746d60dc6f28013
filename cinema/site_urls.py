"""URLs of the public pages."""

from django.urls import path

from cinema.artwork.serving import artwork
from cinema.whats_on import api, pages

app_name = "cinema"
urlpatterns = [
    path("", pages.home, name="home"),
    path("showtimes/left/", pages.left, name="left"),
    path("movies/<slug:slug>/", pages.movie, name="movie"),
    path("layouts/<str:layout_hash>.css", api.layout_css, name="layout-css"),
    path("artwork/<slug:artwork_hash>.svg", artwork, name="artwork"),
]
