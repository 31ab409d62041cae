import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import type { ServersDocument } from "../../main/control/servers.js";
import { holdfast } from "../harness/daemon.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { projectRoot } from "../harness/project.js";
import { until } from "../harness/until.js";

/** `holdfast servers` of a running daemon: what it says, and that docs/servers-json.md names every member of it. */

const LISTENER = `require("node:net").createServer((s) => s.on("error", () => {}).resume()).listen(8080, "127.0.0.1");`;

const configOf = (dir: string): string => `global_defs {
  router_id test
  script_user root
  enable_script_security
}
virtual_server 192.0.2.100 80 {
  delay_loop 1
  lb_algo wrr
  lb_kind NAT
  protocol TCP
  quorum 2
  hysteresis 1
  sorry_server 192.0.2.50 80
  real_server 127.0.0.1 8080 {
    weight 3
    TCP_CHECK {
      retry 0
    }
  }
  real_server 127.0.0.1 8081 {
    TCP_CHECK {
      retry 0
    }
    MISC_CHECK {
      misc_path "${dir}/weigh"
      misc_dynamic
    }
  }
}
virtual_server 192.0.2.101 80 {
  lb_algo rr
  lb_kind DR
  protocol TCP
  real_server 192.0.2.60 80 {
    inhibit_on_failure
  }
}
`;

test("holdfast servers: states since when, errors, latencies and counters of all servers and checks", {
  skip: needs("root", "netns", "native"),
  timeout: 60_000,
}, async () => {
  await using lan = await Lan.create(plainHosts("a"));
  const host = lan.host("a");
  await writeFile(`${lan.dir}/weigh`, "#!/bin/sh\nexit 7\n", { mode: 0o755 });
  await host.spawn([process.execPath, "-e", LISTENER]);
  await until("it listens", 20_000, async () => (await host.exec(["ss", "-Hltn", "sport = :8080"])).trim() !== "");
  const begun = Date.now();
  const daemon = await host.start(holdfast("memory"), configOf(lan.dir), ["--check"]);
  const socket = `${daemon.files.config.replace(/\.conf$/, "")}.sock`;
  const ask = async (): Promise<ServersDocument> =>
    JSON.parse(await host.exec([path.join(projectRoot, "bin/holdfast"), "servers", `--control-socket=${socket}`]));
  await until("it has started", 20_000, async () => (await daemon.log()).includes("Startup complete"));
  let answer = await ask();
  await until("a failure and a weight are known, and the table follows", 20_000, async () => {
    answer = await ask();
    const [first] = answer.virtualServers;
    const [up, down] = first?.realServers ?? [];
    const isKnown = down?.state === "down" && down.effectiveWeight === 5 && up?.checks[0]?.latencyMs !== undefined;
    return isKnown && down.counters === undefined;
  });
  const now = Date.now();
  const isRecent = (at: number | undefined): boolean => at !== undefined && at >= begun - 1000 && at <= now + 1000;
  assert.equal(answer.ipvs, "memory");
  assert.equal(answer.pid, daemon.nodePid);
  assert.ok(isRecent(answer.time));
  const [first, second] = answer.virtualServers;
  assert.ok(first !== undefined && second !== undefined && answer.virtualServers.length === 2);

  assert.equal(first.vs, "[192.0.2.100]:tcp:80");
  assert.deepEqual([first.scheduler, first.forwarding, first.suspended], ["wrr", "NAT", false]);
  const { since, ...quorum } = first.quorum;
  assert.deepEqual(quorum, { state: "up", wanted: 2, hysteresis: 1, weight: 3 });
  assert.ok(isRecent(since));
  assert.deepEqual(first.sorryServer, { name: "[192.0.2.50]:tcp:80", active: false });
  const { total } = first.latency;
  assert.ok(total !== undefined && total.count > 0 && total.p50 <= total.p99 && total.p99 <= total.max);

  const [up, down] = first.realServers;
  assert.deepEqual([up?.rs, up?.state, up?.weight, up?.inPool], ["[127.0.0.1]:tcp:8080", "up", 3, true]);
  assert.deepEqual([up?.checks[0]?.type, up?.checks[0]?.state, up?.checks[0]?.hasRun], ["TCP_CHECK", "up", true]);
  assert.equal(up?.checks[0]?.lastError, undefined);
  assert.equal(up?.counters?.connections, 0, "the table in memory counts nothing");
  assert.deepEqual([down?.state, down?.inPool, down?.weight, down?.effectiveWeight], ["down", false, 1, 5]);
  assert.ok(isRecent(down?.since));
  assert.equal(down?.counters, undefined, "it is not in the table");
  const [tcp, misc] = down?.checks ?? [];
  assert.deepEqual([tcp?.state, misc?.state, misc?.delta], ["down", "up", 4]);
  const { at, ...error } = tcp?.lastError ?? assert.fail("no error");
  assert.ok(isRecent(at));
  assert.deepEqual(error, { outcome: "refused", status: 0, text: "connection refused - does the service run?" });

  assert.deepEqual([second.quorum.state, second.sorryServer, second.latency], ["up", undefined, {}]);
  assert.deepEqual(second.realServers[0]?.checks, []);

  const documented = await readFile(path.join(projectRoot, "docs/servers-json.md"), "utf8");
  for (const name of membersOf(answer)) assert.ok(documented.includes(`\`${name}\``), `${name} is not documented`);
});

/** Of objects at any depth; phases of latencies are named one by one too. */
function membersOf(value: unknown): ReadonlySet<string> {
  if (typeof value !== "object" || value === null) return new Set();
  const below = Object.values(value).flatMap((each) => [...membersOf(each)]);
  return new Set([...(Array.isArray(value) ? [] : Object.keys(value)), ...below]);
}
