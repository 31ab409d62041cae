// Inside the guest: an LVS-DR pair with real forwarding, from a start at rest to a clean stop.
import assert from "node:assert/strict";
import { Cluster, directorDevice, vip, webAddress } from "../../harness/cluster.js";
import { type Daemon, holdfast } from "../../harness/daemon.js";
import { hasDestination, loadIpvs, savedTable } from "../../harness/ipvs.js";
import { stays, until } from "../../harness/until.js";
import { pairSteps } from "../steps.js";
import { Results } from "./results.js";

/** delay_loop 1 s, then connect_timeout 1 s twice with 1 s between; doubled, because the guest is slow. */
const EDGE_MS = 2 * 4000;
/** Two daemons start in a guest with one slow processor. */
const START_MS = 120_000;
/** Of one request that is not made again: patience with a busy machine. */
const ANSWER_S = 10;
/** 3 x advert_int + skew; plus as much for the slow guest. */
const FAILOVER_MS = 2 * 3610;
/** The promise for a table of this size. */
const REPAIR_MS = 2000;

const results = new Results();
await using cluster = await Cluster.create();
const [one, two] = [cluster.host("director1"), cluster.host("director2")];
await loadIpvs(one);
await Promise.all([cluster.startWeb("web1"), cluster.startWeb("web2")]);
const director2 = await cluster.startDirector("director2", holdfast("kernel"));
const director1 = await cluster.startDirector("director1", holdfast("kernel"));

await results.step(pairSteps.start, () =>
  explained(async () => {
    await until("director1 is master", START_MS, async () => (await cluster.master()) === "director1", 50);
    await until("both web servers are in service", START_MS, () => serving("web1", "web2"), 50);
  }),
);

await results.step(pairSteps.alternate, () => explained(() => alternates()));

await results.step(pairSteps.removed, () =>
  explained(async () => {
    await cluster.stopWeb("web2");
    const took = await until(
      "web2 leaves the table",
      EDGE_MS,
      async () => !(await hasDestination(one, webAddress.web2)),
      50,
    );
    assert.deepEqual(await answers(4), ["web1", "web1", "web1", "web1"]);
    return `after ${took.toFixed(0)} ms`;
  }),
);

await results.step(pairSteps.returned, () =>
  explained(async () => {
    await cluster.startWeb("web2");
    const took = await until("web2 is back in the table", EDGE_MS, () => serving("web1", "web2"), 50);
    await alternates();
    return `after ${took.toFixed(0)} ms`;
  }),
);

const destination = ["-t", `${vip}:80`, "-r", `${webAddress.web1}:80`];
const damages = [
  { step: pairSteps.healClear, argv: ["ipvsadm", "-C"] },
  { step: pairSteps.healService, argv: ["ipvsadm", "-D", "-t", `${vip}:80`] },
  { step: pairSteps.healDestination, argv: ["ipvsadm", "-d", ...destination] },
];
for (const { step, argv } of damages) {
  await results.step(step, () =>
    explained(async () => {
      const before = await savedTable(one);
      await one.exec(argv);
      const took = await until(
        "the table is whole again",
        REPAIR_MS,
        async () => same(await savedTable(one), before),
        20,
      );
      await alternates();
      return `after ${took.toFixed(0)} ms`;
    }),
  );
}

await results.step(pairSteps.foreign, () =>
  explained(async () => {
    await one.exec(["ipvsadm", "-A", "-t", "192.168.91.200:81", "-s", "rr"]);
    await one.exec(["ipvsadm", "-a", "-t", `${vip}:80`, "-r", "192.168.91.99:80", "-g", "-w", "0"]);
    const kept = async (): Promise<boolean> => {
      const table = (await savedTable(one)).join("\n");
      return table.includes("192.168.91.200:81") && (await hasDestination(one, "192.168.91.99"));
    };
    await stays("what somebody else added is left alone", REPAIR_MS, kept, 100);
    await one.exec(["ipvsadm", "-D", "-t", "192.168.91.200:81"]);
    await one.exec(["ipvsadm", "-d", "-t", `${vip}:80`, "-r", "192.168.91.99:80"]);
  }),
);

await results.step(pairSteps.failover, () =>
  explained(async () => {
    await director1.crash();
    const took = await until("director2 has the address", FAILOVER_MS, () => two.hasAddress(vip, directorDevice), 20);
    // What a power cut leaves behind: nothing. The crash left address and table, and two hosts would answer ARP.
    await one.exec(["ip", "link", "set", "dev", directorDevice, "down"]);
    // The first one may be lost, and is sent again after a second. Without an announcement of ours its ARP entry lasts longer.
    await until("requests are answered again", 5000, async () => (await cluster.request()) !== undefined, 20);
    await alternates();
    return `after ${took.toFixed(0)} ms`;
  }),
);

await results.step(pairSteps.stop, () =>
  explained(async () => {
    await director2.stop();
    assert.deepEqual(await savedTable(two), []);
    assert.ok(!(await two.hasAddress(vip, directorDevice)), "the virtual IP is released");
  }),
);

/** The tables and logs of both directors go with a failure. */
async function explained(body: () => Promise<string | undefined> | Promise<void>): Promise<string | undefined> {
  try {
    return (await body()) ?? undefined;
  } catch (error) {
    const logs = [director1, director2].map(
      async (daemon: Daemon) => `${daemon.files.log}:\n${(await daemon.log()).slice(-3000)}`,
    );
    const tables = [one, two].map(async (host) => `${host.name}:\n${(await savedTable(host)).join("\n")}`);
    const context = (await Promise.all([...tables, ...logs])).join("\n");
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${context}`, { cause: error });
  }
}

async function serving(...webs: readonly (keyof typeof webAddress)[]): Promise<boolean> {
  for (const web of webs) if (!(await hasDestination(one, webAddress[web]))) return false;
  return true;
}

async function answers(count: number): Promise<readonly (string | undefined)[]> {
  const seen: (string | undefined)[] = [];
  for (let i = 0; i < count; i++) seen.push(await cluster.request(vip, ANSWER_S));
  return seen;
}

/** Round robin over two servers: neighbours differ, none is missing. */
async function alternates(): Promise<undefined> {
  const seen = await answers(6);
  const turns = seen.every((name, i) => name !== undefined && (i === 0 || name !== seen[i - 1]));
  assert.ok(turns, `requests do not alternate: ${seen.join(", ")}`);
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.join("\n") === b.join("\n");
}
