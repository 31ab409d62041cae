import assert from "node:assert/strict";
import { once } from "node:events";
import { chmod, copyFile, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Daemon, keepalived } from "../harness/daemon.js";
import type { Host } from "../harness/host.js";
import { type HostSpec, Lan } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { projectRoot } from "../harness/project.js";
import { stays, until } from "../harness/until.js";
import { type Pairing, pairings } from "./pairing.js";

/** Two routers on two segments, one instance on each, joined in a sync group: what happens to one happens to both. */

const vips = { eth0: "192.0.2.100", eth1: "198.51.100.100" } as const;
const usualInterval = 100;
/** Where it matters that nothing moves: a pause of the machine must not be an election. */
const calmInterval = 300;
/** Start-up and elections, generously; the machine has other work. */
const SETTLE = 20_000;
/** Many times the interval in which a lone instance would have moved: 3 x 300 ms + skew. */
const QUIET = 4500;

const hosts: readonly HostSpec[] = ["a", "b"].map((name, i) => ({
  name,
  links: [
    { device: "eth0", segment: "one", addresses: [`192.0.2.${i + 1}/24`] },
    { device: "eth1", segment: "two", addresses: [`198.51.100.${i + 1}/24`] },
  ],
}));

interface Extra {
  readonly blocks?: string;
  /** Inside the group. */
  readonly group?: string;
  /** Inside the instance on eth0. */
  readonly first?: string;
}

function config(priority: number, advertInt: number, { blocks = "", group = "", first = "" }: Extra): string {
  const instance = (name: string, device: "eth0" | "eth1", vrid: number, more: string): string => `
vrrp_instance ${name} {
  state BACKUP
  interface ${device}
  virtual_router_id ${vrid}
  version 3
  priority ${priority}
  advert_int ${advertInt / 1000}
  virtual_ipaddress {
    ${vips[device]}/24
  }
  ${more}
}`;
  return `
global_defs {
  router_id test
  script_user root
}
${blocks}
${instance("V1", "eth0", 51, first)}
${instance("V2", "eth1", 52, "")}
vrrp_sync_group G {
  group {
    V1
    V2
  }
  ${group}
}
`;
}

class Stand {
  readonly lan: Lan;
  readonly a: Host;
  readonly b: Host;
  readonly master: Daemon;
  readonly backup: Daemon;

  private constructor(lan: Lan, master: Daemon, backup: Daemon) {
    this.lan = lan;
    this.a = lan.host("a");
    this.b = lan.host("b");
    this.master = master;
    this.backup = backup;
  }

  static async start(pairing: Pairing, lan: Lan, advertInt: number, extra: Extra): Promise<Stand> {
    const backup = await lan.host("b").start(pairing.backup, config(100, advertInt, {}), ["--vrrp"]);
    await until("the backup listens", SETTLE, async () =>
      (await backup.log()).includes("(V2) Entering BACKUP STATE (init)"),
    );
    const master = await lan.host("a").start(pairing.master, config(200, advertInt, extra), ["--vrrp"]);
    const stand = new Stand(lan, master, backup);
    await stand.becomes("a");
    return stand;
  }

  /** Both addresses are there, and nowhere else. */
  async becomes(who: "a" | "b"): Promise<void> {
    await until(`${who} has both addresses`, SETTLE, async () => (await this.holders()) === `${who} ${who}`);
  }

  async holders(): Promise<string> {
    const has = async (device: "eth0" | "eth1"): Promise<string> => {
      const found = [];
      if (await this.a.hasAddress(vips[device], device)) found.push("a");
      if (await this.b.hasAddress(vips[device], device)) found.push("b");
      return found.join("+") || "-";
    };
    return `${await has("eth0")} ${await has("eth1")}`;
  }
}

interface Case {
  readonly name: string;
  readonly pairings?: readonly Pairing[];
  readonly advertInt?: number;
  readonly extra?: (lan: Lan) => Promise<Extra>;
  readonly run: (stand: Stand) => Promise<void>;
}

const file = (lan: Lan): string => path.join(lan.dir, "number");
const script = (lan: Lan): string => path.join(lan.dir, "notify");
const output = (lan: Lan): string => path.join(lan.dir, "told");
/** Unique on this machine, and short enough for /proc/PID/comm. */
const processName = `hf${process.pid}`;

const why = [path.join(projectRoot, "bin/holdfast"), "why"];

const cases: readonly Case[] = [
  {
    name: "link failure of one member moves both, and both come back",
    run: async (stand) => {
      await stand.lan.cut("a", "carrier", "eth1");
      await stand.becomes("b");
      await stand.master.says("VRRP_Group(G) Syncing instances to FAULT state");
      await stand.lan.heal("a", "eth1");
      await stand.becomes("a");
    },
  },
  {
    name: "a member of the backup that hears nobody waits for the other one",
    advertInt: calmInterval,
    run: async (stand) => {
      await stand.lan.cut("b", "silence", "eth1");
      await stays("a keeps both addresses, b has none", QUIET, async () => (await stand.holders()) === "a a");
      await stand.lan.cut("b", "silence", "eth0");
      await until("b takes both", SETTLE, async () => (await stand.holders()) === "a+b a+b");
      await stand.lan.heal("b", "eth0");
      await until(
        "one segment that sees the master is enough for both",
        SETTLE,
        async () => (await stand.holders()) === "a a",
      );
    },
  },
  {
    name: "holdfast why names the member that is the cause, as text and as JSON",
    pairings: pairings.filter(({ master }) => master !== keepalived),
    run: async (stand) => {
      await stand.lan.cut("a", "carrier", "eth1");
      await stand.becomes("b");
      await stand.master.says("Startup complete"); // it answers questions
      const ask = (...more: readonly string[]): Promise<string> =>
        stand.a.exec([...why, "V1", "--control-socket", stand.master.files.controlSocket, ...more]);
      assert.match(
        await ask(),
        /^V1 is FAULT for .*\n(.*\n)*faults +V2 of sync group G has a fault \(interface eth1 down\)$/m,
      );
      const document: unknown = JSON.parse(await ask("--format", "json"));
      assert.ok(typeof document === "object" && document !== null && "state" in document);
      assert.equal(document.state, "FAULT");
      const unknown = await stand.a.attempt([...why, "V3", "--control-socket", stand.master.files.controlSocket]);
      assert.equal(unknown.code, 1);
      assert.match(unknown.stderr, /there is no instance or server V3 - there are V1, V2/);
      const group = await stand.a.attempt([...why, "--control-socket", stand.master.files.controlSocket, "G"]);
      assert.match(group.stderr, /G is a sync group - ask for a member: V1, V2$/m);
    },
  },
  {
    name: "clean stop: both move",
    run: async (stand) => {
      await stand.master.stop();
      await stand.becomes("b");
    },
  },
  {
    name: "an address of one member that somebody deletes is back, on both",
    run: async (stand) => {
      // Within a second of its own deletion, here that of the start, holdfast puts an address back in silence.
      await sleep(1200);
      await stand.becomes("a");
      const capture = await stand.lan.capture("two");
      await stand.a.exec(["ip", "addr", "del", `${vips.eth0}/24`, "dev", "eth0"]);
      await until("the other segment hears a good-bye", SETTLE, async () =>
        (await capture.frames()).some((frame) => frame.kind === "advert" && frame.priority === 0),
      );
      await stand.becomes("a");
    },
  },
  {
    name: "track_file of the group lowers both, and faults both",
    extra: async (lan) => {
      await writeFile(file(lan), "0\n");
      return {
        blocks: `track_file f {\n  file "${file(lan)}"\n}`,
        group: "track_file {\n    f weight -1\n  }",
      };
    },
    run: async (stand) => {
      await writeFile(file(stand.lan), "150\n"); // 200 - 150 is below the backup's 100
      await stand.becomes("b");
      await writeFile(file(stand.lan), "0\n");
      await stand.becomes("a");
      await writeFile(file(stand.lan), "254\n");
      await stand.becomes("b");
      await stand.master.says("VRRP_Group(G) Syncing instances to FAULT state");
      await writeFile(file(stand.lan), "0\n");
      await stand.becomes("a");
    },
  },
  {
    name: "track_script of the group lowers both",
    extra: async (lan) => {
      await writeFile(file(lan), "");
      const block = `script "/usr/bin/test -e ${file(lan)}"\n  interval 1\n  timeout 1\n  fall 1\n  rise 1`;
      return { blocks: `vrrp_script s {\n  ${block}\n}`, group: "track_script {\n    s weight -150\n  }" };
    },
    run: async (stand) => {
      await rm(file(stand.lan));
      await stand.becomes("b");
      assert.doesNotMatch(await stand.master.log(), /Entering FAULT STATE/);
      await writeFile(file(stand.lan), "");
      await stand.becomes("a");
    },
  },
  {
    name: "track_process of one member faults both",
    pairings: pairings.filter(({ master }) => master !== keepalived), // it counts in the initial network namespace only
    extra: async (lan) => {
      const program = path.join(lan.dir, processName);
      await copyFile("/bin/sleep", program);
      await lan.host("a").spawn([program, "600"]);
      return {
        blocks: `vrrp_track_process p {\n  process ${processName}\n}`,
        first: "track_process {\n    p\n  }",
      };
    },
    run: async (stand) => {
      const pids = await stand.a.exec(["pgrep", "-x", processName]);
      for (const pid of pids.trim().split("\n")) process.kill(Number(pid), "SIGKILL");
      await stand.becomes("b");
      const again = await stand.a.spawn([path.join(stand.lan.dir, processName), "600"]);
      await stand.becomes("a");
      again.kill("SIGKILL");
      await once(again, "exit");
    },
  },
  {
    name: "notify of the group",
    extra: async (lan) => {
      await writeFile(script(lan), `#!/bin/sh\necho "$@" >> ${output(lan)}\n`);
      await chmod(script(lan), 0o755);
      return { group: `notify "${script(lan)}"` };
    },
    run: async (stand) => {
      const told = async (): Promise<string> =>
        (await readFile(output(stand.lan), "utf8")).trim().replaceAll("\n", ", ");
      await stand.lan.cut("a", "carrier", "eth0");
      await stand.becomes("b");
      await stand.lan.heal("a", "eth0");
      await stand.becomes("a");
      const expected = ["BACKUP", "MASTER", "FAULT", "BACKUP", "MASTER"]
        .map((state) => `GROUP G ${state} 0`)
        .join(", ");
      await until("the script has run each time", SETTLE, async () => (await told()) === expected);
    },
  },
];

for (const { name, pairings: with_ = pairings, advertInt = usualInterval, extra, run } of cases) {
  for (const pairing of with_) {
    const options = { skip: needs("root", "netns", "native", "keepalived", "tcpdump"), timeout: 90_000 };
    test(`${name}: ${pairing.name}`, options, async (t) => {
      await using lan = await Lan.create(hosts);
      const stand = await Stand.start(pairing, lan, advertInt, (await extra?.(lan)) ?? {});
      try {
        await run(stand);
      } catch (error) {
        for (const daemon of [stand.master, stand.backup]) t.diagnostic(await daemon.log());
        throw error;
      }
    });
  }
}
