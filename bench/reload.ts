/**
 * How long does a reload of 2,277 virtual servers and 37,205 real servers, one check each, keep the main thread from its loop?
 * Usage: node dist/bench/reload.js [virtual-servers] [real-servers] [rounds]   (root: network namespaces). Exit 1: a block above 5 ms.
 */
import { closeSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Daemon } from "../test/harness/daemon.js";
import { holdfast } from "../test/harness/daemon.js";
import type { Advert } from "../test/harness/frames.js";
import { Lan, plainHosts } from "../test/harness/lan.js";
import { compiled } from "../test/harness/project.js";
import { until } from "../test/harness/until.js";
import type { GcPause, LoopBlock } from "./loop-probe.js";

const PORT = 8080;
const ALLOWED_MS = 5;

const instance = `
vrrp_instance V {
  version 3
  state MASTER
  interface eth0
  virtual_router_id 51
  priority 200
  advert_int 0.1
  virtual_ipaddress { 192.0.2.51/24 }
}
`;

interface Farm {
  readonly virtualServers: number;
  readonly realServers: number;
  /** First octets of the addresses of services and servers. */
  readonly networks: readonly [services: number, servers: string];
  readonly weightOf: (realServer: number) => number;
}

const address = (n: number): string => `${(n >> 8) & 255}.${n & 255}`;

function farmText({ virtualServers, realServers, networks: [services, servers], weightOf }: Farm): string {
  const blocks: string[] = [];
  let real = 0;
  for (let i = 0; i < virtualServers; i++) {
    const lines = [`virtual_server ${services}.1.${address(i + 1)} ${PORT} {`];
    lines.push("  delay_loop 60", "  lvs_sched wrr", "  lvs_method NAT", "  protocol TCP");
    for (const end = Math.floor((realServers * (i + 1)) / virtualServers); real < end; real++) {
      lines.push(`  real_server ${servers}.${address(real + 1)} ${PORT} {`, `    weight ${weightOf(real)}`);
      lines.push(
        "    TCP_CHECK {",
        "      connect_timeout 3",
        "      retry 2",
        "      delay_before_retry 2",
        "    }",
        "  }",
      );
    }
    blocks.push(lines.join("\n"), "}");
  }
  return `${instance}${blocks.join("\n")}\n`;
}

/** What the probe and the wire say of the time between two moments. */
interface Row {
  readonly what: string;
  readonly seconds: number;
  /** Longest times, ms: away from the loop, processor time of that, in garbage collection, between two adverts. */
  readonly block: number;
  readonly cpu: number;
  /** Of `cpu`, scavenges and ends of markings; steps of a marking are not reported by V8. */
  readonly gcOfCpu: number;
  readonly gc: number;
  readonly advertGap: number;
  readonly over: number;
  readonly rssMiB: number;
}

/** Reads what is appended to a file, once. */
class Tail {
  readonly #fd: number;
  #at = 0;

  constructor(file: string) {
    this.#fd = openSync(file, "a+");
  }

  read(): string {
    const bytes = Buffer.alloc(fstatSync(this.#fd).size - this.#at);
    this.#at += readSync(this.#fd, bytes, 0, bytes.length, this.#at);
    return bytes.toString("utf8");
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

const largest = (numbers: readonly number[]): number => numbers.reduce((max, n) => Math.max(max, n), 0);

async function measure(virtualServers: number, realServers: number, rounds: number): Promise<readonly Row[]> {
  const base: Farm = { virtualServers, realServers, networks: [10, "127.1"], weightOf: () => 1 };
  const one = Math.floor(realServers / 2);
  const variants: readonly (readonly [string, Farm])[] = [
    ["no change", base],
    ["1 virtual server", { ...base, weightOf: (n) => (n === one ? 2 : 1) }],
    ["10 % of the servers", { ...base, weightOf: (n) => (n % 10 === 0 ? 3 : 1) }],
    ["everything renumbered", { ...base, networks: [11, "127.2"] }],
  ];
  await using lan = await Lan.create(plainHosts("ours"));
  const host = lan.host("ours");
  const probeFile = path.join(lan.dir, "probe.jsonl");
  process.env["HOLDFAST_LOOP_PROBE"] = probeFile; // both reach the daemon through its launcher
  process.env["NODE_OPTIONS"] = `--import ${pathToFileURL(compiled("bench/loop-probe.ts")).href}`;
  await host.spawn([process.execPath, compiled("bench/targets.ts"), String(PORT)]);
  const started = performance.now();
  const daemon = await host.start(holdfast("memory"), farmText(base));
  using log = new Tail(daemon.files.log);
  using probe = new Tail(probeFile);
  const says = async (sentence: string): Promise<void> => {
    await until(sentence, 120_000, () => log.read().includes(sentence), 50);
  };
  await says("Startup complete");
  process.stdout.write(`start: ${((performance.now() - started) / 1000).toFixed(2)} s\n`);
  await until("it is master", 20_000, () => host.hasAddress("192.0.2.51"));
  await pause(10_000); // copy of the configuration, first checks, code made fast
  await using capture = await lan.capture();

  const windows: { readonly what: string; readonly from: number; readonly to: number; readonly rssMiB: number }[] = [];
  const reload = async (what: string, farm: Farm): Promise<void> => {
    await writeFile(`${daemon.files.config}.new`, farmText(farm));
    await rename(`${daemon.files.config}.new`, daemon.files.config);
    const from = performance.timeOrigin + performance.now();
    daemon.signal("SIGHUP");
    await says("Reload complete");
    const to = performance.timeOrigin + performance.now();
    await pause(2000); // what is left to do behind it counts as well
    windows.push({ what, from, to, rssMiB: rssMiB(daemon) });
  };
  for (let round = 0; round < rounds; round++)
    for (const [what, farm] of variants) {
      await reload(what, farm);
      if (farm !== base) await reload(`${what}, back`, base);
    }
  const idle = performance.timeOrigin + performance.now();
  await pause(5000);
  windows.push({ what: "idle", from: idle, to: idle + 3000, rssMiB: rssMiB(daemon) });
  await pause(500); // the probe writes its last lines
  const events = probe
    .read()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as LoopBlock | GcPause)
    .filter(({ pid }) => pid === daemon.nodePid);
  const adverts = (await capture.frames())
    .filter((frame): frame is Advert => frame.kind === "advert")
    .map(({ at }) => at);
  return windows.map(({ what, from, to, rssMiB }) => {
    const inside = ({ at }: { readonly at: number }): boolean => at >= from && at <= to + 2000;
    const blocks = events.filter((event): event is LoopBlock => event.kind === "block").filter(inside);
    const pauses = events.filter((event): event is GcPause => event.kind === "gc").filter(inside);
    const own = blocks.map(({ cpuMs }) => cpuMs);
    return {
      what,
      seconds: (to - from) / 1000,
      block: largest(blocks.map(({ wallMs }) => wallMs)),
      cpu: largest(own),
      gcOfCpu: collected(blocks, pauses),
      gc: largest(pauses.map(({ wallMs }) => wallMs)),
      over: own.filter((wall) => wall > ALLOWED_MS).length,
      advertGap: largest(gapsBetween(adverts, from, to + 2000)),
      rssMiB,
    };
  });
}

/** Garbage collection within the block of the most processor time; no more than that, as pauses are wall-clock time. */
function collected(blocks: readonly LoopBlock[], pauses: readonly GcPause[]): number {
  const worst = blocks.reduce<LoopBlock | undefined>(
    (w, b) => (w !== undefined && w.cpuMs >= b.cpuMs ? w : b),
    undefined,
  );
  if (worst === undefined) return 0;
  const inside = pauses.filter(({ at, wallMs }) => at <= worst.at && at - wallMs >= worst.at - worst.wallMs);
  return Math.min(
    worst.cpuMs,
    inside.reduce((sum, { wallMs }) => sum + wallMs, 0),
  );
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function gapsBetween(times: readonly number[], from: number, to: number): number[] {
  return times.flatMap((at, i) => (i > 0 && at >= from && at <= to ? [at - (times[i - 1] ?? at)] : []));
}

function rssMiB(daemon: Daemon): number {
  const status = readFileSync(`/proc/${daemon.nodePid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}

const [virtualServers = 2277, realServers = 37_205, rounds = 3] = process.argv.slice(2).map(Number);
const rows = await measure(virtualServers, realServers, rounds);
const columns = ["s", "block", "cpu", "of it gc", "over 5", "gc", "advert gap", "RSS MiB"];
process.stdout.write(`${"".padEnd(30)}${columns.map((name) => name.padStart(11)).join("")}\n`);
for (const { what, seconds, block, cpu, gcOfCpu, over, gc, advertGap, rssMiB } of rows) {
  const cells = [
    seconds.toFixed(2),
    block.toFixed(1),
    cpu.toFixed(1),
    gcOfCpu.toFixed(1),
    String(over),
    gc.toFixed(1),
    advertGap.toFixed(1),
    rssMiB.toFixed(0),
  ];
  process.stdout.write(`${what.padEnd(30)}${cells.map((cell) => cell.padStart(11)).join("")}\n`);
}
process.stdout.write(`${JSON.stringify(rows)}\n`);
if (rows.some(({ cpu }) => cpu > ALLOWED_MS)) process.exitCode = 1;
