// My lock: requests, one at a time; clicks meanwhile change the requested seats, and the latest set is sent when the
// answer is in. A request names the tag of the lock that it changes: when another tab has changed it, the server refuses,
// and my change is asked for again on top of what is locked now. Every answer, also a refusal, ends with the page showing
// what the server said; without an answer it is asked what I hold.

import { csrfToken, requestLock } from "lock-request";
import { LockState } from "lock-state";
import { changeOf, isSame, labelsOf, mergeOnto } from "lock-change";
import { RequestQueue } from "request-queue";

const MOST_REPEATS = 5; // of one request, before the page shows what is locked and leaves it at that
const LOOK_AGAIN_AFTER = [500, 1_000, 2_000, 4_000, 8_000]; // ms, while the server does not answer
const SAYS_LOCK_IS_OVER = ["already-paid", "lock-expired", "sales-closed"];

export class LockClient extends LockState {
  #queue = new RequestQueue();

  /** `max`: seats in one booking. */
  constructor(url, max) {
    super();
    Object.assign(this, { url, max });
  }

  toggle(label) {
    const selection = new Set(this.requested);
    if (!selection.delete(label)) selection.add(label);
    return this.want(selection);
  }

  /** Ask for exactly these seats; resolves when the server has answered. */
  want(labels) {
    this.requested = new Set(labels);
    this.again = true;
    const answered = this.#queue.add(() => this.#sendRequested());
    this.emit("requested");
    return answered;
  }

  /** Ask what I hold. */
  refresh() {
    return this.#queue.add(() => this.#look());
  }

  /** Whether a request is without an answer. */
  get busy() {
    return this.#queue.busy;
  }

  settled() {
    return this.#queue.settled();
  }

  async #look({ tell = true } = {}) {
    const { status, body } = await requestLock(this.url);
    if (status === 200) this.take(body, this.base, { tell });
    else this.emit("missed");
    return status === 200;
  }

  async #sendRequested() {
    for (let repeats = 0; this.again; ) {
      const knows = (this.lock.tag !== null && csrfToken()) || (await this.#look());
      if (!knows) await this.#findOut([...this.requested]);
      else if (!csrfToken()) this.giveUp("cookieless");
      else if (repeats > MOST_REPEATS) this.giveUp("failed", { known: true });
      else repeats += await this.#send([...this.requested]);
    }
  }

  /** Returns 1 if the selection has to be sent again: it was made for another lock, or with an old token. */
  async #send(selection) {
    this.again = false;
    const { status, body } = await requestLock(this.url, { seats: selection, tag: this.lock.tag });
    if (status === 0) await this.#findOut(selection, body.detail);
    else if (status === 200) this.take(body, selection, { asked: true });
    else if (status === 412) this.#merge(body.lock);
    else if (status === 403) await this.#renewToken(selection);
    else await this.#refused(body, selection);
    return status === 412 || status === 403 ? 1 : 0;
  }

  /** The look sets the cookie anew; then the same change is asked for. */
  async #renewToken(selection) {
    this.again = true;
    if (!(await this.#look())) await this.#findOut(selection);
  }

  /** Another tab has changed the lock. A payment that it has begun is not ended by a request that did not know of it. */
  #merge(theirs) {
    const paying = theirs.status !== null && theirs.status !== "locked";
    const { noRoom } = mergeOnto(labelsOf(theirs), changeOf(this.requested, this.base), this.max);
    this.again = !paying;
    this.take(theirs, this.base);
    this.again &&= !isSame(this.requested, this.mine);
    if (paying || noRoom.length) this.emit("unmerged", { paying, noRoom });
  }

  /** Nobody knows whether `selection` was carried out: ask what I hold until there is an answer. */
  async #findOut(selection, detail = "") {
    this.again = false;
    this.base = [...this.requested];
    this.emit("doubt");
    for (const wait of LOOK_AGAIN_AFTER) {
      if (await this.#look({ tell: false })) {
        this.doubtful = new Set(changeOf(selection, this.mine).added);
        if (!isSame(selection, this.mine)) this.emit("failed", { detail, known: true });
        return;
      }
      await waitOrOnline(wait);
    }
    this.doubtful = new Set(selection);
    this.giveUp("failed", { detail, known: false });
  }

  async #refused(problem, asked) {
    const lost = new Set(problem.seats ?? []);
    const isRace = problem.type === "seats-taken" && asked.some((label) => lost.has(label));
    // A race: the whole request was refused because of these seats; it is sent again without them.
    const selection = (isRace ? [...this.requested] : this.mine).filter((label) => !lost.has(label));
    this.requested = new Set(selection);
    this.again = isRace && !isSame(selection, this.mine);
    this.emit("refused", { ...problem, asked });
    if (SAYS_LOCK_IS_OVER.includes(problem.type)) await this.#look();
  }
}

/** Resolves after `wait` ms, or as soon as the line is back. */
function waitOrOnline(wait) {
  return new Promise((resolve) => {
    setTimeout(resolve, wait);
    addEventListener("online", resolve, { once: true });
  });
}
