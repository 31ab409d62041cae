import type { ScriptsWaiting } from "../../workers/protocol.js";
import type { Clock } from "../clock.js";
import type { Log } from "../observe/log.js";
import { type Milliseconds, ms } from "../units.js";

/** A program that starts this late is worth a word. */
const WORTH_SAYING = ms(1000);
/** While it goes on. */
const AGAIN_AFTER = ms(60_000);
/** Nobody has waited for so long: it is over. */
const OVER_AFTER = ms(10_000);

/** Says when programs of MISC_CHECK start late because as many run as checker_max_processes allows, and when that is over. */
export class WaitingScripts {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #atMost: number;
  readonly #byShard = new Map<number, ScriptsWaiting>();
  #saidAt: Milliseconds | undefined;
  #lastAt = ms(0);

  /** @param atMost programs at once, in all threads together */
  constructor(log: Log, clock: Clock, atMost: number) {
    this.#log = log;
    this.#clock = clock;
    this.#atMost = atMost;
  }

  /** What a checker thread says now. */
  onWaiting(shard: number, waiting: ScriptsWaiting): void {
    if (waiting.checks > 0) this.#byShard.set(shard, waiting);
    else this.#byShard.delete(shard);
    if (this.#byShard.size === 0 && this.#saidAt === undefined) return; // as nearly always
    const now = this.#clock.now();
    const all = [...this.#byShard.values()];
    const checks = all.reduce((sum, each) => sum + each.checks, 0);
    const longest = Math.max(0, ...all.map((each) => each.longest));
    if (checks > 0) this.#lastAt = now;
    if (longest >= WORTH_SAYING) this.#say(checks, longest, now);
    else if (now - this.#lastAt >= OVER_AFTER) this.#sayOver();
  }

  #say(checks: number, longest: number, now: Milliseconds): void {
    if (this.#saidAt !== undefined && now - this.#saidAt < AGAIN_AFTER) return;
    this.#saidAt = now;
    const sentence = `${checks} MISC_CHECKs wait for others to end, the first for ${(longest / 1000).toFixed(1)} s: ${this.#atMost} programs run at once - raise checker_max_processes or delay_loop, or make the programs faster`;
    this.#log("warning", "checks.scripts-wait", sentence, { checks, longest });
  }

  #sayOver(): void {
    if (this.#saidAt === undefined) return;
    this.#saidAt = undefined;
    this.#log("notice", "checks.scripts-on-time", "MISC_CHECKs start on time again");
  }
}
