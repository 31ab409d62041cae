import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { parseReport, type Report } from "../../bench/report/json.js";
import { needs } from "../harness/needs.js";
import { compiled, projectRoot } from "../harness/project.js";

const programs = existsSync(path.join(projectRoot, "build/bench/arrival_target"));
const skip = needs("root", "netns", "native") || (programs ? false : "needs the programs of the bench (npm run setup)");

/** Whether its numbers are reached is the bench's own business; that it measures what is there is ours. */
test("a scenario runs from the command line and leaves its report", { skip, timeout: 200_000 }, () => {
  const dir = mkdtempSync(path.join(tmpdir(), "holdfast-bench-"));
  try {
    const file = path.join(dir, "scale.json");
    const argv = [compiled("bench/bench.ts"), "check-scale", "--quick", "--peer", "", "--run", "test", "--json", file];
    const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: "utf8", timeout: 180_000 });
    assert.equal(status, 0, `${stdout}\n${stderr}`);
    const { run, figures, distributions, faults } = parseReport(readFileSync(file, "utf8"), file);
    assert.deepEqual([run, faults], ["test", []]);
    const rate = figures.find(({ quantity }) => quantity === "checks")?.rounds[0] ?? 0;
    // 1,000 servers every 2 s: 500 a second, less what a check takes itself and a window of 3 s leaves to chance.
    assert.ok(rate > 400 && rate < 600, `${rate}/s`);
    const lateness = distributions[0]?.quantiles.find(([q]) => q === 0.5)?.[1] ?? Number.NaN;
    assert.ok(lateness < 1000, `${lateness} ms late`);
    assert.match(readFileSync(path.join(dir, "scale.svg"), "utf8"), /<polyline/);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

const vrrpSkip = needs("root", "netns", "native", "keepalived", "tcpdump");

/** Its quick form, whose figures are those of a loaded machine: only that they are there, and that nothing is early or lost. */
function quick(scenario: string): Report {
  const dir = mkdtempSync(path.join(tmpdir(), "holdfast-bench-"));
  try {
    const file = path.join(dir, "report.json");
    const argv = [compiled("bench/bench.ts"), scenario, "--quick", "--run", "test", "--json", file];
    const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: "utf8", timeout: 220_000 });
    assert.equal(status, 0, `${stdout}\n${stderr}`);
    const report = parseReport(readFileSync(file, "utf8"), file);
    assert.deepEqual(report.faults, []);
    return report;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const roundsOf = ({ figures }: Report, subject: string, quantity: string): readonly number[] =>
  figures.find((figure) => figure.subject === subject && figure.quantity === quantity)?.rounds ?? [];

test("vrrp-failover measures both programs", { skip: vrrpSkip, timeout: 240_000 }, () => {
  const report = quick("vrrp-failover");
  for (const subject of ["keepalived", "holdfast"]) {
    const rounds = roundsOf(report, subject, "to first gratuitous ARP");
    assert.equal(rounds.length, 2, subject);
    assert.ok(
      rounds.every((late) => late > 0 && late < 500),
      `${subject}: ${rounds} ms`,
    );
  }
});

test("vrrp-stop measures both programs", { skip: vrrpSkip, timeout: 240_000 }, () => {
  const report = quick("vrrp-stop");
  for (const subject of ["keepalived", "holdfast"])
    assert.equal(roundsOf(report, subject, "to first gratuitous ARP").length, 2, subject);
});

test("vrrp-scale counts adverts, processor time and memory of both sides", { skip: vrrpSkip, timeout: 240_000 }, () => {
  const report = quick("vrrp-scale");
  for (const role of ["master", "backup"])
    for (const subject of ["keepalived", "holdfast"]) {
      const quantities = report.figures.filter((f) => f.subject === subject && f.case === `100 instances, ${role}`);
      assert.ok(quantities.some(({ quantity, rounds }) => quantity === "processor" && (rounds[0] ?? 0) > 0));
      assert.ok(quantities.some(({ quantity, rounds }) => quantity === "resident memory" && (rounds[0] ?? 0) > 1000));
    }
  assert.equal(report.distributions.length, 2);
});

test("vrrp-start sees the last VMAC get its address", { skip: vrrpSkip, timeout: 240_000 }, () => {
  const report = quick("vrrp-start");
  for (const subject of ["keepalived", "holdfast"]) {
    const [first, last] = ["to the first address", "to the last address"].map(
      (q) => roundsOf(report, subject, q)[0] ?? 0,
    );
    assert.ok(
      first !== undefined && last !== undefined && first > 0 && first <= last,
      `${subject}: ${first}, ${last} s`,
    );
  }
});

test("what is not there is listed", { skip: needs("native") }, () => {
  const { status, stdout } = spawnSync(process.execPath, [compiled("bench/bench.ts"), "no-such"], { encoding: "utf8" });
  assert.equal(status, 1);
  for (const name of [
    "check-cost",
    "mass-failure",
    "ipvs-rate",
    "vrrp-failover",
    "vrrp-stop",
    "vrrp-scale",
    "vrrp-start",
    "lexer",
    "reload",
  ])
    assert.ok(stdout.includes(name), name);
});

test("misc-storm: both programs run all of theirs, and ours bounds them", { skip: vrrpSkip, timeout: 240_000 }, () => {
  const report = quick("misc-storm");
  for (const subject of ["keepalived", "holdfast"]) {
    const of = (name: string, quantity: string): number =>
      report.figures.find((f) => f.case === name && f.subject === subject && f.quantity === quantity)?.rounds[0] ?? 0;
    assert.ok(of("programs that end at once", "runs") > 30, `${subject}: ${of("programs that end at once", "runs")}/s`);
    assert.ok(of("programs that end at once", "processor per run, without the program's own") > 0, subject);
    assert.ok(of("programs that take 3 s", "programs at once") >= 60, subject);
  }
});

test("reload: what a reload writes is what has changed", { skip: vrrpSkip, timeout: 240_000 }, () => {
  const report = quick("reload");
  const of = (name: string, subject: string, quantity: string): number =>
    report.figures.find(
      (f) => f.case === `1000 real servers, ${name}` && f.subject === subject && f.quantity === quantity,
    )?.rounds[0] ?? Number.NaN;
  const written = (name: string): number => of(name, "holdfast", "commands to the table");
  assert.deepEqual(["unchanged", "1 % changed", "all changed", "all replaced"].map(written), [0, 10, 1000, 2000]);
  for (const subject of ["keepalived", "holdfast"]) {
    assert.ok(of("unchanged", subject, "until its log says so") < 20, subject);
    assert.ok(of("all changed", subject, "latest advert") >= 0, subject);
  }
  assert.ok(of("all replaced", "holdfast", "main thread away from its loop, working") > 0);
});
