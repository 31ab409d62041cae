import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import path from "node:path";
import { type Daemon, keepalived, type Program } from "../harness/daemon.js";
import type { Lan } from "../harness/lan.js";
import { until } from "../harness/until.js";
import { writtenFile } from "../harness/written-file.js";

/** keepalived_check.data of either program, in parts that can be compared. */

export const check = / -> /;

export interface Block {
  readonly title: string;
  readonly lines: readonly string[];
}

/** From the title of the LVS topology on. A check's title has its kind. */
export function blocksOf(data: string): readonly Block[] {
  const blocks: { title: string; lines: string[] }[] = [];
  for (const line of data.slice(data.indexOf("------< LVS Topology")).split("\n")) {
    const isTitle = /^ *------<|^ VS |^ {3}RIP = |^ \S.* -> \[|^ Track file|^ Checker Track/.test(line);
    if (isTitle) blocks.push({ title: line, lines: [] });
    else blocks.at(-1)?.lines.push(line);
  }
  return blocks.map(({ title, lines }) => {
    const kind = check.test(title) ? lines.find((line) => line.includes("Keepalive method")) : undefined;
    return { title: `${title}${kind ?? ""}`, lines };
  });
}

async function dumpOf(daemon: Daemon, folder: string): Promise<string> {
  const file = path.join(folder, "keepalived_check.data");
  await rm(file, { force: true });
  process.kill(daemon.pid, "SIGUSR1");
  return writtenFile(daemon, file);
}

/** 2.2.7 does not always say the first; what it says of its checks comes after the start, too. */
const STARTED = /Startup complete|(Dea|A)ctivating healthchecker|_CHECK on service \S+ failed/;

/** A start of either program with --check; again where 2.2.7 stops for good in the middle of its own, about once in forty. */
export async function started(start: () => Promise<Daemon>): Promise<Daemon> {
  for (let again = 2; ; again--) {
    const daemon = await start();
    const isReference = daemon.program.name === keepalived.name;
    try {
      const hasStarted = async (): Promise<boolean> => STARTED.test(await daemon.log());
      await until("it has started", isReference ? 10_000 : 30_000, hasStarted, 20);
      return daemon;
    } catch {
      if (!isReference || again === 0) assert.fail(`${daemon.program.name} does not start:\n${await daemon.log()}`);
      await daemon.crash();
    }
  }
}

/** Starts it with a folder for its dumps. @returns how to get one */
export async function runAt(
  lan: Lan,
  host: string,
  { name, argv }: Program,
  config: string,
): Promise<() => Promise<string>> {
  const folder = path.join(lan.dir, host);
  const program: Program = { name, argv: ["env", `TMPDIR=${folder}`, ...argv] };
  const daemon = await started(() => lan.host(host).start(program, config, ["--check"]));
  return () => dumpOf(daemon, folder);
}
