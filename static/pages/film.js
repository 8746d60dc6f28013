// The page of a film.

import "movie";
