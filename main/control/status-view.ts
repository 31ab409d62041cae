import type { Histogram } from "hdr-histogram-js";
import type { IpAddress } from "../address.js";
import type { VirtualServerConfig } from "../config/model.js";
import type { LatencyReport } from "../health/latency-report.js";
import type { CheckSnapshot, RealServerSnapshot, VirtualServerSnapshot } from "../health/snapshot.js";
import { addressTexts, type VrrpInstanceDump } from "../observe/vrrp-dump.js";
import type {
  InstanceStatus,
  LatencyStatus,
  PhaseStatus,
  RealServerStatus,
  Streamed,
  VirtualServerStatus,
} from "./status.js";

/** How the parts of the daemon look in the status document. */

export function instanceStatus(dump: VrrpInstanceDump, master: IpAddress | undefined): InstanceStatus {
  const { config, live } = dump;
  const { vips, evips } = addressTexts(dump);
  return {
    name: config.name,
    state: live.state,
    priority: config.basePriority,
    effectivePriority: live.effectivePriority,
    vips: [...vips, ...evips],
    ...(master === undefined ? {} : { master }),
    since: live.lastTransition,
  };
}

export function virtualServerStatus(
  config: VirtualServerConfig,
  snapshot: VirtualServerSnapshot,
): Streamed<VirtualServerStatus> {
  return {
    vs: snapshot.name,
    scheduler: config.scheduler,
    quorumUp: snapshot.quorum === "up",
    ...(snapshot.rests ? { suspended: true as const } : {}),
    realServers: realServerStatuses(snapshot.realServers),
  };
}

function* realServerStatuses(servers: Iterable<RealServerSnapshot>): Generator<RealServerStatus> {
  for (const server of servers) yield realServerStatus(server);
}

function realServerStatus({ name, alive, heldSince, weight, checks }: RealServerSnapshot): RealServerStatus {
  const latency = slowest(checks);
  const outcome = checks.find(({ lastEdge }) => lastEdge !== undefined && !lastEdge.edge.up) ?? checks[0];
  return {
    rs: name,
    state: alive ? "up" : "down",
    ...(heldSince === undefined ? {} : { heldBack: true as const }),
    weight,
    ...(latency === undefined ? {} : { latencyMs: latency }),
    ...(outcome?.lastEdge === undefined ? {} : { lastOutcome: outcome.lastEdge.edge.outcome }),
  };
}

function slowest(checks: readonly CheckSnapshot[]): number | undefined {
  const known = checks.map(({ latency }) => latency).filter((latency) => latency !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

export function latencyStatus({ kinds }: LatencyReport): Record<string, LatencyStatus> {
  const byKind: Record<string, LatencyStatus> = {};
  for (const [kind, histograms] of kinds) {
    const total = histograms.get("total");
    const others = [...histograms].filter(([phase]) => phase !== "total");
    const phases = Object.fromEntries(others.map(([phase, histogram]) => [phase, quantiles(histogram)]));
    byKind[kind] = { ...(total === undefined ? nothingYet : quantiles(total)), phases };
  }
  return byKind;
}

const nothingYet: PhaseStatus = { p50: 0, p99: 0, max: 0, count: 0 };

/** From microseconds to milliseconds. */
const quantiles = (histogram: Histogram): PhaseStatus => ({
  p50: quantile(histogram, 50),
  p99: quantile(histogram, 99),
  max: histogram.maxValue / 1000,
  count: histogram.totalCount,
});

/** The histogram answers with the top of a bucket, which may lie above the largest value in it. */
const quantile = (histogram: Histogram, percentile: number): number =>
  Math.min(histogram.getValueAtPercentile(percentile), histogram.maxValue) / 1000;
