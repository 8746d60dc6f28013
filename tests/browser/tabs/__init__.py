"""Several tabs of one browser, slow lines, the clock: what the page says then is true."""
