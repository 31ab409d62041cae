import type { Clock } from "../main/clock.js";
import type { CheckConfig } from "../main/config/model.js";
import type { CheckId, Milliseconds } from "../main/units.js";
import type { OnResults, ProbeEngine, ProbeKind, Quiet } from "../native-bindings/probe.js";
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
import { Shortages } from "./shortages.js";

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

/** A check. There are tens of thousands: what the engine knows is not kept here a second time, and what is equal is one object. */
interface Running {
  readonly id: CheckId;
  /** Of its identity, 32 bits with a sign: V8 stores larger numbers in an object each. */
  readonly hash: number;
  readonly terms: Terms;
  state: PolicyState;
  /** Its slot in the engine; else it waits to be offered again. */
  place: number | Waiting;
  arming: number;
}

/** What is the same of most checks. */
interface Terms {
  readonly kind: ProbeKind;
  readonly rules: RetryRules;
  readonly tellFailures: boolean;
}

interface Waiting {
  readonly check: CheckConfig;
  groups: readonly number[];
  retry: Disposable;
}

/** More different ones than this are not shared. */
const mostTerms = 1000;
const mostArmings = 0x7fff_ffff;

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
  readonly #terms = new Map<string, Terms>();
  readonly #shortages: Shortages;
  /** One count for all: a slot is used again, an arming never. */
  #armings = 0;

  constructor(deps: RunnerDeps) {
    this.#deps = deps;
    this.#shortages = new Shortages(deps.clock, deps.onFailedAttempt);
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
      const hash = identityHash(identity) | 0;
      const place = { check, groups, retry: nothing };
      const running: Running = { id, hash, terms: this.#termsOf(check), state: initialState(known), place, arming: 0 };
      this.#checks.set(id, running);
      this.#place(running, place, startDelay(identity, known, check.timing, now));
    }
  }

  retract(ids: readonly CheckId[]): void {
    for (const id of ids) {
      const running = this.#checks.get(id);
      if (running === undefined) continue;
      this.#checks.delete(id);
      const { place } = running;
      if (typeof place !== "number") {
        place.retry[Symbol.dispose]();
        continue;
      }
      this.#bySlot[place] = undefined;
      this.#engine.remove(place);
    }
  }

  regroup(checks: readonly Regrouping[]): void {
    for (const { id, groups } of checks) {
      const place = this.#checks.get(id)?.place;
      if (typeof place === "number") this.#engine.setGroups(place, groups);
      else if (place !== undefined) place.groups = groups;
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

  #termsOf(check: CheckConfig): Terms {
    const terms = { kind: probeKindOf(check), rules: rulesOf(check), tellFailures: check.timing.logAllFailures };
    const key = `${terms.kind} ${terms.tellFailures} ${Object.values(terms.rules).join(" ")}`;
    const known = this.#terms.get(key);
    if (known !== undefined) return known;
    if (this.#terms.size < mostTerms) this.#terms.set(key, terms);
    return terms;
  }

  #place(running: Running, waiting: Waiting, delay: Milliseconds): void {
    try {
      const slot = this.#engine.add(probeSpec(waiting.check, running.terms.rules, waiting.groups));
      running.place = slot;
      this.#bySlot[slot] = running;
    } catch (error) {
      this.#unplaced(running, waiting, error instanceof Error ? error.message : String(error));
      return;
    }
    this.#arm(running, delay);
  }

  /** Its server keeps the state that it has: nothing is known of it. */
  #unplaced(running: Running, waiting: Waiting, why: string): void {
    const { id, terms } = running;
    const again = Math.max(leastRetryMs, terms.rules.delayLoop) as Milliseconds;
    waiting.retry = this.#deps.clock.after(again, () => this.#place(running, waiting, 0 as Milliseconds));
    this.#shortages.add({ id, outcome: "no-resources", detail: printable(why) });
  }

  #arm(running: Running, delay: Milliseconds): void {
    const { place, terms, state } = running;
    if (typeof place !== "number") return;
    this.#armings = (this.#armings + 1) & mostArmings;
    running.arming = this.#armings;
    const quiet = this.#deps.probe.quietness.indexOf(quietIn(state, terms.tellFailures));
    this.#engine.arm(place, running.arming, delay, state.url, quiet);
  }

  #onResults(results: Uint32Array<ArrayBuffer>, count: number): void {
    const { resultWords } = this.#deps.probe;
    for (let i = 0; i < count; i++) {
      const result = readResult(results, i * resultWords, this.#deps.probe);
      const running = this.#bySlot[result.slot];
      if (running?.arming === result.arming) this.#ended(running, result);
    }
  }

  #ended(running: Running, result: ProbeResult): void {
    const { id, hash } = running;
    const { kind, rules, tellFailures } = running.terms;
    const { outcome, latency, status } = result;
    const { state, edge, nextDelay } = step(rules, caughtUp(running.state, result.url), verdictOf(outcome));
    running.state = state;
    if (edge !== undefined) this.#deps.onEdge({ id, up: edge.up, outcome, retries: edge.retries, latency, status });
    // What says nothing of the server is always told: nothing else shows that a check has gone blind.
    else if (outcome === "no-resources")
      this.#shortages.add({ id, outcome, detail: failureText(kind, result, this.#deps.probe) });
    else if (tellFailures && outcome !== "up")
      this.#deps.onFailedAttempt({ id, outcome, detail: failureText(kind, result, this.#deps.probe) });
    this.#arm(running, jittered(nextDelay, rules.jitter, hash, this.#armings));
  }

  [Symbol.dispose](): void {
    this.retract([...this.#checks.keys()]);
    this.#shortages[Symbol.dispose]();
    this.#engine.close();
  }
}

const nothing: Disposable = { [Symbol.dispose]: () => {} };
