import type { Clock } from "../../../main/clock.js";
import type { Milliseconds } from "../../../main/units.js";
import type { HostClock } from "./host-clock.js";
import type { WorldClock } from "./world-clock.js";

/** What made the process run. */
export type Cause = "timer" | "packet" | "host" | "control";

interface Timer {
  readonly due: number;
  readonly run: () => void;
  live: boolean;
}

interface Waiting {
  readonly cause: Cause;
  readonly due: number;
  readonly run: () => void;
}

/** Less than any timer of VRRP, more than what rounding does to a time. */
const ROUNDING_MS = 1e-6;

/** One process: its timers, and what reaches it. Nothing of it runs while it is paused, and nothing ever after its end. */
export class EventLoop implements Clock {
  readonly #world: WorldClock;
  readonly #clock: HostClock;
  readonly #turn: (cause: Cause, run: () => void) => void;
  #waiting: Waiting[] | undefined;
  #ended: boolean = false;
  #armed = 0;
  #awakeSince = 0;

  constructor(world: WorldClock, clock: HostClock, turn: (cause: Cause, run: () => void) => void) {
    this.#world = world;
    this.#clock = clock;
    this.#turn = turn;
  }

  get paused(): boolean {
    return this.#waiting !== undefined;
  }

  /** End of the last pause, by the clock of the host: nothing can have been done before. */
  get awakeSince(): number {
    return this.#awakeSince;
  }

  /** Timers that will run. */
  get armed(): number {
    return this.#armed;
  }

  now(): Milliseconds {
    return this.#clock.now();
  }

  after(delay: Milliseconds, run: () => void): Disposable {
    const timer: Timer = { due: this.now() + Math.max(0, delay), run, live: true };
    this.#armed++;
    this.#wait(timer);
    return { [Symbol.dispose]: () => void this.#forget(timer) };
  }

  /** Something comes in from outside. */
  deliver(cause: Cause, run: () => void): void {
    if (this.#ended) return;
    if (this.#waiting === undefined) this.#turn(cause, run);
    else this.#waiting.push({ cause, due: 0, run });
  }

  pause(): void {
    this.#waiting ??= [];
  }

  /** epoll_wait(2) tells of sockets and of the timer's descriptor in any order: the schedule says in which. */
  goOn(first: "timers" | "packets"): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    this.#awakeSince = this.now();
    const timers = waiting.filter((w) => w.cause === "timer").sort((a, b) => a.due - b.due);
    const others = waiting.filter((w) => w.cause !== "timer");
    for (const { cause, run } of first === "timers" ? [...timers, ...others] : [...others, ...timers]) {
      if (!this.#ended) this.#turn(cause, run);
    }
  }

  end(): void {
    this.#ended = true;
    this.#waiting = undefined;
  }

  #wait(timer: Timer): void {
    this.#world.at(this.#clock.worldTime(timer.due), () => this.#fire(timer));
  }

  #fire(timer: Timer): void {
    if (this.#ended || !timer.live) return;
    const run = (): void => this.#run(timer);
    if (this.#waiting !== undefined) this.#waiting.push({ cause: "timer", due: timer.due, run });
    else if (this.now() < timer.due - ROUNDING_MS)
      this.#wait(timer); // the clock stood still meanwhile
    else this.#turn("timer", run);
  }

  #run(timer: Timer): void {
    if (!timer.live) return;
    if (this.now() < timer.due - ROUNDING_MS) {
      this.#wait(timer);
      return;
    }
    this.#clock.reach(timer.due);
    this.#forget(timer);
    timer.run();
  }

  #forget(timer: Timer): void {
    if (!timer.live) return;
    timer.live = false;
    this.#armed--;
  }
}
