import { virtualServerKey } from "../config/identity.js";
import type { VirtualServerConfig } from "../config/model.js";
import type { ServerCheckConfig } from "../config/model-checks.js";
import { failureReason } from "../health/check-sentences.js";
import { isPooled } from "../health/pooled.js";
import type { CheckSnapshot, RealServerSnapshot, VirtualServerSnapshot } from "../health/snapshot.js";
import type { CheckId, Milliseconds } from "../units.js";
import { seconds } from "./why-master.js";
import type { CheckWhy, RealServerWhy, VirtualServerWhy } from "./why-servers.js";

/** What an answer about a virtual server is made of. */
export interface ServerFacts {
  readonly config: VirtualServerConfig;
  readonly snapshot: VirtualServerSnapshot;
  /** Those that are to be in it. */
  readonly shown: readonly RealServerSnapshot[];
  readonly more: number;
  readonly servers: VirtualServerWhy["servers"];
  /** self_check holds the table: what is wrong with this host. */
  readonly tableHeld: string | undefined;
  readonly kernel: readonly string[];
  /** Of a check: until its next attempt. */
  readonly next: (id: CheckId) => Milliseconds | undefined;
  /** Clock.now */
  readonly now: Milliseconds;
}

/** It has what it needs to take connections; whether it does is for the quorum to say. */
export const isWell = ({ alive, effectiveWeight }: RealServerSnapshot): boolean => alive && effectiveWeight > 0;

/** Pure. */
export function virtualServerWhy(facts: ServerFacts): VirtualServerWhy {
  const { config, snapshot, shown, more, servers, tableHeld, kernel, now } = facts;
  const { quorum, hysteresis, removalFloor: floor } = config;
  const { sorryServer, rests } = snapshot;
  return {
    vs: virtualServerKey(config),
    state: snapshot.quorum,
    forMs: now - snapshot.since,
    because: becauseOf(facts),
    quorum: { weight: snapshot.weightAlive, wanted: quorum, hysteresis },
    ...(sorryServer === undefined ? {} : { sorryServer }),
    suspended: rests,
    ...(floor === undefined ? {} : { removalFloor: { percent: floor.percent, confirmMs: floor.confirm } }),
    ...(tableHeld === undefined ? {} : { tableHeld }),
    kernel,
    servers,
    realServers: shown.map((server) => realServerWhy(server, facts)),
    more,
    wouldBringItBack: wouldBringQuorum(facts),
  };
}

function becauseOf({ config: { quorum, hysteresis }, snapshot, servers }: ServerFacts): string {
  const { weightAlive: weight, quorum: state } = snapshot;
  const resting = snapshot.rests ? "; ha_suspend: no address of it is on this host, so nobody checks it" : "";
  if (servers.total === 0) return "it has no real servers";
  if (state === "up") return `weight ${weight} is in service, quorum ${quorum}${resting}`;
  const { up, held } = servers;
  if (up + held === 0) return `none of its ${servers.total} real servers is up${resting}`;
  if (weight === 0) return `all servers that are up have weight 0${resting}`;
  const below = quorum - hysteresis;
  const why = weight < below ? `less than quorum ${quorum}` : `quorum ${quorum} is lost`;
  return `weight ${weight} is in service: ${why}${hysteresis === 0 ? "" : `, and comes back at ${quorum + hysteresis}`}${resting}`;
}

function wouldBringQuorum({ config, snapshot }: ServerFacts): readonly string[] {
  const sentences = snapshot.rests ? [addressComes] : [];
  if (snapshot.quorum === "up") return sentences;
  const needed = Math.max(1, config.quorum + config.hysteresis);
  const most = config.realServers.reduce((sum, { weight }) => sum + weight, 0);
  if (most < needed)
    return [
      ...sentences,
      `weight ${needed} is needed, and all its servers together have ${most}: change quorum, hysteresis or weights`,
    ];
  return [...sentences, `weight ${needed} is in service: ${needed - snapshot.weightAlive} more`];
}

const addressComes = "an address of it comes to this host: then it is checked (ha_suspend)";

function realServerWhy(server: RealServerSnapshot, facts: ServerFacts): RealServerWhy {
  const { alive, heldSince, since, name, inPool, effectiveWeight, config } = server;
  const state = alive ? "up" : heldSince === undefined ? "down" : "held";
  const serves = state !== "down" && !hasSorry(facts);
  const checks = server.checks.flatMap((check, i) => {
    const of = config.checks[i];
    return of === undefined ? [] : [checkWhy(of, check, facts)];
  });
  const weight = inPool && !serves ? 0 : effectiveWeight;
  const plain = { rs: name, state, forMs: facts.now - since, inTable: inPool, weight, checks } as const;
  return {
    ...plain,
    because: whyServer(server, plain, facts),
    wouldBringItBack: isWell(server) && !hasSorry(facts) ? [] : wouldBringServer(server, checks, facts),
  };
}

const hasSorry = ({ snapshot }: ServerFacts): boolean => snapshot.sorryServer?.active === true;

function whyServer(
  { heldSince, alive, effectiveWeight, config }: RealServerSnapshot,
  { checks, inTable }: Pick<RealServerWhy, "checks" | "inTable">,
  facts: ServerFacts,
): string {
  const failing = checks.filter(({ state }) => state === "down").map(failingText);
  if (heldSince !== undefined) return `${failing.join(", ")}; ${heldBy(heldSince, facts)}`;
  if (!alive) return `${failing.join(", ")}${inTable ? "; inhibit_on_failure keeps it with weight 0" : ""}`;
  if (hasSorry(facts))
    return `its checks pass, but there is no quorum: sorry server ${facts.snapshot.sorryServer?.name} takes the connections`;
  if (effectiveWeight === 0)
    return config.weight === 0
      ? "its weight is 0 in the configuration: no new connections"
      : "its checks make its weight 0: no new connections";
  if (checks.length === 0) return "nobody checks it";
  return checks.every(({ hasRun }) => hasRun)
    ? "its checks pass"
    : "it counts as up until all its checks have been made";
}

const failingText = (check: CheckWhy): string => {
  const what = `${check.type} ${check.target}`.trimEnd();
  if (!check.hasRun) return `${what} has not passed yet (alpha)`;
  return `${what} fails: ${check.error ?? "since before this daemon started"}`;
};

function heldBy(heldSince: Milliseconds, { config: { removalFloor: floor }, tableHeld, now }: ServerFacts): string {
  if (tableHeld !== undefined) return `self_check holds the table (${tableHeld})`;
  if (floor === undefined) return "it goes now";
  return `removal_floor keeps it for another ${seconds(Math.max(0, floor.confirm - (now - heldSince)))}`;
}

function wouldBringServer(
  { alive, effectiveWeight, config }: RealServerSnapshot,
  checks: readonly CheckWhy[],
  facts: ServerFacts,
): readonly string[] {
  const sentences: string[] = [];
  if (!alive && facts.snapshot.rests) sentences.push(addressComes);
  for (const [i, { state }] of checks.entries()) {
    const of = config.checks[i];
    if (state === "down" && of !== undefined) sentences.push(passText(of));
  }
  if (alive && effectiveWeight === 0)
    sentences.push(
      config.weight === 0 ? "its weight is set in the configuration" : "its checks give it a weight again",
    );
  if (hasSorry(facts)) sentences.push(...wouldBringQuorum({ ...facts, snapshot: { ...facts.snapshot, rests: false } }));
  return sentences;
}

function passText(check: ServerCheckConfig): string {
  if (check.type === "BFD_CHECK") return `BFD session ${check.name} comes up`;
  if (check.type === "FILE_CHECK") return `the number in tracked file ${check.trackFile} means no failure`;
  const rise = check.timing.rise > 1 ? ` ${check.timing.rise} times in a row` : "";
  return `${check.type} ${targetOf(check)} passes${rise}`;
}

function checkWhy(config: ServerCheckConfig, check: CheckSnapshot, { snapshot, next, now }: ServerFacts): CheckWhy {
  const { type, state, delta, id, lastEdge, lastFailure } = check;
  const isUp = state === "up" || state === "unrun-up";
  const hasRun = state === "up" || state === "down";
  const nextMs = snapshot.rests || id === undefined ? undefined : next(id);
  const everyMs = isPooled(config) && !snapshot.rests ? everyOf(config, isUp) : undefined;
  return {
    ...{ type, target: targetOf(config), state: isUp ? "up" : "down", hasRun, delta },
    ...(lastEdge === undefined ? {} : { forMs: now - lastEdge.at }),
    ...(isUp || lastFailure === undefined ? {} : { error: failureReason(config, lastFailure.edge) }),
    ...(everyMs === undefined ? {} : { everyMs }),
    ...(nextMs === undefined ? {} : { nextMs }),
  };
}

/** As the checker threads have it (workers/policy.ts). */
function everyOf(check: Extract<ServerCheckConfig, { timing: object; type: string }>, isUp: boolean): number {
  const { delayLoop, fastInterval, delayBeforeRetry } = check.timing;
  if (isUp) return delayLoop;
  const isHttp = check.type === "HTTP_GET" || check.type === "SSL_GET";
  return fastInterval ?? (isHttp ? Math.max(delayBeforeRetry, delayLoop) : delayLoop);
}

function targetOf(check: ServerCheckConfig): string {
  switch (check.type) {
    case "BFD_CHECK":
      return check.name;
    case "FILE_CHECK":
      return check.trackFile;
    case "MISC_CHECK":
      return check.command.argv[0];
    case "PING_CHECK":
      return check.target.address;
    default:
      return `[${check.target.address}]:${check.target.port}`;
  }
}
