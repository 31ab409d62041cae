import type { Report } from "./conformance.js";
import { masterDownOf, type Role } from "./reference.js";

/** What one router is for the election of one virtual router, seen by somebody who sees everything. */
export interface Candidate {
  readonly router: number;
  readonly role: Role;
  /** Nothing of its host keeps it from taking part. */
  readonly able: boolean;
  readonly priority: number;
  readonly preempts: boolean;
  /** Two owners: see Reference.unsure. */
  readonly unsure: boolean;
}

export interface NetworkBounds {
  readonly version: 2 | 3;
  /** The longest of all. */
  readonly interval: number;
  readonly latency: number;
  /** Largest drift of a clock, in millionths. */
  readonly drift: number;
}

/** For rounding, netlink and the millisecond in which sockets are read first. */
const SLACK_MS = 5;

/**
 * What holds for one virtual router on a network that is whole. After the last trouble two masters may stand for one
 * interval (the stronger one's next advert ends it), and none for the longest Master_Down_Interval (RFC 5798 §6.1, §6.4).
 */
export class WholeNetwork {
  readonly #report: Report;
  readonly #tooMany: number;
  readonly #tooFew: number;
  readonly #masters = new Set<number>();
  #eligible = false;
  /** Since when there is this number of masters. */
  #since = 0;
  /** Since when the network is whole; undefined: it is not. */
  #calmSince: number | undefined = 0;

  constructor(bounds: NetworkBounds, report: Report) {
    const { interval, latency, version } = bounds;
    const slow = 1 + (2 * bounds.drift) / 1e6;
    this.#report = report;
    this.#tooMany = (interval + 2 * latency) * slow + SLACK_MS;
    this.#tooFew = masterDownOf(version, 0, interval) * slow + latency + SLACK_MS;
  }

  get masters(): ReadonlySet<number> {
    return this.#masters;
  }

  /** Since when it has had no trouble and one and the same master; undefined when that is not so. */
  get settledSince(): number | undefined {
    if (this.#calmSince === undefined || this.#masters.size !== 1) return undefined;
    return Math.max(this.#calmSince, this.#since);
  }

  setMaster(router: number, master: boolean, now: number): void {
    if (this.#masters.has(router) === master) return;
    this.#judge(now);
    const before = this.#masters.size;
    if (master) this.#masters.add(router);
    else this.#masters.delete(router);
    // From two masters to three is no new beginning.
    if (before < 2 || this.#masters.size < 2) this.#since = now;
  }

  /** Whether there is anybody who could be master. */
  setEligible(eligible: boolean, now: number): void {
    if (eligible === this.#eligible) return;
    this.#judge(now);
    this.#eligible = eligible;
    this.#since = now;
  }

  /** A trouble begins or ends; `calm` is when the last packet that it touched has arrived, undefined while it lasts. */
  disturb(now: number, calm: number | undefined): void {
    this.#judge(now);
    this.#calmSince = calm;
  }

  /** At the end, after time enough. */
  judgeEnd(now: number, candidates: readonly Candidate[]): void {
    this.#judge(now);
    const [master] = candidates.filter((c) => c.role === "MASTER");
    if (master === undefined) return;
    const better = candidates.find((c) => c.role === "BACKUP" && c.preempts && c.priority > master.priority);
    if (better === undefined || better.unsure || master.unsure) return;
    const sentence = `r${master.router} with priority ${master.priority}, though r${better.router} has ${better.priority}`;
    this.#report("wrong master", sentence);
  }

  #judge(now: number): void {
    if (this.#calmSince === undefined) return;
    const lasted = now - Math.max(this.#since, this.#calmSince);
    if (this.#masters.size > 1 && lasted > this.#tooMany) {
      const names = [...this.#masters].map((router) => `r${router}`).join(" and ");
      this.#report("two masters", `${names} for ${lasted.toFixed(3)} ms, ${this.#tooMany.toFixed(3)} are allowed`);
    }
    if (this.#masters.size === 0 && this.#eligible && lasted > this.#tooFew)
      this.#report("no master", `for ${lasted.toFixed(3)} ms, ${this.#tooFew.toFixed(3)} are allowed`);
  }
}
