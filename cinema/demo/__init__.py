"""The demo: two cinemas, five screens, 24 films and a rolling week. The facts of the films are real."""
