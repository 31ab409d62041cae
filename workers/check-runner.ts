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
import { failureText, type ProbeVocabulary, printable, readResult } from "./probe-result.js";
import { probeKindOf, probeSpec } from "./probe-spec.js";
import type {
  AskedGroup,
  CheckEdge,
  CheckSpec,
  FailedAttempt,
  Outcome,
  Regrouping,
  ScriptLimits,
  ScriptsWaiting,
} from "./protocol.js";
import { type ScriptHost, ScriptProber, type ScriptResult } from "./script-prober.js";
import { scriptText } from "./script-text.js";
import { Shortages } from "./shortages.js";

/** The engine and its words; native-bindings/probe.ts in production. */
export interface ProbeModule extends ProbeVocabulary {
  readonly quietness: readonly Quiet[];
}

export interface RunnerDeps {
  readonly clock: Clock;
  readonly probe: ProbeModule;
  readonly openEngine: (onResults: OnResults) => ProbeEngine;
  readonly scripts: ScriptLimits & { readonly host: ScriptHost };
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
  /** Its slot in the engine, of a program its id; else it waits to be offered again. */
  place: number | Waiting;
  arming: number;
}

/** What is the same of most checks. */
interface Terms {
  /** `script`: the prober of programs makes its attempts, and not the engine. */
  readonly kind: ProbeKind | "script";
  readonly rules: RetryRules;
  readonly tellFailures: boolean;
  /** The status of what passes says something too (misc_dynamic). */
  readonly tellStatus: boolean;
}

/** One attempt that is over, whoever made it. */
interface Ended {
  readonly outcome: Outcome;
  readonly status: number;
  readonly latency: Milliseconds;
  /** Index of the URL that was asked for. */
  readonly url: number;
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
  readonly #scripts: ScriptProber;
  readonly #checks = new Map<CheckId, Running>();
  readonly #bySlot: (Running | undefined)[] = [];
  /** Of those that tell it: as it was told last. */
  readonly #statuses = new Map<CheckId, number>();
  readonly #terms = new Map<string, Terms>();
  readonly #shortages: Shortages;
  /** One count for all: a slot is used again, an arming never. */
  #armings = 0;

  constructor(deps: RunnerDeps) {
    this.#deps = deps;
    this.#shortages = new Shortages(deps.clock, deps.onFailedAttempt);
    this.#engine = deps.openEngine((results, count) => this.#onResults(results, count));
    const onResult = (result: ScriptResult): void => this.#onScript(result);
    this.#scripts = new ScriptProber({ ...deps.scripts, clock: deps.clock, onResult });
  }

  get running(): number {
    return this.#checks.size;
  }

  /** Attempts that ended with a result, since the start. */
  get completed(): number {
    return this.#engine.counters().completed + this.#scripts.completed;
  }

  /** See ScriptProber. */
  get waiting(): ScriptsWaiting {
    return this.#scripts.waiting;
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
      this.#statuses.delete(id);
      const { place } = running;
      if (typeof place !== "number") {
        place.retry[Symbol.dispose]();
        continue;
      }
      if (running.terms.kind === "script") this.#scripts.remove(id);
      else {
        this.#bySlot[place] = undefined;
        this.#engine.remove(place);
      }
    }
  }

  regroup(checks: readonly Regrouping[]): void {
    for (const { id, groups } of checks) {
      const running = this.#checks.get(id);
      if (running === undefined) continue;
      const { place, terms } = running;
      if (typeof place !== "number") place.groups = groups;
      else if (terms.kind === "script") this.#scripts.setGroups(id, groups);
      else this.#engine.setGroups(place, groups);
    }
  }

  /** See the `latency` message in protocol.ts. Counts are those since the shard started. */
  latency(group: AskedGroup): { counts: Uint32Array<ArrayBuffer>; last: Uint32Array<ArrayBuffer> } {
    const all = this.#engine.latency(group !== undefined);
    const last = this.#engine.last();
    let kept = 0;
    for (let i = 0; i + 1 < last.length; i += 2) {
      const running = this.#bySlot[last[i] ?? 0];
      if (running === undefined) continue;
      last[kept++] = running.id;
      last[kept++] = last[i + 1] ?? 0;
    }
    const counts = typeof group === "number" ? selectLatencies(all, group) : all;
    if (this.#scripts.completed === 0) return { counts, last: last.slice(0, kept) };
    return {
      counts: Uint32Array.from([...counts, ...this.#scripts.latency(group)]),
      last: Uint32Array.from([...last.subarray(0, kept), ...this.#scripts.last()]),
    };
  }

  /** Milliseconds until the next attempt, 0 while one is under way or waits for its turn; of those that are here, and can be made. */
  untilNext(ids: readonly CheckId[]): Map<CheckId, number> {
    const until = new Map<CheckId, number>();
    for (const id of ids) {
      const running = this.#checks.get(id);
      if (running === undefined || typeof running.place !== "number") continue;
      const isScript = running.terms.kind === "script";
      until.set(id, isScript ? this.#scripts.untilDue(id) : this.#engine.untilDue(running.place));
    }
    return until;
  }

  #termsOf(check: CheckConfig): Terms {
    const isScript = check.type === "MISC_CHECK";
    const terms: Terms = {
      kind: isScript ? "script" : probeKindOf(check),
      rules: rulesOf(check),
      tellFailures: check.timing.logAllFailures,
      tellStatus: isScript && check.dynamic,
    };
    const key = `${terms.kind} ${terms.tellFailures} ${terms.tellStatus} ${Object.values(terms.rules).join(" ")}`;
    const known = this.#terms.get(key);
    if (known !== undefined) return known;
    if (this.#terms.size < mostTerms) this.#terms.set(key, terms);
    return terms;
  }

  #place(running: Running, waiting: Waiting, delay: Milliseconds): void {
    const { check, groups } = waiting;
    try {
      if (check.type === "MISC_CHECK") {
        this.#scripts.add(running.id, check, groups);
        running.place = running.id;
      } else {
        const slot = this.#engine.add(probeSpec(check, running.terms.rules, groups));
        running.place = slot;
        this.#bySlot[slot] = running;
      }
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
    if (terms.kind === "script") {
      this.#scripts.arm(running.id, running.arming, delay);
      return;
    }
    const quiet = this.#deps.probe.quietness.indexOf(quietIn(state));
    this.#engine.arm(place, running.arming, delay, state.url, quiet);
  }

  #onResults(results: Uint32Array<ArrayBuffer>, count: number): void {
    const { resultWords } = this.#deps.probe;
    for (let i = 0; i < count; i++) {
      const result = readResult(results, i * resultWords, this.#deps.probe);
      const running = this.#bySlot[result.slot];
      if (running?.arming !== result.arming || running.terms.kind === "script") continue;
      const { kind } = running.terms;
      this.#ended(running, result, () => failureText(kind, result, this.#deps.probe));
    }
  }

  #onScript(result: ScriptResult): void {
    const running = this.#checks.get(result.id);
    if (running?.arming !== result.arming) return;
    this.#ended(running, { ...result, url: 0 }, () => scriptText(result, running.state, running.terms.rules.retry));
  }

  #ended(running: Running, result: Ended, text: () => string): void {
    const { id, hash } = running;
    const { rules, tellFailures, tellStatus } = running.terms;
    const { outcome, latency, status } = result;
    const { state, edge, nextDelay } = step(rules, caughtUp(running.state, result.url), verdictOf(outcome));
    running.state = state;
    const isNews = tellStatus && this.#isNewStatus(running, result);
    if (edge !== undefined || isNews)
      this.#deps.onEdge({ id, up: edge?.up ?? true, outcome, retries: edge?.retries ?? 0, latency, status });
    // What says nothing of the server is always told: nothing else shows that a check has gone blind.
    else if (outcome === "no-resources") this.#shortages.add({ id, outcome, detail: text() });
    // keepalived is silent about what goes on failing.
    else if (tellFailures && outcome !== "up" && state.at === "up")
      this.#deps.onFailedAttempt({ id, outcome, detail: text() });
    this.#arm(running, jittered(nextDelay, rules.jitter, hash, this.#armings));
  }

  /** It goes on being up, with another status than it was told with. */
  #isNewStatus({ id, state }: Running, { outcome, status }: Ended): boolean {
    if (outcome !== "up" || state.at !== "up" || this.#statuses.get(id) === status) return false;
    this.#statuses.set(id, status);
    return true;
  }

  [Symbol.dispose](): void {
    this.retract([...this.#checks.keys()]);
    this.#scripts[Symbol.dispose]();
    this.#shortages[Symbol.dispose]();
    this.#engine.close();
  }
}

const nothing: Disposable = { [Symbol.dispose]: () => {} };
