// Tasks that run one after the other: an older answer never overwrites a newer one.

export class RequestQueue {
  #last = null;

  /** Run `task` when all before it have ended. */
  add(task) {
    const last = Promise.resolve(this.#last).then(task).finally(() => {
      if (this.#last === last) this.#last = null;
    });
    this.#last = last;
    return last;
  }

  get busy() {
    return this.#last !== null;
  }

  /** Resolves when no task is left. */
  async settled() {
    while (this.#last) await this.#last;
  }
}
