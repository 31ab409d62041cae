// Inside the guest: how long is the table wrong after somebody else has changed it?
import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { askStatus } from "../../../main/control/status-client.js";
import { type Daemon, holdfast } from "../../harness/daemon.js";
import { loadIpvs, savedTable } from "../../harness/ipvs.js";
import { Lan, plainHosts } from "../../harness/lan.js";
import { until } from "../../harness/until.js";
import { healSteps } from "../steps.js";
import { Results } from "./results.js";

const LIMIT_MS = 2000;
/** A look at a table of 5,000 takes the guest's one CPU for a while, which the daemon has to go without: by ipvsadm longer than by /proc. */
const LOOK_EVERY_MS = { small: 50, large: 250 } as const;
const LOOK_MS = 1500;
/** The period follows from what reading costs, so the daemon has to have read everything once: at least so long. */
const FIRST_ROUND_MS = 15_000;

/** No checks: what has none is in service from the start. */
function config(services: number, destinationsEach: number): string {
  const blocks = Array.from({ length: services }, (_, service) => {
    const reals = Array.from(
      { length: destinationsEach },
      (_, i) => `  real_server 10.1.${service}.${i + 1} 80 {\n    weight 1\n  }`,
    );
    return `virtual_server 10.0.0.${service + 1} 80 {\n  lb_algo rr\n  lb_kind DR\n  protocol TCP\n${reals.join("\n")}\n}`;
  });
  return blocks.join("\n");
}

const results = new Results();
await using lan = await Lan.create(plainHosts("director", "elsewhere"));
const director = lan.host("director");
await loadIpvs(director);

interface Served {
  readonly daemon: Daemon;
  readonly table: readonly string[];
}

/** Starts with so many entries. @returns the daemon and the table as it should be */
async function serve(services: number, destinationsEach: number): Promise<Served> {
  const daemon = await director.start(holdfast("kernel"), config(services, destinationsEach), ["--check"]);
  const entries = services * (1 + destinationsEach);
  await until("the table is complete", 120_000, async () => (await savedTable(director)).length === entries, 250);
  return { daemon, table: await savedTable(director) };
}

/** @returns how long after the command the table was right again */
async function repaired(
  { daemon, table }: Served,
  within: number,
  size: keyof typeof LOOK_EVERY_MS,
  ...command: readonly string[]
): Promise<string> {
  await director.exec(["ipvsadm", ...command]);
  const missing = async (): Promise<readonly string[]> => {
    const found = new Set(await savedTable(director));
    return table.filter((line) => !found.has(line));
  };
  const isWhole = async (): Promise<boolean> =>
    size === "small" ? (await missing()).length === 0 : linesOf(daemon) === table.length;
  try {
    const took = await until("the table is repaired", within, isWhole, LOOK_EVERY_MS[size]);
    assert.deepEqual(await missing(), []);
    return `after ${took.toFixed(0)} ms`;
  } catch (error) {
    throw new Error(`missing: ${(await missing()).join(", ")}\n${await daemon.log()}`, { cause: error });
  }
}

const small = await serve(4, 25);
await results.step(healSteps.clear, () => repaired(small, LIMIT_MS, "small", "-C"));
await results.step(healSteps.service, () => repaired(small, LIMIT_MS, "small", "-D", "-t", "10.0.0.2:80"));
await results.step(healSteps.destination, () =>
  repaired(small, LIMIT_MS, "small", "-d", "-t", "10.0.0.3:80", "-r", "10.1.2.7:80"),
);
await small.daemon.stop();

const large = await serve(50, 100);
await results.step(healSteps.large, async () => {
  const began = performance.now();
  let pollPeriodMs = 0;
  const isKnown = async (): Promise<boolean> => {
    // No answer within its 5 s is no answer yet.
    const status = await askStatus(large.daemon.files.controlSocket).catch(() => undefined);
    pollPeriodMs = status?.ipvs.pollPeriodMs ?? 0;
    return pollPeriodMs > 0 && performance.now() - began > Math.max(FIRST_ROUND_MS, 2 * pollPeriodMs);
  };
  await until("everything has been read", 120_000, isKnown, 1000);
  const took = await repaired(large, pollPeriodMs + LOOK_MS, "large", "-d", "-t", "10.0.0.3:80", "-r", "10.1.2.7:80");
  return `${took}; published: ${pollPeriodMs} ms`;
});
await large.daemon.stop();

/** Read through /proc: ipvsadm would take the guest's one CPU for seconds. */
const HUGE = { services: 200, destinationsEach: 250 } as const;
const HUGE_LINES = HUGE.services * (1 + HUGE.destinationsEach);
const BEGINS_MS = 250;
const ENDS_MS = 3000;
const huge = await director.start(holdfast("kernel"), config(HUGE.services, HUGE.destinationsEach), ["--check"]);
await results.step(healSteps.huge, async () => {
  await until("the table is complete", 180_000, () => linesOf(huge) === HUGE_LINES, 1000);
  await sleep(FIRST_ROUND_MS);
  const scale = await restoring();
  await director.exec(["ipvsadm", "-C"]);
  const begun = performance.now();
  await until("it begins", 60_000, async () => beginning(huge.pid).includes("TCP"), 5);
  const began = performance.now() - begun;
  // To read 50,000 lines again and again would take the guest's one CPU from the daemon.
  const made = async (): Promise<number> => (await huge.log()).split("made again").length - 1;
  await until("every service is made again", 60_000, async () => (await made()) === HUGE.services, 50);
  const ended = performance.now() - begun;
  assert.equal(linesOf(huge), HUGE_LINES);
  const found = `begins after ${began.toFixed(0)} ms, ends after ${ended.toFixed(0)} ms; ipvsadm -R takes ${scale.toFixed(0)} ms`;
  assert.ok(began < Math.max(BEGINS_MS, scale / 10) && ended < Math.max(ENDS_MS, scale), found);
  return found;
});
await huge.stop();

/** Services and destinations in the daemon's namespace, below three lines of titles. */
function linesOf({ pid }: Daemon): number {
  return readFileSync(`/proc/${pid}/net/ip_vs`, "latin1").split("\n").length - 4;
}

/** How long ipvsadm takes for as many, elsewhere: on a machine that others load the guest is as slow for it. */
async function restoring(): Promise<number> {
  const lines = Array.from({ length: HUGE.services }, (_, service) => [
    `-A -t 10.0.0.${service + 1}:80 -s rr`,
    ...Array.from(
      { length: HUGE.destinationsEach },
      (_, i) => `-a -t 10.0.0.${service + 1}:80 -r 10.1.${service}.${i + 1}:80 -g -w 1`,
    ),
  ]);
  const file = path.join(lan.dir, "restored");
  await writeFile(file, `${lines.flat().join("\n")}\n`);
  const begun = performance.now();
  await lan.host("elsewhere").exec(["sh", "-c", `ipvsadm -R < ${file}`], { timeoutMs: 180_000 });
  const took = performance.now() - begun;
  await lan.host("elsewhere").exec(["ipvsadm", "-C"]);
  return took;
}

/**
 * The first service and some of its destinations. The first reading ends before a service that is larger than the kernel's buffer,
 * which the second one makes larger.
 */
function beginning(pid: number): string {
  const fd = openSync(`/proc/${pid}/net/ip_vs`, "r");
  try {
    const bytes = Buffer.alloc(1024);
    const first = readSync(fd, bytes);
    const second = readSync(fd, bytes, first, bytes.length - first, null);
    return bytes.toString("latin1", 0, first + second);
  } finally {
    closeSync(fd);
  }
}
