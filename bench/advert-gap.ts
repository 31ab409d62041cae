/**
 * How regular are adverts at advert_int 0.1 while 5,000 checks run? Ours and keepalived's, on one segment, in one capture.
 * Usage: node dist/bench/advert-gap.js [seconds] [checks]
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { holdfast, keepalived } from "../test/harness/daemon.js";
import type { Advert } from "../test/harness/frames.js";
import { Lan, plainHosts } from "../test/harness/lan.js";
import { compiled } from "../test/harness/project.js";
import { until } from "../test/harness/until.js";

export interface Gaps {
  readonly count: number;
  /** All in milliseconds. */
  readonly median: number;
  readonly p99: number;
  readonly max: number;
  readonly min: number;
}

export interface AdvertGapResult {
  readonly ours: Gaps;
  readonly keepalived: Gaps;
  /** Checks that our workers finished during the capture. */
  readonly checksPerSecond: number;
}

const PORT = 8080;

const instance = (vrid: number): string => `
vrrp_instance V${vrid} {
  version 3
  state BACKUP
  interface eth0
  virtual_router_id ${vrid}
  priority 200
  advert_int 0.1
  virtual_ipaddress { 192.0.2.${vrid}/24 }
}
`;

/** One virtual server per 250 real servers, every real server an address of the loopback network of its own. */
export function manyChecks(count: number, delayLoopSeconds: number): string {
  const servers = Array.from({ length: count }, (_, i) => `127.1.${Math.floor(i / 250)}.${1 + (i % 250)}`);
  const blocks: string[] = [];
  for (let i = 0; i < servers.length; i += 250) {
    const reals = servers
      .slice(i, i + 250)
      .map((address) => `  real_server ${address} ${PORT} {\n    weight 1\n    TCP_CHECK { connect_timeout 3 }\n  }`);
    const head = `virtual_server 198.51.100.${1 + i / 250} ${PORT} {\n  delay_loop ${delayLoopSeconds}\n  lb_algo rr\n  lb_kind NAT\n  protocol TCP`;
    blocks.push(`${head}\n${reals.join("\n")}\n}`);
  }
  return blocks.join("\n");
}

/** Needs root, network namespaces, keepalived and tcpdump. */
export async function measureAdvertGaps(seconds: number, checks: number): Promise<AdvertGapResult> {
  await using lan = await Lan.create(plainHosts("ours", "theirs"));
  const [ours, theirs] = [lan.host("ours"), lan.host("theirs")];
  await ours.spawn([process.execPath, compiled("bench/targets.ts"), String(PORT)]);
  const daemon = await ours.start(holdfast("memory"), instance(51) + manyChecks(checks, 5));
  await theirs.start(keepalived, instance(52), ["--vrrp"]);
  await until(
    "both are master",
    20_000,
    async () => (await ours.hasAddress("192.0.2.51")) && theirs.hasAddress("192.0.2.52"),
  );
  await until("it can be asked", 30_000, () => existsSync(daemon.files.controlSocket));
  const completed = (): Promise<number> => completedChecks(daemon.files.controlSocket);
  await until("all checks have run", 30_000, async () => (await completed()) >= checks, 250);

  await using capture = await lan.capture();
  const [before, start] = [await completed(), performance.now()];
  await until(
    "the capture is long enough",
    (seconds + 10) * 1000,
    () => performance.now() - start > seconds * 1000,
    100,
  );
  const checksPerSecond = ((await completed()) - before) / ((performance.now() - start) / 1000);

  const adverts = (await capture.frames()).filter((frame): frame is Advert => frame.kind === "advert");
  const gapsOf = (vrid: number): Gaps => summarize(adverts.filter((a) => a.vrid === vrid).map((a) => a.at));
  return { ours: gapsOf(51), keepalived: gapsOf(52), checksPerSecond };
}

function summarize(times: readonly number[]): Gaps {
  const gaps = times
    .slice(1)
    .map((at, i) => at - (times[i] ?? at))
    .sort((a, b) => a - b);
  const at = (quantile: number): number =>
    gaps[Math.min(gaps.length - 1, Math.floor(quantile * gaps.length))] ?? Number.NaN;
  return { count: gaps.length, median: at(0.5), p99: at(0.99), max: at(1), min: at(0) };
}

async function completedChecks(controlSocket: string): Promise<number> {
  const { askStatus } = await import("../main/control/status-client.js");
  const status = await askStatus(controlSocket);
  return Object.values(status.latency).reduce((sum, kind) => sum + kind.count, 0);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [seconds = 30, checks = 5000] = process.argv.slice(2).map(Number);
  const result = await measureAdvertGaps(seconds, checks);
  const row = (name: string, g: Gaps): string =>
    `${name.padEnd(12)}${[g.count, g.min, g.median, g.p99, g.max].map((n) => n.toFixed(2).padStart(10)).join("")}`;
  process.stdout.write(
    `adverts at 0.1 s, ${checks} checks (${result.checksPerSecond.toFixed(0)}/s), gaps in ms\n` +
      `${"".padEnd(12)}${["count", "min", "median", "p99", "max"].map((n) => n.padStart(10)).join("")}\n` +
      `${row("holdfast", result.ours)}\n${row("keepalived", result.keepalived)}\n${JSON.stringify(result)}\n`,
  );
}
