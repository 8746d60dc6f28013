// The page of a showtime: the seat map and the basket.

import "seat-map";
import "basket-panel";
