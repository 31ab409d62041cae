// Inside the guest: all configurations in one file, with keepalived and with holdfast at the same time, and the same web servers fail.
import assert from "node:assert/strict";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Daemon, holdfast, keepalived } from "../../harness/daemon.js";
import type { Host } from "../../harness/host.js";
import { loadIpvs, savedTable } from "../../harness/ipvs.js";
import { type HostSpec, Lan } from "../../harness/lan.js";
import { realServers } from "../../harness/real-servers.js";
import { until } from "../../harness/until.js";
import { type EqualityCase, equalityCases } from "../equality/cases.js";
import { type Moment, moments } from "../equality/moments.js";
import { type Mutant, mutantStep, mutants } from "../equality/mutants.js";
import { type Edit, equalityDir, numberOf, preamble, textOf, webIpv4, webIpv6, webNumbers } from "../equality/shape.js";
import { Results, UNUSABLE } from "./results.js";

/** A check and its retry, both in vain, take 2 + 1 + 1 + 1 s. What does not change for longer is at rest. */
const QUIET_MS = 7000;
const PATIENCE_MS = 120_000;
/** Until the first of them change at all: many times that. */
const FOLLOWS_MS = 40_000;
/** What is not equal then may become so: the guest is slow. */
const GRACE_MS = 20_000;

/** A configuration with its number, which is in its addresses, marks and names. */
interface Entry {
  readonly number: number;
  readonly of: EqualityCase;
  readonly mutant?: Mutant;
}
/** Lines of a table by configuration. */
type Tables = ReadonlyMap<number, readonly string[]>;
interface Comparison {
  readonly moment: Moment;
  readonly want: readonly string[];
  readonly got: readonly string[];
  /** keepalived's at the same time, where not that is wanted. */
  readonly reference: readonly string[];
}

const entries: readonly Entry[] = [
  ...equalityCases.map((of, i) => ({ number: i + 1, of })),
  ...mutants.map((mutant, i) => ({ number: equalityCases.length + i + 1, of: caseOf(mutant), mutant })),
];
const file = (edited: boolean, whose: "keepalived" | "holdfast"): string =>
  preamble + entries.map((entry) => textOf(shapeOf(entry, edited, whose), entry.number)).join("");

const results = new Results();
const host = (name: string, last: number): HostSpec => ({
  name,
  links: [{ device: "eth0", addresses: [`192.168.91.${last}/24`, `2001:db8:91::${last}/64`] }],
});
await using lan = await Lan.create([
  ...["reference", "fresh", "ours"].map((name, i) => host(name, 21 + i)),
  ...webNumbers.map((web) => ({
    name: `web${web}`,
    links: [{ device: "eth0", addresses: [`${webIpv4(web)}/24`, `${webIpv6(web)}/64`] }],
  })),
]);
const [reference, fresh, ours] = [lan.host("reference"), lan.host("fresh"), lan.host("ours")];
const directors = [reference, fresh, ours];
const compared = new Map<number, Comparison[]>(entries.map(({ number }) => [number, []]));
let up: readonly number[] = webNumbers;

await prepare();
const wanted = await reference.start(keepalived, file(false, "keepalived"), ["--check"]);
const daemon = await ours.start(holdfast("kernel"), file(false, "holdfast"), ["--check"]);
await until("both have started", 2 * PATIENCE_MS, async () => (await started(wanted)) && (await started(daemon)), 200);

const running = new Map<Host, Daemon>([
  [reference, wanted],
  [ours, daemon],
]);

for (const { name, up: alive } of moments) {
  const begun = performance.now();
  await setAlive(alive);
  if (name === "after a reload with edits") await reload();
  if (name === "after SIGTERM") await Promise.all(directors.map(stop));
  await compare(name);
  console.log(`${name}: ${(performance.now() - begun).toFixed(0)} ms`);
}

const logs = { keepalived: await wanted.log(), holdfast: await daemon.log() };
for (const entry of entries) {
  const { of, mutant } = entry;
  await results.step(mutant === undefined ? of.name : mutantStep(mutant), () =>
    mutant === undefined ? judge(entry) : judgeMutant(entry, mutant),
  );
}

async function prepare(): Promise<void> {
  await loadIpvs(reference);
  await mkdir(equalityDir, { recursive: true });
  await writeFile(path.join(equalityDir, "exit"), `#!/bin/sh\n. ${equalityDir}/web$1.exit\n`);
  await writeFile(path.join(equalityDir, "web0.exit"), "exit 0\n");
  await chmod(path.join(equalityDir, "exit"), 0o755);
  for (const web of webNumbers) await writeFiles(web, true);
  for (const { number, of } of entries)
    if (of.local === true)
      for (const director of directors) await director.exec(["ip", "addr", "add", `10.91.${number}.1/32`, "dev", "lo"]);
  await chmod(lan.dir, 0o755); // exim is not root
  for (const web of webNumbers) {
    const dir = path.join(lan.dir, `servers${web}`);
    await mkdir(dir);
    await (await realServers(lan.host(`web${web}`), dir)).start();
  }
  const listening = async (web: number): Promise<boolean> =>
    [":80 ", ":443 ", ":25 ", ":53 "].every((port) => sockets.get(web)?.includes(port));
  const sockets = new Map<number, string>();
  await until(
    "the web servers listen",
    PATIENCE_MS,
    async () => {
      for (const web of webNumbers) sockets.set(web, await lan.host(`web${web}`).exec(["ss", "-Htuln"]));
      return (await Promise.all(webNumbers.map(listening))).every(Boolean);
    },
    200,
  );
}

/** A web server that is not well is off the network, and its files say so. */
async function setAlive(alive: readonly number[]): Promise<void> {
  for (const web of webNumbers) {
    const well = alive.includes(web);
    if (well === up.includes(web)) continue;
    await (well ? lan.heal(`web${web}`) : lan.cut(`web${web}`, "silence"));
    await writeFiles(web, well);
  }
  up = alive;
}

/** Exit status 7 asks misc_dynamic for a weight of 5. */
async function writeFiles(web: number, well: boolean): Promise<void> {
  await writeFile(path.join(equalityDir, `web${web}`), well ? "0\n" : "1\n");
  await writeFile(path.join(equalityDir, `web${web}.exit`), `exit ${well ? 0 : 7}\n`);
}

/** And a keepalived that starts with the edited file, since a reload of 2.2.7 does not always arrive at what the file says. */
async function reload(): Promise<void> {
  await writeFile(wanted.files.config, file(true, "keepalived"));
  await writeFile(daemon.files.config, file(true, "holdfast"));
  for (const one of [wanted, daemon]) one.signal("SIGHUP");
  running.set(fresh, await fresh.start(keepalived, file(true, "keepalived"), ["--check"]));
}

async function compare(moment: Moment): Promise<void> {
  await until(`keepalived follows ${moment}`, FOLLOWS_MS, async () => isFollowed(moment, await read()), 400).catch(
    () => undefined,
  );
  let tables = await settled();
  const unequal = (): number =>
    entries.filter((entry) => entry.mutant === undefined && !same(at(moment, entry, tables))).length;
  for (const end = performance.now() + GRACE_MS; unequal() > 0 && performance.now() < end; tables = await read())
    await sleep(500);
  refersTo(moment, tables);
  for (const entry of entries) compared.get(entry.number)?.push(at(moment, entry, tables));
}

/** 2.2.7 stops checking now and then, for good: then there is nothing to compare with, and the guest is booted once more. */
function refersTo(moment: Moment, tables: readonly Tables[]): void {
  if (isFollowed(moment, tables)) return;
  const lines = plainestLines(tables);
  console.log(
    `keepalived does not follow ${moment}: ${lines} lines of ${entries[0]?.of.name} with ${up.length} servers`,
  );
  process.exit(UNUSABLE);
}

/** By the plainest configuration. */
function isFollowed(moment: Moment, tables: readonly Tables[]): boolean {
  return moment === "after SIGTERM" || plainestLines(tables) === 1 + up.length;
}

function plainestLines([reference]: readonly Tables[]): number | undefined {
  return reference?.get(entries[0]?.number ?? 0)?.length;
}

function at(moment: Moment, { number, of }: Entry, [reference, fresh, ours]: readonly Tables[]): Comparison {
  const lines = (tables: Tables | undefined): readonly string[] => tables?.get(number) ?? [];
  const first = moments.findIndex(({ name }) => name === "after a reload with edits");
  const useFresh = of.reload !== undefined && moments.findIndex(({ name }) => name === moment) >= first;
  return { moment, want: lines(useFresh ? fresh : reference), got: lines(ours), reference: lines(reference) };
}

async function settled(): Promise<readonly Tables[]> {
  const begun = performance.now();
  let last = await read();
  for (let since = performance.now(); performance.now() - since < QUIET_MS; ) {
    assert.ok(performance.now() - begun < PATIENCE_MS, "the tables do not come to rest");
    await sleep(400);
    const now = await read();
    if (now.some((tables, i) => !equal(tables, last[i]))) since = performance.now();
    last = now;
  }
  return last;
}

function read(): Promise<readonly Tables[]> {
  return Promise.all(directors.map(async (director) => byNumber(await savedTable(director))));
}

function byNumber(table: readonly string[]): Tables {
  const tables = new Map<number, string[]>();
  for (const line of table) {
    const number = numberOf(line);
    assert.ok(compared.has(number), `a line of no configuration: ${line}`);
    tables.set(number, [...(tables.get(number) ?? []), line]);
  }
  return tables;
}

function judge({ number, of }: Entry): string {
  const all = compared.get(number) ?? [];
  assert.equal(all.length, moments.length, "not every moment was reached");
  for (const comparison of all) {
    const { moment, want, got } = comparison;
    assert.deepEqual(got, want, `${moment}\n${said("holdfast", number)}\n${said("keepalived", number)}`);
  }
  const [rest, failure] = all;
  assert.ok(rest !== undefined && rest.want.length > 0, "keepalived has made nothing of it");
  assert.equal(same({ want: rest.want, got: failure?.want ?? [] }), of.steady === true, "what a failure does");
  assert.deepEqual(all.at(-1)?.want, [], "SIGTERM leaves something");
  if (of.reload !== undefined)
    assert.ok(
      all.some(({ want, reference: theirs }) => !same({ want, got: theirs })),
      "keepalived does well by now",
    );
  return all.map(({ moment, want }) => `${moment} ${want.length}`).join(", ");
}

function judgeMutant({ number }: Entry, { seen }: Mutant): string {
  const names = (compared.get(number) ?? []).filter((comparison) => !same(comparison)).map(({ moment }) => moment);
  assert.deepEqual(
    names,
    moments.map(({ name }) => name).filter((name) => seen.includes(name)),
  );
  return names.join(", ");
}

/** What a daemon has said of a configuration. */
function said(whose: keyof typeof logs, number: number): string {
  const about = new RegExp(
    `10\\.91\\.${number}\\.|2001:db8:9100:${number}:|\\[?g${number}[a-z]?\\]?:|FWM ${number}\\d\\b`,
  );
  return `${whose}:\n${logs[whose]
    .split("\n")
    .filter((line) => about.test(line))
    .slice(-25)
    .join("\n")}`;
}

function shapeOf({ of, mutant }: Entry, edited: boolean, whose: "keepalived" | "holdfast"): EqualityCase["shape"] {
  const mutate: Edit = whose === "holdfast" && mutant !== undefined ? mutant.edit : (shape) => shape;
  return edited ? of.edit(mutate(of.shape)) : mutate(of.shape);
}

function caseOf({ of: name }: Mutant): EqualityCase {
  const found = equalityCases.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no configuration is called ${name}`);
  return found;
}

async function stop(director: Host): Promise<void> {
  await running.get(director)?.stop();
}

async function started(one: Daemon): Promise<boolean> {
  return /Startup complete/.test(await one.log());
}

function same({ want, got }: Pick<Comparison, "want" | "got">): boolean {
  return got.join("\n") === want.join("\n");
}

function equal(a: Tables, b: Tables | undefined): boolean {
  return b?.size === a.size && [...a].every(([number, lines]) => same({ want: lines, got: b.get(number) ?? [] }));
}
