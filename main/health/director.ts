import type { CheckEdge, CheckSpec, FailedAttempt } from "../../workers/protocol.js";
import type { CheckConfig, Config, VirtualServerConfig } from "../config/model.js";
import type { Log } from "../observe/log.js";
import type { CheckId } from "../units.js";
import { unreachable } from "../unreachable.js";
import type { CheckUser, RegisteredCheck } from "./check-registry.js";
import { attemptSentence, edgeSentences, mailBody, reasonSentence } from "./check-sentences.js";
import { shutdownEffects } from "./departure.js";
import type { HealthEffect, ServerEvent } from "./effects.js";
import { buildGeneration, type Generation } from "./generation.js";
import { realServerName } from "./names.js";
import { isUp } from "./real-server.js";
import { type Latencies, snapshotOf, type VirtualServerSnapshot } from "./snapshot.js";
import { applyReport, type PoolEntry, poolOf } from "./virtual-server.js";
import { WorkQueue } from "./work-queue.js";

export interface DirectorDeps {
  readonly log: Log;
  /** Lasting name of what a check checks (main/config/identity.ts). */
  readonly identityOf: (check: CheckConfig) => string;
  /** Health from before a restart (the launcher's state memfd). */
  readonly known: (identity: string) => "up" | "down" | undefined;
  readonly remember: (identity: string, up: boolean) => void;
  /** Nobody checks this any more. */
  readonly forget: (identity: string) => void;
  /**
   * `pool(virtualServer)` is to be read again. Not called while a configuration is taken in. `config` is the one in force here:
   * edges that came before a reload are still handled under the old one.
   */
  readonly onPoolChange: (virtualServer: number, config: VirtualServerConfig) => void;
  readonly onServerEvent: (event: ServerEvent) => void;
}

/**
 * Turns edges of checks into the state of servers and services. Wiring: `await start(config)`, then a CheckPool that gets
 * `checks()` and whose edges and attempts come back here; on reload `await reload(config)`, then `pool.update(checks())`, and
 * every `pool(i)` is to be read anew. Indices are those of `config.virtualServers`.
 */
export class HealthDirector {
  readonly #deps: DirectorDeps;
  /** By identity; outlives generations. */
  readonly #known = new Map<string, "up" | "down">();
  readonly #lastEdge = new Map<CheckId, CheckEdge>();
  #generation: Generation | undefined;
  readonly #work = new WorkQueue();

  constructor(deps: DirectorDeps) {
    this.#deps = deps;
  }

  /** Takes the first configuration in force, in slices. Resolves when everything that it gives rise to has been told. */
  start(config: Config): Promise<void> {
    return this.#work.run(() => this.#take(config));
  }

  /** Changes to another configuration. State goes on by identity: a reload without change says and does nothing. */
  reload(config: Config): Promise<void> {
    return this.#work.run(() => this.#take(config));
  }

  /** Edges as they come from the pool; handled in order, in slices. */
  onEdges(edges: readonly CheckEdge[]): void {
    this.#work.add(() => this.#handleEdges(edges));
  }

  onAttempts(failures: readonly FailedAttempt[]): void {
    this.#work.add(() => this.#handleAttempts(failures));
  }

  /** Every check that is wanted, each once. */
  *checks(): Generator<CheckSpec> {
    for (const { id, identity, check } of this.#generation?.registry.all() ?? []) {
      yield { id, identity, check, known: this.#knownOf(identity) };
    }
  }

  /** The destinations that IPVS must hold now; empty for a virtual server that does not exist. */
  pool(virtualServer: number): readonly PoolEntry[] {
    const context = this.#generation?.virtualServers[virtualServer];
    const state = this.#generation?.states[virtualServer];
    return context === undefined || state === undefined ? [] : poolOf(context, state);
  }

  /** One virtual server per step, so that a large farm can be walked in slices. `latencies`: from the pool. */
  *snapshot(latencies?: Latencies): Generator<VirtualServerSnapshot> {
    const generation = this.#generation;
    if (generation === undefined) return;
    const ids = checkIds(generation);
    for (const [index, context] of generation.virtualServers.entries()) {
      const state = generation.states[index];
      if (state === undefined) continue;
      const idOf = (at: { server: number; checker: number }): CheckId | undefined =>
        ids.get(placeKey({ virtualServer: index, ...at }));
      yield snapshotOf(context, state, {
        edge: (at) => lookUp(this.#lastEdge, idOf(at)),
        latency: (at) => latencies && lookUp(latencies, idOf(at)),
      });
    }
  }

  /** Says goodbye: log lines for all, scripts and mail where `omega` is set. The table is the caller's to empty. */
  shutdown(): Promise<void> {
    return this.#work.run(() => this.#shutdown());
  }

  *#take(config: Config): Generator<void> {
    const before = this.#generation;
    const { identityOf } = this.#deps;
    const after = yield* buildGeneration(config, before, {
      identityOf,
      knownOf: (identity) => this.#knownOf(identity),
    });
    this.#generation = after;
    yield* this.#forget(before, after);
    for (const { effect } of after.effects) {
      if (effect.do !== "pool") this.#perform(effect, undefined);
      yield;
    }
  }

  *#forget(before: Generation | undefined, after: Generation): Generator<void> {
    if (before === undefined) return;
    const kept = new Set<string>();
    for (const { identity } of after.registry.all()) kept.add(identity);
    for (const { id, identity } of before.registry.all()) {
      if (after.registry.get(id) === undefined) this.#lastEdge.delete(id);
      if (!kept.has(identity)) {
        this.#known.delete(identity);
        this.#deps.forget(identity);
      }
      yield;
    }
  }

  *#handleEdges(edges: readonly CheckEdge[]): Generator<void> {
    for (const edge of edges) {
      const registered = this.#generation?.registry.get(edge.id);
      if (registered === undefined) continue; // its check went away while the edge was under way
      this.#known.set(registered.identity, edge.up ? "up" : "down");
      this.#deps.remember(registered.identity, edge.up);
      this.#lastEdge.set(edge.id, edge);
      for (const user of registered.users) {
        this.#report(registered, user, edge);
        yield;
      }
    }
  }

  #report({ check }: RegisteredCheck, user: CheckUser, edge: CheckEdge): void {
    const generation = this.#generation;
    const context = generation?.virtualServers[user.virtualServer];
    const state = generation?.states[user.virtualServer];
    const server = context?.config.realServers[user.server];
    if (generation === undefined || context === undefined || state === undefined || server === undefined) return;
    const before = state.servers[user.server]?.checkers[user.checker];
    const wasDown = before !== undefined && !isUp(before);
    const service = realServerName(context.config.service, server);
    const { outcome, status, latency } = edge;
    for (const sentence of edgeSentences(check, service, edge, wasDown)) {
      const fields = { virtualServer: context.name, realServer: service, outcome, status, latency };
      this.#deps.log(edge.up ? "notice" : "warning", edge.up ? "check.up" : "check.down", sentence, fields);
    }
    if (!edge.up) this.#deps.log("info", "check.reason", reasonSentence(check, service, edge), { outcome });
    const report = { server: user.server, checker: user.checker, up: edge.up, mailBody: mailBody(check, edge.up) };
    const step = applyReport(context, state, report);
    generation.states[user.virtualServer] = step.state;
    for (const effect of step.effects) this.#perform(effect, user.virtualServer);
  }

  *#handleAttempts(failures: readonly FailedAttempt[]): Generator<void> {
    for (const attempt of failures) {
      const registered = this.#generation?.registry.get(attempt.id);
      for (const user of registered?.users ?? []) {
        const context = this.#generation?.virtualServers[user.virtualServer];
        const server = context?.config.realServers[user.server];
        if (registered === undefined || context === undefined || server === undefined) continue;
        const service = realServerName(context.config.service, server);
        const fields = { virtualServer: context.name, realServer: service, outcome: attempt.outcome };
        this.#deps.log("info", "check.attempt", attemptSentence(registered.check, service, attempt), fields);
        yield;
      }
    }
  }

  *#shutdown(): Generator<void> {
    const generation = this.#generation;
    if (generation === undefined) return;
    for (const [index, context] of generation.virtualServers.entries()) {
      const state = generation.states[index];
      if (state === undefined) continue;
      for (const effect of shutdownEffects(context, state)) this.#perform(effect, undefined);
      yield;
    }
  }

  #perform(effect: HealthEffect, virtualServer: number | undefined): void {
    switch (effect.do) {
      case "log":
        this.#deps.log(effect.level, effect.event, effect.sentence, effect.fields);
        return;
      case "notify":
        this.#deps.onServerEvent(effect.event);
        return;
      case "pool":
        this.#poolChanged(virtualServer);
        return;
      default:
        unreachable(effect);
    }
  }

  #poolChanged(virtualServer: number | undefined): void {
    if (virtualServer === undefined) return;
    const context = this.#generation?.virtualServers[virtualServer];
    if (context !== undefined) this.#deps.onPoolChange(virtualServer, context.config);
  }

  #knownOf(identity: string): "up" | "down" | undefined {
    return this.#known.get(identity) ?? this.#deps.known(identity);
  }
}

const placeKey = ({ virtualServer, server, checker }: CheckUser): string => `${virtualServer}/${server}/${checker}`;

function checkIds(generation: Generation): Map<string, CheckId> {
  const ids = new Map<string, CheckId>();
  for (const { id, users } of generation.registry.all()) {
    for (const user of users) ids.set(placeKey(user), id);
  }
  return ids;
}

function lookUp<V>(map: ReadonlyMap<CheckId, V>, id: CheckId | undefined): V | undefined {
  return id === undefined ? undefined : map.get(id);
}
