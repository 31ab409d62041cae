/**
 * How long does `-t` take for 2,277 virtual servers with 37,205 real servers, ours and keepalived's, in one file and in 2,277
 * included ones? Whole processes, as an operator waits for them. Fails above 1.5 times keepalived's time or 300 MB.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { performance } from "node:perf_hooks";
import { projectRoot } from "../test/harness/project.js";
import { bigConfig } from "./big-config.js";
import { environment, median, spread } from "./figures.js";

const ROUNDS = Number(process.argv[2] ?? 7);
const MOST_TIMES = 1.5;
const MOST_MB = 300;
/** GNU time waits for the program and all that it starts, and tells the largest of them. */
const TIME = "/usr/bin/time";

interface Run {
  readonly milliseconds: number;
  readonly megabytes: number;
}

/** @throws Error when the program finds fault with the file: then there is nothing to compare */
function run(program: string, file: string): Run {
  const start = performance.now();
  const { status, stderr, error } = spawnSync(TIME, ["-f", "%M", program, "-t", "-f", file], { encoding: "utf8" });
  const milliseconds = performance.now() - start;
  if (error !== undefined) throw error;
  const lines = stderr.trim().split("\n");
  if (status !== 0 || lines.length !== 1)
    throw new Error(`${program} -t -f ${file}: exit ${status}\n${stderr.slice(0, 2000)}`);
  return { milliseconds, megabytes: Number(lines[0]) / 1024 };
}

/** @returns the main file of each form */
function write(folder: string): Readonly<Record<string, string>> {
  const { globals, services, whole } = bigConfig();
  const one = path.join(folder, "one.conf");
  const many = path.join(folder, "many.conf");
  writeFileSync(one, whole);
  writeFileSync(many, `${globals}include parts/*.conf\n`);
  mkdirSync(path.join(folder, "parts"));
  for (const [i, text] of services.entries()) {
    writeFileSync(path.join(folder, "parts", `${String(i).padStart(4, "0")}.conf`), text);
  }
  return { "one file": one, [`${services.length} files`]: many };
}

function compare(form: string, file: string): boolean {
  const ours = path.join(projectRoot, "bin/holdfast");
  const mine: Run[] = [];
  const theirs: Run[] = [];
  run(ours, file); // the disk cache is not part of the question
  for (let round = 0; round < ROUNDS; round++) {
    theirs.push(run("keepalived", file));
    mine.push(run(ours, file));
  }
  const tell = (name: string, runs: readonly Run[]): number => {
    const times = runs.map(({ milliseconds }) => milliseconds);
    const most = Math.max(...runs.map(({ megabytes }) => megabytes));
    const figures = `${median(times).toFixed(0)} ms (${spread(times, 0)}), at most ${most.toFixed(0)} MB`;
    process.stdout.write(`${form.padEnd(12)}${name.padEnd(12)}${figures}\n`);
    return median(times);
  };
  const reference = tell("keepalived", theirs);
  const ratio = tell("holdfast", mine) / reference;
  const ratios = mine.map(({ milliseconds }, i) => milliseconds / (theirs[i]?.milliseconds ?? Number.NaN));
  const largest = Math.max(...mine.map(({ megabytes }) => megabytes));
  const holds = ratio <= MOST_TIMES && largest <= MOST_MB;
  const limits = `limits ${MOST_TIMES} and ${MOST_MB} MB`;
  const verdict = `${ratio.toFixed(2)} times (${spread(ratios, 2)}), ${holds ? "holds" : "FAILED"}: ${limits}`;
  process.stdout.write(`${form.padEnd(12)}${"ratio".padEnd(12)}${verdict}\n`);
  return holds;
}

function main(): boolean {
  if (!existsSync(TIME)) throw new Error(`${TIME} is missing: install GNU time`);
  const version = spawnSync("keepalived", ["--version"], { encoding: "utf8" });
  if (version.error !== undefined) throw new Error("keepalived is missing: nothing to compare with");
  const name = (version.stderr + version.stdout).split("\n")[0];
  process.stdout.write(`${environment()}, ${name}, ${ROUNDS} rounds\n`);
  const folder = mkdtempSync(path.join(tmpdir(), "holdfast-bench-"));
  try {
    return Object.entries(write(folder))
      .map(([form, file]) => compare(form, file))
      .every((holds) => holds);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (!main()) process.exitCode = 1;
