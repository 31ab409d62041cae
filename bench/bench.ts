/**
 * npm run bench                                             lists what there is
 * npm run bench -- SCENARIO [--peer a,b] [--json FILE] [--run NAME] [--quick]
 * npm run bench -- report FILE|DIRECTORY...                 writes docs/performance.md, or of some performance-vrrp.md or -lvs.md
 *
 * Exit code 1: work was lost or wrong, or a number was not reached. Scenarios need root: they make network namespaces.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { compiled, projectRoot } from "../test/harness/project.js";
import { machine } from "./measure/machine.js";
import { type PeerName, peerNames } from "./peers/peer.js";
import { parseReport, type Report, reportText } from "./report/json.js";
import { type Notes, performanceDocument } from "./report/markdown.js";
import { svg } from "./report/svg.js";
import { byQuantity, drawing, outcomeText } from "./report/table.js";
import { complaints } from "./report/verdict.js";
import { scenarios } from "./scenarios/all.js";
import type { Scenario } from "./scenarios/scenario.js";

/** Benches of one part each: a program of their own, with arguments of their own. */
const others: Readonly<Record<string, string>> = {
  "config-load": "How long does -t take for 37,205 real servers, ours and keepalived's?",
  lexer: "How fast are bytes made into statements?",
};

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const print = (text: string): void => void process.stdout.write(`${text}\n`);

function listing(): string {
  const known = [...scenarios.map(({ name, question }) => [name, question] as const), ...Object.entries(others)];
  const rows = known.map(([name, question]) => `  ${name.padEnd(16)}${question}`);
  const usage = "npm run bench -- NAME [--peer keepalived,haproxy] [--json FILE] [--run NAME] [--quick]";
  return [usage, "npm run bench -- report FILE|DIRECTORY...", "", ...rows].join("\n");
}

function peersFrom(text: string | undefined, scenario: Scenario): ReadonlySet<PeerName> {
  if (text === undefined) return new Set(scenario.peers);
  const words = text.split(",").filter((word) => word !== "");
  const unknown = words.filter((word) => !peerNames.some((name) => name === word));
  if (unknown.length > 0) throw new Error(`no such peer: ${unknown.join(", ")} - known: ${peerNames.join(", ")}`);
  return new Set(peerNames.filter((name) => words.includes(name)));
}

async function runScenario(scenario: Scenario, args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      peer: { type: "string" },
      json: { type: "string" },
      run: { type: "string" },
      quick: { type: "boolean", default: false },
    },
  });
  const on = machine();
  const at = new Date().toISOString();
  print(`${scenario.name}: ${scenario.question}`);
  const versions = Object.entries(on.versions).map(([name, version]) => `${name} ${version}`);
  print(
    `${on.cpu} x ${on.processors}, Linux ${on.kernel}, ${versions.join(", ")}, open files at most ${on.openFiles}\n`,
  );
  const start = performance.now();
  const outcome = await scenario.run({ quick: values.quick, peers: peersFrom(values.peer, scenario), say });
  const { name, question } = scenario;
  const run = values.run ?? at.slice(0, 10);
  const seconds = (performance.now() - start) / 1000;
  const report: Report = {
    format: "holdfast-bench",
    version: 1,
    run,
    scenario: name,
    question,
    quick: values.quick,
    at,
    seconds,
    machine: on,
    ...outcome,
  };
  print(outcomeText(outcome));
  for (const [, group] of byQuantity(outcome.distributions)) print(`\n${drawing(group)}`);
  if (values.json !== undefined) write(values.json, report);
  return judge(report);
}

function write(file: string, report: Report): void {
  mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
  writeFileSync(file, reportText(report));
  if (report.distributions.length === 0) return;
  writeFileSync(file.replace(/(\.json)?$/, ".svg"), svg(`${report.scenario}, ${report.run}`, report.distributions));
}

/** @returns the exit code */
function judge(report: Report): number {
  const { faults, missed } = complaints(report);
  if (faults.length > 0) print(`\nWORK WAS LOST OR WRONG:\n  ${faults.join("\n  ")}`);
  if (missed.length > 0) print(`\nNOT REACHED:\n  ${missed.join("\n  ")}`);
  return faults.length + missed.length === 0 ? 0 : 1;
}

/** The director's own: they came later, and are measured without the long ones. */
const ofDirector: readonly string[] = ["reload", "misc-storm"];

function documentOf(reports: readonly Report[]): string {
  if (reports.every(({ scenario }) => scenario.startsWith("vrrp-"))) return "performance-vrrp";
  return reports.every(({ scenario }) => ofDirector.includes(scenario)) ? "performance-lvs" : "performance";
}

function writeDocument(places: readonly string[]): void {
  const files = places.flatMap((place) =>
    statSync(place).isDirectory()
      ? readdirSync(place)
          .filter((name) => name.endsWith(".json"))
          .map((name) => path.join(place, name))
      : [place],
  );
  const order = (report: Report): number => scenarios.findIndex(({ name }) => name === report.scenario);
  const reports = files
    .map((file) => parseReport(readFileSync(file, "utf8"), file))
    .toSorted((a, b) => order(a) - order(b));
  const notes = JSON.parse(readFileSync(path.join(projectRoot, "bench/notes.json"), "utf8")) as Notes;
  const document = path.join(projectRoot, `docs/${documentOf(reports)}.md`);
  writeFileSync(document, performanceDocument(reports, notes));
  print(`${document} from ${reports.length} reports`);
}

const [name, ...args] = process.argv.slice(2);
const scenario = scenarios.find((one) => one.name === name);
if (scenario !== undefined) process.exitCode = await runScenario(scenario, args);
else if (name === "report") writeDocument(args);
else if (name !== undefined && Object.hasOwn(others, name)) {
  const { status } = spawnSync(process.execPath, [compiled(`bench/${name}.ts`), ...args], { stdio: "inherit" });
  process.exitCode = status ?? 1;
} else {
  print(listing());
  process.exitCode = name === undefined ? 0 : 1;
}
