import type { CheckId, Milliseconds } from "../units.js";

/** What an edge is about: a check, the host that it checks, and the virtual servers (by their numbers) that have it. */
export interface CheckedTarget {
  readonly id: CheckId;
  readonly host: string;
  readonly groups: readonly number[];
}

interface Failing {
  readonly checks: Set<CheckId>;
  readonly since: Milliseconds;
  /** Of those that have failed and of those that have passed again: only added to, or every check of a host would copy them all. */
  readonly groups: Set<number>;
}

/** Fewer hosts than this are no crowd: two servers may well fail together. */
const leastHosts = 4;

/** Which hosts fail, since when: whether most of those that were well have failed within one interval. */
export class TargetCensus {
  readonly #failing = new Map<string, Failing>();
  readonly #hostOf = new Map<CheckId, string>();
  /** That are checked. */
  hosts = 0;

  edge({ id, host, groups }: CheckedTarget, up: boolean, now: Milliseconds): void {
    if (up) {
      this.forget(id);
      return;
    }
    const failing = this.#failing.get(host);
    if (failing === undefined) this.#failing.set(host, { checks: new Set([id]), since: now, groups: new Set(groups) });
    else {
      failing.checks.add(id);
      for (const group of groups) failing.groups.add(group);
    }
    this.#hostOf.set(id, host);
  }

  /** Nobody tells it of edges any more: who passes again meanwhile would fail for ever. */
  clear(): void {
    this.#failing.clear();
    this.#hostOf.clear();
  }

  /** It passes, or nobody checks it any more. */
  forget(id: CheckId): void {
    const host = this.#hostOf.get(id);
    if (host === undefined) return;
    this.#hostOf.delete(id);
    const failing = this.#failing.get(host);
    failing?.checks.delete(id);
    if (failing?.checks.size === 0) this.#failing.delete(host);
  }

  /**
   * How many have failed since `from`, of how many that were well then; undefined when these are not more than `percent` of them, or
   * when one virtual server has them all: what they have in common may be theirs.
   */
  crowd(from: Milliseconds, percent: number): { readonly failed: number; readonly of: number } | undefined {
    const recent = [...this.#failing.values()].filter(({ since }) => since >= from);
    const of = this.hosts - (this.#failing.size - recent.length);
    if (recent.length < leastHosts || recent.length * 100 <= of * percent) return undefined;
    return haveOneInCommon(recent) ? undefined : { failed: recent.length, of };
  }
}

/** Asked at every edge of a storm, so it ends as soon as there is nothing left that all may share. */
function haveOneInCommon(hosts: readonly Failing[]): boolean {
  let common = [...(hosts[0]?.groups ?? [])];
  for (const { groups } of hosts) {
    common = common.filter((group) => groups.has(group));
    if (common.length === 0) return false;
  }
  return true;
}
