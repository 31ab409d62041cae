import { strict as assert } from "node:assert";
import type { Config } from "../../../main/config/model.js";
import type { ServerCheckConfig } from "../../../main/config/model-checks.js";
import { type DirectorDeps, HealthDirector, type Reloaded } from "../../../main/health/director.js";
import type { ServerEvent } from "../../../main/health/effects.js";
import { realServerName, virtualServerName } from "../../../main/health/names.js";
import type { CheckerState } from "../../../main/health/real-server.js";
import { setsWeight } from "../../../main/health/weights.js";
import { type CheckId, ms } from "../../../main/units.js";
import type { CheckEdge } from "../../../workers/protocol.js";
import { Random } from "../../simulation/cluster/random.js";
import { edited, randomFarm, readAnew } from "./farm.js";
import {
  aliveWeight,
  allChecks,
  crashed,
  heard,
  identityOf,
  isAlive,
  isAlpha,
  type Model,
  modelKeys,
  nothing,
  poolOf,
  reloaded,
  runOf,
  serverKey,
} from "./health-model.js";

/** One check as those who run checks know it. */
interface Run {
  readonly check: ServerCheckConfig;
  readonly groups: readonly number[];
}

const RELOADS = 10;

/** What is done to the director to see that the rules bite. */
export type HealthFault = Partial<Pick<DirectorDeps, "known" | "knownValue" | "remember" | "forget">>;

/**
 * The director through a story of configurations and edges, beside the model. @returns pairs of configurations that it went through.
 * @throws AssertionError naming the rule that does not hold
 */
export async function playHealth(seed: number, fault: HealthFault = {}): Promise<number> {
  const random = new Random(seed);
  const play = new HealthPlay(fault);
  let config = randomFarm(random);
  await play.start(config);
  for (let reload = 0; reload < RELOADS; reload++) {
    for (let edge = random.below(5); edge > 0; edge--) await play.edge(random);
    const next = random.chance(0.1) ? readAnew(config) : edited(random, config);
    await play.reload(next);
    config = next;
    if (random.chance(0.1)) await play.restart();
  }
  return RELOADS;
}

class HealthPlay {
  readonly #fault: HealthFault;
  #director: HealthDirector;
  #model = nothing;
  #config: Config | undefined;
  /** What outlives a crash. */
  readonly #lasting = new Map<string, { readonly up: boolean; readonly value: number | undefined }>();
  #events: ServerEvent[] = [];
  #lines: string[] = [];
  #runs = new Map<CheckId, Run>();

  constructor(fault: HealthFault) {
    this.#fault = fault;
    this.#director = this.#newDirector();
  }

  async start(config: Config): Promise<void> {
    await this.#director.start(config);
    this.#config = config;
    this.#model = reloaded(this.#model, config);
    this.#runs = new Map();
    this.#take({ added: this.#director.checks(), removed: [], regrouped: [] });
    this.#holds();
  }

  /** As after a crash: what is known of checks is all that there is. */
  async restart(): Promise<void> {
    if (this.#config === undefined) return;
    this.#director = this.#newDirector();
    this.#model = crashed(this.#model);
    await this.start(this.#config);
  }

  async edge(random: Random): Promise<void> {
    const ids = [...this.#runs.keys()];
    if (ids.length === 0) return;
    const id = random.pick(ids);
    const run = this.#runs.get(id) ?? assert.fail();
    const up = random.chance(0.6);
    const isWeighing = setsWeight(run.check);
    const value = isWeighing ? random.below(8) : undefined;
    const rest = { retries: 0, latency: ms(1), status: value ?? 0 };
    const edge: CheckEdge = { id, up, outcome: up ? "up" : "timeout", ...rest };
    this.#director.onEdges([edge]);
    await this.#director.suspend(() => false); // its work is done in order: now the edge has been heard
    this.#model = heard(this.#model, run.check, up, isWeighing ? (up ? value : 0) : undefined);
    this.#holds();
  }

  async reload(config: Config): Promise<void> {
    const before = this.#model;
    const [runs, states] = [new Map(this.#runs), this.#states()];
    const isSame = this.#config !== undefined && isEqual(this.#config, config);
    this.#events = [];
    this.#lines = [];
    const { changed, checks } = await this.#director.reload(config);
    const told = { ...checks, added: [...checks.added] };
    if (this.#config === config) assert.deepEqual(changed, [], "who is the same object is not even looked at");
    if (isSame) {
      assert.deepEqual([this.#lines, this.#events], [[], []], "a reload without change says nothing");
      const news = [told.added.length, told.removed.length, told.regrouped.length];
      assert.deepEqual(news, [0, 0, 0], "a reload without change leaves all checks alone");
    }
    this.#config = config;
    this.#model = reloaded(before, config);
    this.#take(told);
    this.#keepsRuns(runs);
    this.#keepsStates(states);
    this.#holds();
    const events = inOrder(this.#events.flatMap((e) => (e.kind === "check" ? [] : [eventText(e)])));
    assert.deepEqual(events, eventsBetween(before, this.#model), "who changed is told of, once");
  }

  #newDirector(): HealthDirector {
    const log = (_level: string, _event: string, sentence: string): void => void this.#lines.push(sentence);
    return new HealthDirector({
      log: Object.assign(log, { detail: false }),
      identityOf,
      known: (identity) => {
        const last = this.#lasting.get(identity);
        return last && (last.up ? "up" : "down");
      },
      knownValue: (identity) => this.#lasting.get(identity)?.value,
      remember: (identity, up, value) => this.#lasting.set(identity, { up, value }),
      forget: (identity) => this.#lasting.delete(identity),
      onPoolChange: () => undefined,
      onServerEvent: (event) => this.#events.push(event),
      ...this.#fault,
    });
  }

  /** What those who run checks are told of a change. */
  #take({ added, removed, regrouped }: Reloaded["checks"]): void {
    for (const id of removed) assert.ok(this.#runs.delete(id), "only checks that are run are taken away");
    for (const { id, groups } of regrouped) {
      const run = this.#runs.get(id) ?? assert.fail("only checks that are run change their groups");
      this.#runs.set(id, { ...run, groups });
    }
    for (const { id, check, groups, known } of added) {
      assert.ok(!this.#runs.has(id), "a check is handed out once");
      assert.equal(known, this.#model.known.get(runOf(check))?.state, "what is known of a check goes with it");
      this.#runs.set(id, { check, groups });
    }
  }

  /** Who runs checks has just those of the configuration; and those that were there go on under their numbers. */
  #keepsRuns(before: ReadonlyMap<CheckId, Run>): void {
    const wanted = new Set(allChecks(this.#config ?? assert.fail()).map(runOf));
    const listed = [...this.#director.checks()];
    assert.deepEqual(inOrder(listed.map(({ check }) => runOf(check))), inOrder([...wanted]), "each check is run once");
    for (const { id, groups } of listed)
      assert.deepEqual(this.#runs.get(id)?.groups, groups, "who runs checks is told of all of them, and for whom");
    assert.equal(this.#runs.size, listed.length, "who runs checks is told which are gone");
    const numbers = new Map(listed.map(({ id, check }) => [runOf(check), id]));
    for (const [id, { check }] of before)
      if (wanted.has(runOf(check))) assert.equal(numbers.get(runOf(check)), id, "a number stays with its check");
  }

  /** By virtual server, real server and run; the same run twice is told apart by `alpha`. */
  #states(): ReadonlyMap<string, CheckerState> {
    const { virtualServers } = this.#config ?? assert.fail();
    const keys = modelKeys(this.#config ?? assert.fail());
    const states = new Map<string, CheckerState>();
    let at = 0;
    for (const { realServers } of this.#director.snapshot()) {
      for (const [i, { checks }] of [...realServers].entries()) {
        const server = virtualServers[at]?.realServers[i];
        for (const [j, { state }] of checks.entries()) {
          const check = server?.checks[j];
          const name = server && check && `${keys[at]} ${serverKey(server)} ${runOf(check)} ${isAlpha(check)}`;
          if (name !== undefined && !states.has(name)) states.set(name, state);
        }
      }
      at += 1;
    }
    return states;
  }

  #keepsStates(before: ReadonlyMap<string, CheckerState>): void {
    for (const [name, state] of this.#states()) {
      const was = before.get(name);
      if (was !== undefined) assert.equal(state, was, `an unchanged check has the state it had: ${name}`);
    }
  }

  #holds(): void {
    const keys = modelKeys(this.#config ?? assert.fail());
    let at = 0;
    for (const found of this.#director.snapshot()) {
      const service = this.#model.services.get(keys[at] ?? "") ?? assert.fail("a virtual server too many");
      const states = Array.from(found.realServers, ({ checks }) => checks.map(({ state }) => state).join());
      const expected = [...service.servers.values()].map(({ checkers }) => checkers.join());
      assert.equal(states.join("; "), expected.join("; "), `state of each checker of ${keys[at]}`);
      assert.equal(found.weightAlive, aliveWeight(service), `weight of those that are alive of ${keys[at]}`);
      assert.equal(found.quorum, service.quorum, `quorum of ${keys[at]}`);
      const pool = [...(this.#director.livePool(at)?.entries() ?? [])].map((e) => `${e.address} ${e.weight}`);
      assert.equal(pool.join("; "), poolOf(service).join("; "), "wanted destinations");
      at += 1;
    }
    assert.equal(at, keys.length, "no virtual server is missing");
    assert.equal(this.#lasting.size, this.#model.lasting.size, "what nobody checks any more is forgotten");
  }
}

const isEqual = (a: Config, b: Config): boolean =>
  a === b ||
  (a.global.routerId === b.global.routerId && JSON.stringify(a.virtualServers) === JSON.stringify(b.virtualServers));

function eventText(event: Exclude<ServerEvent, { kind: "check" }>): string {
  const who = event.kind === "real-server" ? `${event.virtualServer} ${event.realServer}` : event.virtualServer;
  return `${who} ${event.up ? "up" : "down"}`;
}

/** Who came or went in service, and who began or ended with a quorum. */
function eventsBetween(before: Model, after: Model): readonly string[] {
  const events: string[] = [];
  for (const key of new Set([...before.services.keys(), ...after.services.keys()])) {
    const [old, now] = [before.services.get(key), after.services.get(key)];
    const { service } = (now ?? old ?? assert.fail()).config;
    const name = virtualServerName(service);
    if (now === undefined ? old?.quorum === "up" : now.quorum !== old?.quorum)
      events.push(`${name} ${now?.quorum ?? "down"}`);
    for (const [server, was] of old?.servers ?? []) {
      const is = now?.servers.get(server);
      const alive = is !== undefined && isAlive(is);
      if (isAlive(was) !== alive)
        events.push(`${name} ${realServerName(service, was.config)} ${alive ? "up" : "down"}`);
    }
  }
  return inOrder(events);
}

const inOrder = (texts: readonly string[]): readonly string[] => texts.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
