import type { Clock } from "../clock.js";
import type { StartupConfig } from "../config/model-global.js";
import type { Log } from "../observe/log.js";
import { type Milliseconds, ms } from "../units.js";

/** What outlives a crash of the daemon. */
export interface StartupMemory {
  /** Of a delay that was not over when the daemon before this one died: when it began. */
  began(): Milliseconds | undefined;
  remember(began: Milliseconds | undefined): void;
}

/**
 * vrrp_startup_delay and vrrp_delay_after_boot: until the later of the two, adverts are not believed, nobody is MASTER, and
 * Master_Down_Interval has not begun to run. A bond that has just come up may pass traffic one way only for some seconds.
 */
export class StartupDelay implements Disposable {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #memory: StartupMemory | undefined;
  #startedAt: Milliseconds = ms(0);
  #until: Milliseconds | undefined;
  #timer: Disposable | undefined;

  constructor(clock: Clock, log: Log, memory?: StartupMemory) {
    this.#clock = clock;
    this.#log = log;
    this.#memory = memory;
  }

  /** When instances begin; undefined: they have begun. */
  get until(): Milliseconds | undefined {
    return this.#until;
  }

  begin(startup: StartupConfig): void {
    this.#beginAt(startup, this.#clock.now());
  }

  /** After a crash: what is left of a delay. Without one nothing is delayed: the host has been up, and a MASTER has little time to be back. */
  goOn(startup: StartupConfig): void {
    const began = this.#memory?.began();
    if (began !== undefined) this.#beginAt(startup, began);
  }

  #beginAt(startup: StartupConfig, began: Milliseconds): void {
    this.#startedAt = began;
    const until = this.#endOf(startup);
    const left = until - this.#clock.now();
    this.#memory?.remember(left > 0 ? began : undefined);
    if (left <= 0) return;
    const seconds = left / 1000;
    this.#log("info", "vrrp.delayed", `Delaying startup for ${Number(seconds.toFixed(3))} seconds`, { seconds });
    this.#arm(until);
  }

  /** Reload: what is left of it is another length. One that is over stays over. @returns by how much the end moved, ms */
  change(startup: StartupConfig): number {
    if (this.#until === undefined) return 0;
    const before = this.#until;
    const until = ms(Math.max(this.#endOf(startup), this.#clock.now()));
    if (until === before) return 0;
    this.#arm(until);
    return until - before;
  }

  /** The clock is that of the boot. */
  #endOf({ delay, delayAfterBoot }: StartupConfig): Milliseconds {
    return ms(Math.max(this.#startedAt + delay, delayAfterBoot));
  }

  #arm(until: Milliseconds): void {
    this.#until = until;
    this.#timer?.[Symbol.dispose]();
    this.#timer = this.#clock.after(ms(until - this.#clock.now()), () => {
      this.#until = undefined;
      this.#memory?.remember(undefined);
      this.#log("info", "vrrp.delay-over", "Delayed start completed");
    });
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
  }
}
