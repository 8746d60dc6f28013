"""The demo programme: two houses, five rooms, 24 films, a rolling week. The films' facts are real, the houses not."""
