// My lock, as the server grants it. One request at a time; clicks meanwhile change the requested seats, and the latest
// set is sent when the answer is in. Every answer, also a refusal, ends with the page showing what the server said.

const NO_LOCK = { seats: [], total: 0, v: 0, reference: null, expires_at: null };
const REQUEST_TIMEOUT = 12_000; // ms

export class LockClient extends EventTarget {
  #busy = null;
  #again = false;

  constructor(url) {
    super();
    Object.assign(this, { url, lock: NO_LOCK, requested: new Set(), released: new Map() });
  }

  /** Start with the labels that the page shows as mine. */
  start(labels) {
    this.requested = new Set(labels);
  }

  toggle(label) {
    if (this.requested.has(label)) this.requested.delete(label);
    else this.requested.add(label);
    this.#again = true;
    this.#emit("requested");
    this.#sendRequested();
  }

  /** The versions at which seats were released are not those of this epoch. */
  forgetReleased() {
    this.released.clear();
  }

  /** Whether a request is without an answer. */
  get busy() {
    return this.#busy !== null;
  }

  /** Resolves when no request is without an answer. */
  async settled() {
    while (this.#busy) await this.#busy;
  }

  refresh() {
    return this.#enqueue(() => this.#ask("GET"));
  }

  release() {
    return this.#enqueue(() => {
      this.requested.clear();
      this.#again = false;
      this.#emit("requested");
      return this.#ask("DELETE");
    });
  }

  #sendRequested() {
    this.#enqueue(async () => {
      while (this.#again) {
        this.#again = false;
        await this.#ask("PUT", { seats: [...this.requested] });
      }
    });
  }

  /** Run `task` when all before it have been answered: an older answer never overwrites a newer one. */
  #enqueue(task) {
    const last = Promise.resolve(this.#busy).then(task).finally(() => {
      if (this.#busy === last) this.#busy = null;
    });
    this.#busy = last;
    return last;
  }

  async #ask(method, body) {
    const before = [...this.lock.seats.map((seat) => seat.label)];
    try {
      const response = await fetch(this.url, {
        method,
        body: body && JSON.stringify(body),
        headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": token() },
        signal: AbortSignal.timeout(REQUEST_TIMEOUT),
      });
      if (response.ok) await this.#granted(response, before, method);
      else await this.#refused(await response.json(), body?.seats ?? []);
    } catch {
      this.requested = new Set(before);
      this.#again = false;
      this.#emit(method === "GET" ? "missed" : "failed");
    }
  }

  async #granted(response, before, method) {
    const pending = response.status === 202;
    const answer = response.status === 200 ? await response.json() : { ...NO_LOCK, v: this.lock.v + 1, pending };
    if (method === "GET" && isExpired(this.lock, answer)) this.#emit("expired");
    this.lock = answer;
    const mine = answer.seats.map((seat) => seat.label);
    // A released seat is shown as available although the frame that says so may not have arrived.
    for (const label of before) if (!mine.includes(label)) this.released.set(label, answer.v);
    for (const label of mine) this.released.delete(label);
    if (!this.#again) this.requested = new Set(mine);
    this.#emit("granted");
  }

  async #refused(problem, asked) {
    const lost = new Set(problem.seats ?? []);
    const mine = this.lock.seats.map((seat) => seat.label);
    if (problem.type === "seats-taken" && asked.some((label) => lost.has(label))) {
      // The whole request was refused because of these seats; send it again without them.
      for (const label of lost) this.requested.delete(label);
      this.#again = String([...this.requested].sort()) !== String([...mine].sort());
    } else {
      this.requested = new Set(mine.filter((label) => !lost.has(label)));
      this.#again = false;
    }
    this.#emit("refused", problem);
    if (["already-paid", "lock-expired", "sales-closed"].includes(problem.type)) await this.#ask("GET");
  }

  #emit(what, detail = this.lock) {
    this.dispatchEvent(new CustomEvent(`lock:${what}`, { detail }));
  }
}

/** There was a lock, there is none now, and by the server's clock its time is over. */
function isExpired(before, now) {
  return before.seats.length > 0 && now.seats.length === 0 && Date.parse(now.now) >= Date.parse(before.expires_at);
}

function token() {
  return /(?:^|; )csrftoken=([^;]*)/.exec(document.cookie)?.[1] ?? "";
}
