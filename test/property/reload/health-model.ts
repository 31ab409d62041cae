import type { Config, RealServerConfig, VirtualServerConfig } from "../../../main/config/model.js";
import type { ServerCheckConfig } from "../../../main/config/model-checks.js";
import { isPooled } from "../../../main/health/pooled.js";
import type { CheckerState } from "../../../main/health/real-server.js";
import { setsWeight } from "../../../main/health/weights.js";

/**
 * What the health of a farm is to be, written from the manual page and docs/differences.md as plainly as it goes, and made anew for
 * every configuration: what the real code is held against.
 */
export interface Model {
  /** Of runs that somebody wants: what was heard last. Who spoke last comes last. */
  readonly known: ReadonlyMap<string, Word>;
  /** Of runs. */
  readonly values: ReadonlyMap<string, number>;
  /** What outlives a crash: what was heard last of an identity, whichever run it was. */
  readonly lasting: ReadonlyMap<string, Lasting>;
  /** By `modelKeys`. */
  readonly services: ReadonlyMap<string, ModelService>;
}

interface Word {
  readonly identity: string;
  readonly state: "up" | "down";
}

interface Lasting {
  readonly state: "up" | "down";
  readonly value: number | undefined;
}

export interface ModelService {
  readonly config: VirtualServerConfig;
  readonly quorum: "up" | "down";
  /** By address and port, in the order of the file. */
  readonly servers: ReadonlyMap<string, ModelServer>;
}

export interface ModelServer {
  readonly config: RealServerConfig;
  readonly checkers: readonly CheckerState[];
  readonly weight: number;
}

export const nothing: Model = { known: new Map(), values: new Map(), lasting: new Map(), services: new Map() };

export const crashed = ({ lasting }: Model): Model => ({ ...nothing, lasting });

/** What is checked, whatever the times. Stands in for main/config/identity.ts. */
export function identityOf(check: ServerCheckConfig): string {
  if (check.type === "FILE_CHECK") return `file ${check.trackFile}`;
  if (check.type === "BFD_CHECK") return `bfd ${check.name}`;
  if (check.type === "MISC_CHECK") return `misc ${check.command.argv.join(" ")}`;
  return `${check.type} ${check.target.address} ${check.target.port}`;
}

/** What is run: the same at other times is another run of the same. */
export const runOf = (check: ServerCheckConfig): string =>
  `${identityOf(check)} each ${isPooled(check) ? check.timing.delayLoop : 0}`;

export const serverKey = ({ address, port }: RealServerConfig): string => `${address} ${port}`;
export const isDown = (state: CheckerState): boolean => state === "down" || state === "unrun-down";
export const isAlive = ({ checkers }: ModelServer): boolean => !checkers.some(isDown);

/** Of several virtual servers of one service the first is the first again. */
export function modelKeys(config: Config): readonly string[] {
  const seen = new Map<string, number>();
  return config.virtualServers.map(({ service }) => {
    const name = JSON.stringify(service);
    const before = seen.get(name) ?? 0;
    seen.set(name, before + 1);
    return `${name} ${before}`;
  });
}

/** A configuration takes the place of another one, or of nothing. */
export function reloaded(before: Model, config: Config): Model {
  const { known, values } = succeeded(before, config);
  const { lasting } = before;
  const keys = modelKeys(config);
  const services = new Map<string, ModelService>();
  for (const [i, virtualServer] of config.virtualServers.entries()) {
    const key = keys[i] ?? "";
    const old = before.services.get(key);
    const servers = new Map<string, ModelServer>();
    for (const server of virtualServer.realServers) {
      const oldServer = old?.servers.get(serverKey(server));
      const checkers = server.checks.map((check) => stateAfter({ known, values, lasting }, check, oldServer));
      servers.set(serverKey(server), { config: server, checkers, weight: weightOf(server, values) });
    }
    services.set(key, withQuorum({ config: virtualServer, quorum: old?.quorum ?? "down", servers }));
  }
  const wanted = new Set(allChecks(config).flatMap((check) => [runOf(check), identityOf(check)]));
  const only = <V>(map: ReadonlyMap<string, V>): ReadonlyMap<string, V> =>
    new Map([...map].filter(([name]) => wanted.has(name)));
  return { known: only(known), values: only(values), lasting: only(lasting), services };
}

/** A run that is new begins with what others of its kind said last; nobody has heard itself. */
function succeeded(before: Model, config: Config): Pick<Model, "known" | "values"> {
  const old = [...before.services.values()].flatMap(({ servers }) => [...servers.values()]);
  const ran = new Set(old.flatMap((server) => server.config.checks.map(runOf)));
  const known = new Map<string, Word>();
  const values = new Map<string, number>();
  for (const check of allChecks(config)) {
    const [run, identity] = [runOf(check), identityOf(check)];
    const last = lastWord(before, identity);
    if (ran.has(run) || last === undefined) continue;
    known.set(run, { identity, state: last.state });
    if (last.value !== undefined && setsWeight(check)) values.set(run, last.value);
  }
  for (const [run, word] of before.known) known.set(run, word);
  for (const [run, value] of before.values) values.set(run, value);
  return { known, values };
}

/** Of those that are still run; of nobody else, what there is. */
function lastWord(before: Pick<Model, "known" | "lasting" | "values">, identity: string): Lasting | undefined {
  const [run, word] = [...before.known].filter(([, { identity: its }]) => its === identity).at(-1) ?? [];
  if (run === undefined || word === undefined) return before.lasting.get(identity);
  return { state: word.state, value: before.values.get(run) };
}

function stateAfter(
  before: Pick<Model, "known" | "lasting" | "values">,
  check: ServerCheckConfig,
  old: ModelServer | undefined,
): CheckerState {
  const ofSame = (fits: (other: ServerCheckConfig) => boolean): CheckerState | undefined =>
    old?.checkers[old.config.checks.findIndex(fits)];
  const sameRun = (other: ServerCheckConfig): boolean => runOf(other) === runOf(check);
  const kept =
    ofSame((other) => sameRun(other) && isAlpha(other) === isAlpha(check)) ??
    ofSame(sameRun) ??
    before.known.get(runOf(check))?.state ??
    lastWord(before, identityOf(check))?.state ??
    ofSame((other) => identityOf(other) === identityOf(check));
  if (kept !== undefined) return kept;
  const isOut = old !== undefined && !isAlive(old); // a changed check is no way back in
  return isOut || isAlpha(check) ? "unrun-down" : "unrun-up";
}

export const isAlpha = (check: ServerCheckConfig): boolean => isPooled(check) && check.timing.alpha;

/** A check has said something. */
export function heard(before: Model, check: ServerCheckConfig, up: boolean, value: number | undefined): Model {
  const run = runOf(check);
  const known = new Map([...before.known].filter(([other]) => other !== run));
  known.set(run, { identity: identityOf(check), state: up ? "up" : "down" });
  const values = value === undefined ? before.values : new Map(before.values).set(run, value);
  const lasting = new Map(before.lasting).set(identityOf(check), { state: up ? "up" : "down", value: values.get(run) });
  const services = new Map<string, ModelService>();
  for (const [key, service] of before.services) {
    const servers = new Map<string, ModelServer>();
    for (const [name, { config, checkers }] of service.servers) {
      const states = checkers.map((state, i): CheckerState => {
        const own = config.checks[i];
        if (own === undefined || runOf(own) !== run) return state;
        return up ? "up" : "down";
      });
      servers.set(name, { config, checkers: states, weight: weightOf(config, values) });
    }
    services.set(key, withQuorum({ ...service, servers }));
  }
  return { known, values, lasting, services };
}

/** keepalived.conf(5): misc_dynamic sets the weight to what the program says less 2, a track file adds to it. */
function weightOf({ checks, weight }: RealServerConfig, values: ReadonlyMap<string, number>): number {
  let sum = weight;
  for (const check of checks) {
    const value = values.get(runOf(check)) ?? 0;
    if (check.type === "FILE_CHECK") sum += value;
    else if (check.type === "MISC_CHECK" && check.dynamic && value >= 2) sum += value - 2 - weight;
  }
  return Math.min(0x7fff_ffff, Math.max(0, sum));
}

export const aliveWeight = ({ servers }: Pick<ModelService, "servers">): number =>
  [...servers.values()].reduce((sum, server) => (isAlive(server) ? sum + server.weight : sum), 0);

function withQuorum(service: ModelService): ModelService {
  const { quorum, hysteresis } = service.config;
  const weight = aliveWeight(service);
  const isLost = weight === 0 || (service.quorum === "up" && weight < quorum - hysteresis);
  const isGained = weight > 0 && weight >= quorum + hysteresis;
  return { ...service, quorum: isLost ? "down" : isGained ? "up" : service.quorum };
}

/** What IPVS is to have: address, weight. */
export function poolOf(service: ModelService): readonly string[] {
  const { sorryServer, sorryServerInhibit } = service.config;
  const isSorry = sorryServer !== undefined && service.quorum === "down";
  const pool: string[] = [];
  for (const server of service.servers.values()) {
    const serves = isAlive(server) && !isSorry;
    if (serves || server.config.inhibitOnFailure) pool.push(`${server.config.address} ${serves ? server.weight : 0}`);
  }
  if (sorryServer !== undefined && (isSorry || sorryServerInhibit))
    pool.push(`${sorryServer.address} ${isSorry ? 1 : 0}`);
  return pool;
}

export const allChecks = ({ virtualServers }: Config): readonly ServerCheckConfig[] =>
  virtualServers.flatMap(({ realServers }) => realServers.flatMap(({ checks }) => checks));
