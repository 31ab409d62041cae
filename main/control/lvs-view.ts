import type { Config } from "../config/model.js";
import type { RealServerSnapshot } from "../health/snapshot.js";
import type { CheckerDump, ServerDump, ServiceDump } from "../observe/checker-dump.js";
import type { LvsSide } from "./lvs-side.js";

/** Virtual servers, real servers and checks as keepalived_check.data shows them. */
export function checkerDump(lvs: LvsSide, { checkerTls, virtualServerGroups, bfdInstances }: Config): CheckerDump {
  return {
    tls: checkerTls,
    groups: virtualServerGroups,
    inKernel: lvs.ipvs() !== undefined,
    trackFiles: lvs.trackFiles(),
    bfds: bfdInstances.filter(({ informs }) => informs !== "vrrp").map(({ name }) => name),
    services: () => serviceDumps(lvs),
  };
}

function* serviceDumps(lvs: LvsSide): Generator<ServiceDump> {
  for (const { config, snapshot } of lvs.virtualServers()) {
    const { name, rests, quorum } = snapshot;
    yield { config, name, rests, quorumUp: quorum === "up", realServers: serverDumps(snapshot.realServers) };
  }
}

function* serverDumps(servers: Iterable<RealServerSnapshot>): Generator<ServerDump> {
  for (const { config, name, alive, failed, inPool, checks } of servers)
    yield {
      ...{ config, name, alive, failed, inPool },
      checks: checks.map(({ state, delta, lastEdge }) => ({
        up: state === "up" || state === "unrun-up",
        hasRun: state === "up" || state === "down",
        delta,
        lastStatus: lastEdge?.edge.status,
      })),
    };
}
