import assert from "node:assert/strict";
import { chmodSync, existsSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { holdfast as ours } from "../../bench/peers/holdfast.js";
import { keepalived as reference } from "../../bench/peers/keepalived.js";
import type { Checker, RunningChecker } from "../../bench/peers/peer.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { projectRoot } from "../harness/project.js";
import { until } from "../harness/until.js";

const library = existsSync(path.join(projectRoot, "build/bench/keepalived_ipvs_preload.so"));
const skip =
  needs("root", "netns", "native", "keepalived") ||
  (library ? false : "needs the programs of the bench (npm run setup)");

const scripts: Readonly<Record<string, string>> = {
  pass: "exit 0",
  fail: "exit 1",
  seven: "exit 7",
  crash: "kill -SEGV $$",
  slow: "exec sleep 30",
  deaf: 'trap "" TERM\nwhile :; do sleep 1; done',
  escape: "setsid sleep 31 &\nsleep 30",
  changes: "exit $(cat DIR/status)",
  weighs: "exit $(cat DIR/weight)",
};

const servers: readonly (readonly [script: string, ...settings: string[]])[] = [
  ["pass"],
  ["fail"],
  ["seven", "misc_dynamic"],
  ["crash"],
  ["slow", "misc_timeout 1"],
  ["deaf", "misc_timeout 1"],
  ["escape", "misc_timeout 1"],
  ["changes", "retry 2", "delay_before_retry 1"],
  ["changes", "retry 2", "delay_before_retry 1", "log_all_failures", "alpha"],
  ["weighs", "misc_dynamic"],
];

function configOf(dir: string): string {
  const reals = servers.flatMap(([script, ...settings], i) => [
    `real_server 10.9.0.${i + 1} 80 {`,
    "weight 10",
    "MISC_CHECK {",
    `misc_path "${dir}/${script} ${i}"`, // an argument of its own: each is a check of its own
    "delay_loop 2",
    "warmup 0",
    ...settings,
    "}",
    "}",
  ]);
  const files = [`track_file load {`, `file "${dir}/load"`, "weight 1", "}"];
  const followers = ["", "weight 0", "weight 2 reverse"].flatMap((weight, i) => [
    `real_server 10.9.1.${i + 1} 80 {`,
    "weight 10",
    `FILE_CHECK {\ntrack_file load\n${weight}\n}`,
    "}",
  ]);
  // What a program says and what two files say, together.
  const sum = [
    "real_server 10.9.1.4 80 {",
    "weight 10",
    `MISC_CHECK {\nmisc_path "${dir}/weighs sum"\ndelay_loop 2\nwarmup 0\nmisc_dynamic\n}`,
    "FILE_CHECK {\ntrack_file load\n}",
    "FILE_CHECK {\ntrack_file half\nweight 3\n}",
    "}",
  ];
  files.push("track_file half {", `file "${dir}/half"`, "weight 1", "}");
  const head = ["global_defs {", "script_user root", "}", ...files, "virtual_server 10.9.9.9 80 {", "delay_loop 2"];
  return [...head, "lb_algo rr", "lb_kind NAT", "protocol TCP", ...reals, ...followers, ...sum, "}", ""].join("\n");
}

const tracked: ReadonlySet<string> = new Set(["load", "half"]);

/** What a program is told to do while a daemon runs, in steps that are far enough apart for both. */
async function played(checker: Checker): Promise<ReadonlyMap<string, readonly string[]>> {
  await using lan = await Lan.create(plainHosts("ours"));
  const { dir } = lan;
  const write = (name: string, text: string): void => writeFileSync(path.join(dir, name), `${text}\n`);
  for (const [name, text] of Object.entries(scripts)) {
    write(name, `#!/bin/sh\n${text.replaceAll("DIR", dir)}`);
    chmodSync(path.join(dir, name), 0o755);
  }
  write("status", "0");
  write("weight", "0");
  write("load", "0");
  write("half", "0");
  await using running = await checker.start({ host: lan.host("ours"), dir, farms: [], head: configOf(dir) });
  const said = async (what: RegExp): Promise<void> =>
    until(String(what), 20_000, async () => what.test(await running.log())).then(() => {});
  const step = async (name: string, text: string, ...what: readonly RegExp[]): Promise<void> => {
    if (tracked.has(name)) write(name, text);
    else {
      // A program never reads half of it.
      write(`${name}.next`, text);
      renameSync(path.join(dir, `${name}.next`), path.join(dir, name));
    }
    for (const one of what) await said(one);
  };
  await said(/deaf\] timed out/);
  await said(/escape\] timed out/);
  await said(/9\.0\.9\]:.*changes\] succeeded/);
  await said(/9\.0\.10\]:.*weighs\] succeeded/);
  await said(/9\.1\.4\]:.*weighs\] succeeded/);
  const both = (what: string): readonly RegExp[] =>
    [/10\.9\.0\.10\]/, /10\.9\.1\.4\]/].map(({ source }) => new RegExp(`${what} \\[${source}`));
  await step("weight", "22", ...both("from 10 to 20 for active service"));
  await step("half", "7", /from 20 to 41 for active service \[10\.9\.1\.4\]/);
  await step("status", "1", /Removing service \[10\.9\.0\.8\]/);
  await said(/Removing service \[10\.9\.0\.9\]/);
  await step("status", "0", /Adding service \[10\.9\.0\.8\]/);
  await said(/9\.0\.9\]:.*changes\] failed after[\s\S]*9\.0\.9\]:.*changes\] succeeded\./);
  await step("weight", "1", ...both("Removing service"));
  await step("half", "2", /from \d+ to \d+ for inactive service \[10\.9\.1\.4\]/);
  await step("weight", "5", ...both("Adding service"));
  await step("load", "5", /from 10 to 15 for active service \[10\.9\.1\.1\]/);
  await step("load", "-300", /from 0 to 610 for active service \[10\.9\.1\.3\]/);
  await step("load", "-2147483648", /Removing service \[10\.9\.1\.1\]/);
  await step("load", "0", /Adding service \[10\.9\.1\.1\]/);
  return await settled(running, dir);
}

/** Once a second has passed without a new sentence: who is told of the last step is not the only one that follows it. */
async function settled(running: RunningChecker, dir: string): Promise<ReadonlyMap<string, readonly string[]>> {
  for (let sentences = byServer(await running.log(), dir); ; ) {
    await sleep(1000);
    const now = byServer(await running.log(), dir);
    if (isDeepStrictEqual(now, sentences)) return now;
    sentences = now;
  }
}

/** Sentences of each server in their order; of a weight and a word in one moment either may come first. */
function byServer(log: string, dir: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const line of log.split("\n")) {
    const sentence = /(Misc check for|Changing weight|Adding service|Removing service).*/.exec(line)?.[0];
    const server = /\[(10\.9\.[01]\.\d+)\]/.exec(sentence ?? "")?.[1];
    if (sentence === undefined || server === undefined) continue;
    const list = found.get(server) ?? [];
    list.push(sentence.replaceAll(dir, "DIR"));
    found.set(server, list);
  }
  for (const list of found.values()) {
    for (let i = 1; i < list.length; i++) {
      const [before = "", now = ""] = [list[i - 1], list[i]];
      if (/succeeded\.$/.test(before) && now.startsWith("Changing")) list.splice(i - 1, 2, now, before);
    }
  }
  return found;
}

test("MISC_CHECK and FILE_CHECK say and do what keepalived's do, script by script", {
  skip,
  timeout: 180_000,
}, async () => {
  const [theirs, mine] = [await played(reference), await played(ours)];
  assert.equal(theirs.size, servers.length + 4);
  assert.deepEqual(Object.fromEntries(mine), Object.fromEntries([...theirs].map(([k, v]) => [k, v])));
});
