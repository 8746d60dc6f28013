// The front page.

import "countdown";
import "front";
