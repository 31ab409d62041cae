import type { Clock } from "../clock.js";
import type { GlobalConfig } from "../config/model.js";
import { type Plan, planInSteps, type View } from "./diff.js";
import { RepairLimiter } from "./repair-limiter.js";
import type { Reporter } from "./reporter.js";
import type { Slot } from "./slot.js";

export type ReconcilePolicy = GlobalConfig["lvsReconcile"];

export interface PlannerOptions {
  readonly clock: Clock;
  readonly reporter: Reporter;
  readonly policy: () => ReconcilePolicy;
  /** The time for which an entry of `slot` was to be left alone is over. */
  readonly onRelease: (slot: Slot) => void;
}

/** The comparison of diff.ts with what it needs to know of the past: the policy, a recent reload, contested entries. */
export class Planner implements Disposable {
  readonly #options: PlannerOptions;
  readonly #limiter = new RepairLimiter();
  readonly #timers = new Set<Disposable>();

  constructor(options: PlannerOptions) {
    this.#options = options;
  }

  /** In steps. When the wish changes between two of them, it begins anew. @returns undefined: what is there has to be read first */
  *plan(slot: Slot): Generator<void, Plan | undefined> {
    while (!isUnread(slot)) {
      const { desired } = slot;
      const isOutdated = (): boolean => slot.desired !== desired || isUnread(slot);
      const plan = yield* planInSteps(this.#view(slot));
      if (isOutdated()) continue;
      const final = this.#holdContested(slot, plan) ? yield* planInSteps(this.#view(slot)) : plan;
      if (isOutdated()) continue;
      if (slot.resetDrift === "once") slot.resetDrift = "no";
      return final;
    }
    return undefined;
  }

  /** A reload: everything may be put right again, at once. What `slot.held` names is the caller's to clear. */
  forgive(): void {
    this.#limiter.forgive();
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) timer[Symbol.dispose]();
    this.#timers.clear();
  }

  #view({ desired, present, owned, held, resetDrift }: Slot): View {
    const reset = this.#options.policy() === "full" || resetDrift !== "no";
    return { desired, actual: present, owned, held, drift: reset ? "reset" : "keep" };
  }

  /** @returns true when some entries must not be repaired now. A repair that the kernel refuses is nobody's contest. */
  #holdContested(slot: Slot, { repairs }: Plan): boolean {
    if (slot.failing.size > 0 || slot.resetDrift !== "no") return false;
    const before = slot.held.size;
    for (const { key } of repairs) {
      const allowance = this.#limiter.allow(`${slot.key} ${key}`, this.#options.clock.now());
      if (allowance.kind === "repair") continue;
      slot.held.add(key);
      this.#options.reporter.contested(slot, key, allowance.for);
      const timer = this.#options.clock.after(allowance.for, () => {
        this.#timers.delete(timer);
        slot.held.delete(key);
        this.#options.onRelease(slot);
      });
      this.#timers.add(timer);
    }
    return slot.held.size > before;
  }
}

/** Of such a slot a comparison would say that nothing of ours is there any more. */
const isUnread = ({ actual }: Slot): boolean => actual.kind === "unread";
