// The figures of the dashboard.

import "figures";
