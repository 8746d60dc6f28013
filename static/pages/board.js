// The staff board.

import "board";
