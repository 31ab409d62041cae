import assert from "node:assert/strict";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { holdfast, type Program } from "../harness/daemon.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { lacksReferenceChecker, referenceChecker } from "../harness/reference-checker.js";
import { until } from "../harness/until.js";
import { started } from "./check-dump.js";

/** What checks do to the host and want of it: files that they begin with, processes that they wait for. */

const service = (servers: readonly string[]): string =>
  `virtual_server 192.0.2.100 80 {\ndelay_loop 1\nlb_kind NAT\nprotocol TCP\n${servers.join("\n")}\n}\n`;

const options = { skip: needs("root", "netns", "native"), timeout: 120_000 };
const asInit = ["5", "3", "7"];

test("init_file of what FILE_CHECK follows is written where VRRP does not run, as by keepalived", {
  ...options,
  skip: options.skip || needs("keepalived") || lacksReferenceChecker(),
}, async () => {
  const wrote = async (program: Program): Promise<readonly string[]> => {
    await using lan = await Lan.create(plainHosts("a"));
    const { dir } = lan;
    const file = (name: string, init: string): string => `track_file ${name} {\nfile "${dir}/${name}"\n${init}\n}\n`;
    for (const name of ["kept", "replaced"]) await writeFile(`${dir}/${name}`, "3\n");
    const names = ["new", "kept", "replaced"];
    const config =
      file("new", "init_file 5") +
      file("kept", "init_file 6") +
      file("replaced", "init_file 7 overwrite") +
      service(
        names.map((name, i) => `real_server 127.0.0.${i + 1} 80 {\nFILE_CHECK {\ntrack_file ${name}\nweight 1\n}\n}`),
      );
    await using daemon = await started(() => lan.host("a").start(program, config, ["--check"]));
    await until("the start is over", 20_000, async () => (await daemon.log()).includes("Gained quorum"));
    const read = (): Promise<readonly string[]> =>
      Promise.all(names.map(async (name) => (await readFile(`${dir}/${name}`, "utf8").catch(() => "")).trim()));
    await until("all are written", 10_000, async () => (await read()).join() === asInit.join()).catch(() => undefined);
    return read();
  };
  assert.deepEqual(await wrote(holdfast("memory")), asInit);
  assert.deepEqual(await wrote(referenceChecker), asInit);
});

test("programs that start late because too many run are said, with what to do", options, async () => {
  await using lan = await Lan.create(plainHosts("a"));
  const { dir } = lan;
  await chmod(dir, 0o755);
  await writeFile(`${dir}/slow`, "#!/bin/sh\nexec sleep 2\n");
  await chmod(`${dir}/slow`, 0o755);
  const servers = Array.from(
    { length: 6 },
    (_, i) =>
      `real_server 10.9.0.${i + 1} 80 {\nMISC_CHECK {\nmisc_path "${dir}/slow ${i}"\nmisc_timeout 5\nwarmup 0\n}\n}`,
  );
  const config = `global_defs {\nscript_user root\nchecker_threads 1\nchecker_max_processes 1\n}\n${service(servers)}`;
  await using daemon = await lan.host("a").start(holdfast("memory"), config, ["--check"]);
  const said =
    /[1-5] MISC_CHECKs wait for others to end, the first for \d+\.\d s: 1 programs run at once - raise checker_max_processes/;
  await until("it is said", 30_000, async () => said.test(await daemon.log()), 50);
});
