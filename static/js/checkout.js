// The page that pays: its clock, and the last thirty seconds said once.

import { say } from "announcer";
import "countdown";

document.addEventListener("lock:ending", () => say("30 seconds left"));
