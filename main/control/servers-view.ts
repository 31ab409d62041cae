import { familyOf } from "../address.js";
import type { VirtualServerConfig } from "../config/model.js";
import type { ServerCheckConfig } from "../config/model-checks.js";
import { failureReason } from "../health/check-sentences.js";
import type { GroupLatencies } from "../health/group-latencies.js";
import type { CheckSnapshot, RealServerSnapshot, VirtualServerSnapshot } from "../health/snapshot.js";
import { destinationKey } from "../ipvs/table.js";
import type { Milliseconds } from "../units.js";
import type { IpvsCounters, VirtualServerCounters } from "./ipvs-counters.js";
import type { LvsSide } from "./lvs-side.js";
import type { CheckEntry, RealServerEntry, ServersDocument, VirtualServerEntry } from "./servers.js";
import type { PhaseStatus } from "./status.js";

export interface ServersViewDeps {
  readonly version: string;
  /** Of the daemon, by which changes are dated. */
  readonly now: () => Milliseconds;
}

/** Every virtual server, real server and check as JSON text, a real server at a time: nobody builds 37,000 entries at once. */
export async function* serversText(
  lvs: LvsSide | undefined,
  { version, now }: ServersViewDeps,
): AsyncGenerator<string> {
  const time = Date.now();
  const backend = lvs?.ipvs()?.backend ?? "none";
  const head: Omit<ServersDocument, "virtualServers"> = { version, pid: process.pid, time, ipvs: backend };
  yield `{"servers":${open(head)},"virtualServers":[`;
  if (lvs !== undefined) {
    const [latencies, counters] = await Promise.all([lvs.latencies(), lvs.counters()]);
    const view = { counters, groups: latencies.groups, wallClock: wallClock(time, now()) };
    let separator = "";
    for (const { config, snapshot } of lvs.virtualServers(latencies.last)) {
      yield separator;
      yield* virtualServerText(config, snapshot, view);
      separator = ",";
    }
  }
  yield "]}}";
}

interface View {
  readonly counters: IpvsCounters | undefined;
  readonly groups: GroupLatencies;
  readonly wallClock: (at: Milliseconds) => number;
}

async function* virtualServerText(
  config: VirtualServerConfig,
  snapshot: VirtualServerSnapshot,
  view: View,
): AsyncGenerator<string> {
  const counted = await view.counters?.of(config);
  yield `${open(virtualServerEntry(config, snapshot, view, counted))},"realServers":[`;
  let separator = "";
  for (const server of snapshot.realServers) {
    yield separator + JSON.stringify(realServerEntry(server, view, counted));
    separator = ",";
  }
  yield "]}";
}

function virtualServerEntry(
  { scheduler, forwarding, hysteresis }: VirtualServerConfig,
  { name, quorum, quorumWanted, weightAlive, sorryServer, since, group, rests }: VirtualServerSnapshot,
  { groups, wallClock }: View,
  counted: VirtualServerCounters | undefined,
): Omit<VirtualServerEntry, "realServers"> {
  return {
    ...{ vs: name, scheduler, forwarding },
    quorum: { state: quorum, since: wallClock(since), wanted: quorumWanted, hysteresis, weight: weightAlive },
    ...(sorryServer === undefined ? {} : { sorryServer }),
    suspended: rests,
    latency: Object.fromEntries([...groups.of(group)].map(([phase, quantiles]) => [phase, inMilliseconds(quantiles)])),
    ...(counted === undefined ? {} : { counters: counted.total }),
  };
}

function realServerEntry(
  { config, name, address, port, alive, since, heldSince, weight, effectiveWeight, inPool, checks }: RealServerSnapshot,
  { wallClock }: View,
  counted: VirtualServerCounters | undefined,
): RealServerEntry {
  const counters = counted?.destinations.get(destinationKey({ family: familyOf(address), address, port }));
  return {
    ...{ rs: name, state: alive ? "up" : "down", since: wallClock(since), weight, effectiveWeight, inPool },
    ...(heldSince === undefined ? {} : { heldSince: wallClock(heldSince) }),
    ...(counters === undefined ? {} : { counters }),
    checks: checks.flatMap((check, i) => {
      const of = config.checks[i];
      return of === undefined ? [] : [checkEntry(of, check, wallClock)];
    }),
  };
}

function checkEntry(
  config: ServerCheckConfig,
  { type, state, delta, lastEdge, lastFailure, latency }: CheckSnapshot,
  wallClock: View["wallClock"],
): CheckEntry {
  const hasRun = state === "up" || state === "down";
  return {
    ...{ type, state: state === "up" || state === "unrun-up" ? "up" : "down", hasRun, delta },
    ...(lastEdge === undefined ? {} : { since: wallClock(lastEdge.at) }),
    ...(latency === undefined ? {} : { latencyMs: latency }),
    ...(lastFailure === undefined ? {} : { lastError: errorEntry(config, lastFailure, wallClock) }),
  };
}

function errorEntry(
  config: ServerCheckConfig,
  { edge, at }: NonNullable<CheckSnapshot["lastFailure"]>,
  wallClock: View["wallClock"],
): NonNullable<CheckEntry["lastError"]> {
  return { at: wallClock(at), outcome: edge.outcome, status: edge.status, text: failureReason(config, edge) };
}

/** What the clock of the daemon said, as the wall clock would have. */
const wallClock =
  (time: number, now: Milliseconds) =>
  (at: Milliseconds): number =>
    Math.round(time - (now - at));

/** From microseconds. */
const inMilliseconds = ({ p50, p99, max, count }: PhaseStatus): PhaseStatus => ({
  p50: p50 / 1000,
  p99: p99 / 1000,
  max: max / 1000,
  count,
});

/** JSON of an object, to which members are still to be added. */
const open = (object: object): string => JSON.stringify(object).slice(0, -1);
