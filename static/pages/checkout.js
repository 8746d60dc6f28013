// The page that pays.

import "checkout";
import "fresh-token";
