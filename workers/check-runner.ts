import type { Clock } from "../main/clock.js";
import type { CheckConfig } from "../main/config/model.js";
import type { CheckId, Milliseconds } from "../main/units.js";
import type { OnResults, ProbeEngine, Quiet } from "../native-bindings/probe.js";
import { identityHash } from "./identity-hash.js";
import { selectLatencies } from "./latency-words.js";
import {
  caughtUp,
  initialState,
  jittered,
  type PolicyState,
  quietIn,
  type RetryRules,
  rulesOf,
  startDelay,
  step,
  verdictOf,
} from "./policy.js";
import { failureText, type ProbeResult, type ProbeVocabulary, printable, readResult } from "./probe-result.js";
import { probeKindOf, probeSpec } from "./probe-spec.js";
import type { CheckEdge, CheckSpec, FailedAttempt, Regrouping } from "./protocol.js";

/** The engine and its words; native-bindings/probe.ts in production. */
export interface ProbeModule extends ProbeVocabulary {
  readonly quietness: readonly Quiet[];
}

export interface RunnerDeps {
  readonly clock: Clock;
  readonly probe: ProbeModule;
  readonly openEngine: (onResults: OnResults) => ProbeEngine;
  readonly onEdge: (edge: CheckEdge) => void;
  readonly onFailedAttempt: (attempt: FailedAttempt) => void;
}

interface Running {
  readonly id: CheckId;
  readonly check: CheckConfig;
  readonly hash: number;
  readonly rules: RetryRules;
  state: PolicyState;
  groups: readonly number[];
  place:
    | { readonly at: "engine"; readonly slot: number; arming: number }
    | { readonly at: "waiting"; retry: Disposable };
}

/** A check that the engine cannot take (a certificate that is not there) is offered again after its delay_loop, at least this. */
const leastRetryMs = 1000;

/**
 * Runs a shard's checks: the engine probes, the policy says what a result means. What it would say nothing about the engine keeps
 * to itself (see `quietIn`): steady checks cost nothing here.
 */
export class CheckRunner implements Disposable {
  readonly #deps: RunnerDeps;
  readonly #engine: ProbeEngine;
  readonly #checks = new Map<CheckId, Running>();
  readonly #bySlot: (Running | undefined)[] = [];
  /** One count for all: a slot is used again, an arming never. */
  #armings = 0;

  constructor(deps: RunnerDeps) {
    this.#deps = deps;
    this.#engine = deps.openEngine((results, count) => this.#onResults(results, count));
  }

  get running(): number {
    return this.#checks.size;
  }

  /** Attempts that ended with a result, since the start. */
  get completed(): number {
    return this.#engine.counters().completed;
  }

  /** An id that is assigned already keeps its state: the same check was told twice. */
  assign(specs: readonly CheckSpec[]): void {
    const now = this.#deps.clock.now();
    for (const spec of specs) {
      if (this.#checks.has(spec.id)) continue;
      const { id, check, identity, known, groups } = spec;
      const hash = identityHash(identity);
      const place = { at: "waiting", retry: nothing } as const;
      const running: Running = { id, check, hash, rules: rulesOf(check), state: initialState(known), groups, place };
      this.#checks.set(id, running);
      this.#place(running, startDelay(identity, known, check.timing, now));
    }
  }

  retract(ids: readonly CheckId[]): void {
    for (const id of ids) {
      const running = this.#checks.get(id);
      if (running === undefined) continue;
      this.#checks.delete(id);
      if (running.place.at === "waiting") {
        running.place.retry[Symbol.dispose]();
        continue;
      }
      this.#bySlot[running.place.slot] = undefined;
      this.#engine.remove(running.place.slot);
    }
  }

  regroup(checks: readonly Regrouping[]): void {
    for (const { id, groups } of checks) {
      const running = this.#checks.get(id);
      if (running === undefined) continue;
      running.groups = groups;
      if (running.place.at === "engine") this.#engine.setGroups(running.place.slot, groups);
    }
  }

  /** See the `latency` message in protocol.ts. Counts are those since the shard started. */
  latency(group: number | undefined): { counts: Uint32Array<ArrayBuffer>; last: Uint32Array<ArrayBuffer> } {
    const all = this.#engine.latency(group !== undefined);
    const last = this.#engine.last();
    let kept = 0;
    for (let i = 0; i + 1 < last.length; i += 2) {
      const running = this.#bySlot[last[i] ?? 0];
      if (running === undefined) continue;
      last[kept++] = running.id;
      last[kept++] = last[i + 1] ?? 0;
    }
    return { counts: group === undefined ? all : selectLatencies(all, group), last: last.slice(0, kept) };
  }

  #place(running: Running, delay: Milliseconds): void {
    try {
      const slot = this.#engine.add(probeSpec(running.check, running.rules, running.groups));
      running.place = { at: "engine", slot, arming: 0 };
      this.#bySlot[slot] = running;
    } catch (error) {
      this.#unplaced(running, error instanceof Error ? error.message : String(error));
      return;
    }
    this.#arm(running, delay);
  }

  /** Its server keeps the state that it has: nothing is known of it. */
  #unplaced(running: Running, why: string): void {
    const { id, rules } = running;
    const again = Math.max(leastRetryMs, rules.delayLoop) as Milliseconds;
    const retry = this.#deps.clock.after(again, () => this.#place(running, 0 as Milliseconds));
    running.place = { at: "waiting", retry };
    this.#deps.onFailedAttempt({ id, outcome: "no-resources", detail: printable(why) });
  }

  #arm(running: Running, delay: Milliseconds): void {
    const { place, check, state } = running;
    if (place.at !== "engine") return;
    this.#armings = (this.#armings + 1) >>> 0;
    place.arming = this.#armings;
    const quiet = this.#deps.probe.quietness.indexOf(quietIn(state, check.timing.logAllFailures));
    this.#engine.arm(place.slot, place.arming, delay, state.url, quiet);
  }

  #onResults(results: Uint32Array<ArrayBuffer>, count: number): void {
    const { resultWords } = this.#deps.probe;
    for (let i = 0; i < count; i++) {
      const result = readResult(results, i * resultWords, this.#deps.probe);
      const running = this.#bySlot[result.slot];
      if (running?.place.at === "engine" && running.place.arming === result.arming) this.#ended(running, result);
    }
  }

  #ended(running: Running, result: ProbeResult): void {
    const { id, rules, hash } = running;
    const { outcome, latency, status } = result;
    const { state, edge, nextDelay } = step(rules, caughtUp(running.state, result.url), verdictOf(outcome));
    running.state = state;
    if (edge !== undefined) this.#deps.onEdge({ id, up: edge.up, outcome, retries: edge.retries, latency, status });
    else if (worthALine(running.check, outcome)) {
      const detail = failureText(probeKindOf(running.check), result, this.#deps.probe);
      this.#deps.onFailedAttempt({ id, outcome, detail });
    }
    this.#arm(running, jittered(nextDelay, rules.jitter, hash, this.#armings));
  }

  [Symbol.dispose](): void {
    this.retract([...this.#checks.keys()]);
    this.#engine.close();
  }
}

const nothing: Disposable = { [Symbol.dispose]: () => {} };

/** An attempt that says nothing of the server is always told: nothing else shows that a check has gone blind. */
function worthALine(check: CheckConfig, outcome: CheckEdge["outcome"]): boolean {
  return outcome === "no-resources" || (outcome !== "up" && check.timing.logAllFailures);
}
