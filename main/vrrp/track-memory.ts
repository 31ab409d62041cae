/** What trackers know, kept over a crash of the daemon. `what`: names one thing that is known; a number says what. */
export interface TrackMemory {
  /** All that the daemon before this one knew. From then on only what is set is in the memory. */
  takeAll(): (what: string) => number | undefined;
  set(what: string, value: number): void;
  delete(what: string): void;
}

/**
 * Who begins anew after a crash would believe the first result of a script that has to pass `rise` times, or a link whose delay is
 * not over: an instance in FAULT would be BACKUP for that long, or even MASTER. So trackers ask here what was known, while a start lasts.
 */
export class TrackRecall {
  readonly #memory: TrackMemory | undefined;
  #known: ((what: string) => number | undefined) | undefined;

  constructor(memory: TrackMemory | undefined) {
    this.#memory = memory;
  }

  /** A start, until it is disposed of. Only what trackers ask for meanwhile, and set again, outlives the next crash too. */
  start(): Disposable {
    this.#known = this.#memory?.takeAll();
    return {
      [Symbol.dispose]: () => {
        this.#known = undefined;
      },
    };
  }

  /** Undefined: nothing, or this is no start. */
  known(what: string): number | undefined {
    return this.#known?.(what);
  }

  set(what: string, value: number): void {
    this.#memory?.set(what, value);
  }

  delete(what: string): void {
    this.#memory?.delete(what);
  }
}
