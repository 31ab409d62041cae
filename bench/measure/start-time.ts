import { until } from "../../test/harness/until.js";
import type { Checker, RunningChecker, StartOptions } from "../peers/peer.js";
import { ArrivalTarget } from "./arrivals.js";
import { farmNetwork } from "./farm.js";

/** Of one start, s since the process was made. */
export interface StartTime {
  readonly toFirstCheck: number;
  /** Until the last real server is in the IPVS table. */
  readonly toFullTable: number;
  /** Absent where nobody waited for it. */
  readonly toAllChecked?: number;
  /** Healthy servers that were taken out. */
  readonly removed: number;
}

export interface StartCase extends Pick<StartOptions, "host" | "dir" | "ipvs"> {
  readonly servers: number;
  readonly delayLoopSeconds: number;
  readonly withinMs: number;
  /** Also waits until each server was checked once. */
  readonly untilAllChecked: boolean;
}

const PORT = 8080;

/** Starts a checker once. All servers are healthy, and each of them is in the table from the start. */
export async function startTime(checker: Checker, start: StartCase): Promise<StartTime> {
  const { host, dir, ipvs, servers, delayLoopSeconds, withinMs } = start;
  await using target = await ArrivalTarget.start(host, PORT, farmNetwork.address, farmNetwork.addresses);
  const farm = { servers, check: "tcp", port: PORT, delayLoopSeconds, timeoutSeconds: 3, perService: 16 } as const;
  await using running = await checker.start({ host, dir, farms: [farm], ...(ipvs && { ipvs }) });
  const full = (): boolean => (running.table()?.newDestination.count ?? 0) >= servers;
  await until(`${checker.name} has its full table`, withinMs, full, 20);
  const checked = async (): Promise<number> => (await target.stats()).distinct;
  await until(`${checker.name} checks`, withinMs, async () => (await checked()) > 0, 20);
  const toFirstCheck = since(running, (await target.stats()).firstNs);
  const toFullTable = since(running, running.table()?.newDestination.lastNs ?? Number.NaN);
  const all = start.untilAllChecked;
  if (all) await until(`${checker.name} has checked all`, withinMs, async () => (await checked()) >= servers, 100);
  const toAllChecked = since(running, (await target.stats()).newestNs);
  const removed = running.table()?.deleteDestination.count ?? 0;
  return { toFirstCheck, toFullTable, removed, ...(all && { toAllChecked }) };
}

const since = ({ startedNs }: RunningChecker, ns: number): number => (ns - startedNs) / 1e9;
