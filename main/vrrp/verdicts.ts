/** Counts requests whose verdict is still to come, so that a shutdown can wait for the last one. */
export class Verdicts {
  #open = 0;
  #waiting: (() => void)[] = [];

  /** @returns to be called with the verdict; a second call does nothing */
  expect(): () => void {
    this.#open++;
    let settled = false;
    return () => {
      if (settled) return;
      settled = true;
      if (--this.#open === 0) this.#wake();
    };
  }

  /** Resolves when no verdict is open. */
  settled(): Promise<void> {
    return this.#open === 0 ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
