// My lock, as the server grants it. One request at a time; clicks meanwhile change the wish, and the latest wish goes
// out when the answer is in. Every answer, also a refusal, ends with the page showing what the server said.

const QUIET = { seats: [], total: 0, v: 0, reference: null, expires_at: null };
const PATIENCE = 12_000;

export class LockDesk extends EventTarget {
  #busy = null;
  #again = false;

  constructor(url) {
    super();
    Object.assign(this, { url, lock: QUIET, wish: new Set(), given: new Map() });
  }

  /** Labels that are mine, or that I have just asked for. */
  holds(label) {
    return this.wish.has(label);
  }

  /** Start with what the page shows as mine. */
  begin(labels) {
    this.wish = new Set(labels);
  }

  toggle(label) {
    if (this.wish.has(label)) this.wish.delete(label);
    else this.wish.add(label);
    this.#again = true;
    this.#tell("wish");
    this.#run();
  }

  /** A wish is on its way to the server. */
  get busy() {
    return this.#busy !== null;
  }

  /** Resolves when nothing is under way. */
  async settled() {
    while (this.#busy) await this.#busy;
  }

  refresh() {
    return this.#next(() => this.#ask("GET"));
  }

  release() {
    return this.#next(() => {
      this.wish.clear();
      this.#again = false;
      this.#tell("wish");
      return this.#ask("DELETE");
    });
  }

  #run() {
    this.#next(async () => {
      while (this.#again) {
        this.#again = false;
        await this.#ask("PUT", { seats: [...this.wish] });
      }
    });
  }

  /** Do this when all before it has been answered: an older answer never overwrites a newer one. */
  #next(work) {
    const turn = Promise.resolve(this.#busy).then(work).finally(() => {
      if (this.#busy === turn) this.#busy = null;
    });
    this.#busy = turn;
    return turn;
  }

  async #ask(method, body) {
    const before = [...this.lock.seats.map((seat) => seat.label)];
    try {
      const response = await fetch(this.url, {
        method,
        body: body && JSON.stringify(body),
        headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": token() },
        signal: AbortSignal.timeout(PATIENCE),
      });
      if (response.ok) await this.#granted(response, before, method);
      else await this.#refused(await response.json(), body?.seats ?? []);
    } catch {
      this.wish = new Set(before);
      this.#again = false;
      this.#tell(method === "GET" ? "missed" : "failed");
    }
  }

  async #granted(response, before, method) {
    const answer = response.status === 200 ? await response.json() : { ...QUIET, v: this.lock.v + 1, pending: response.status === 202 };
    if (method === "GET" && ranOut(this.lock, answer)) this.#tell("over");
    this.lock = answer;
    const mine = answer.seats.map((seat) => seat.label);
    // A seat given back is shown as free although the frame that says so may still be on its way.
    for (const label of before) if (!mine.includes(label)) this.given.set(label, answer.v);
    for (const label of mine) this.given.delete(label);
    if (!this.#again) this.wish = new Set(mine);
    this.#tell("granted");
  }

  async #refused(problem, asked) {
    const lost = new Set(problem.seats ?? []);
    const mine = this.lock.seats.map((seat) => seat.label);
    if (problem.type === "seats-taken" && asked.some((label) => lost.has(label))) {
      // All or nothing was refused for these; what else was wished is asked for again, without them.
      for (const label of lost) this.wish.delete(label);
      this.#again = String([...this.wish].sort()) !== String([...mine].sort());
    } else {
      this.wish = new Set(mine.filter((label) => !lost.has(label)));
      this.#again = false;
    }
    this.#tell("refused", problem);
    if (["already-paid", "lock-expired", "sales-closed"].includes(problem.type)) await this.#ask("GET");
  }

  #tell(what, detail = this.lock) {
    this.dispatchEvent(new CustomEvent(`lock:${what}`, { detail }));
  }
}

/** Nothing is held any more, and by the server's own clock the time of what was held is over. */
function ranOut(before, now) {
  return before.seats.length > 0 && now.seats.length === 0 && Date.parse(now.now) >= Date.parse(before.expires_at);
}

function token() {
  return /(?:^|; )csrftoken=([^;]*)/.exec(document.cookie)?.[1] ?? "";
}
