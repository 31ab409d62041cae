// Inside the guest: interfaces that the machine's own kernel may not have, and what happens to them while instances run.
import assert from "node:assert/strict";
import { holdfast, keepalived } from "../../harness/daemon.js";
import type { Host } from "../../harness/host.js";
import { Lan } from "../../harness/lan.js";
import { stays, until } from "../../harness/until.js";
import { linkSteps } from "../steps.js";
import { Results } from "./results.js";

/** Master-down of the backup, 3 x 1 s + skew, twice, in a guest where everything takes its time. */
const SETTLE_MS = 30_000;
/** Node starts in 2 s on a quiet machine, and in 20 s on a busy one. */
const START_MS = 90_000;
/** More than master-down: a backup that heard nothing would be master by then. */
const LISTEN_MS = 5000;

interface Side {
  readonly own: 1 | 2;
  readonly priority: number;
  /** Of the unicast instance. */
  readonly place: string;
}

const instance = (name: string, vrid: number, { priority }: Side, lines: string) => `
vrrp_instance ${name} {
  version 3
  virtual_router_id ${vrid}
  priority ${priority}
  advert_int 1
  ${lines}
}
`;

const config = (side: Side): string =>
  [
    instance("VLAN", 7, side, "interface bond0.7\n  virtual_ipaddress {\n    10.7.0.100/24\n  }"),
    instance("INVRF", 8, side, "interface eth2\n  use_vmac\n  virtual_ipaddress {\n    10.8.0.100/32\n  }"),
    instance(
      "VRF",
      9,
      side,
      `${side.place}
  unicast_src_ip 10.8.0.${side.own}
  unicast_peer {
    10.8.0.${3 - side.own}
  }
  virtual_ipaddress {
    10.8.0.109/32 dev eth2
  }`,
    ),
  ].join("\n");

const results = new Results();
const link = (device: string, address: string) => ({ device, segment: device, addresses: [address] });
await using lan = await Lan.create(
  (["a", "b"] as const).map((name, i) => ({
    name,
    links: [
      { addresses: [] },
      { ...link("eth1", ""), segment: "lan", addresses: [] },
      link("eth2", `10.8.0.${i + 1}/24`),
    ],
  })),
);
const [a, b] = [lan.host("a"), lan.host("b")];

const ip = (host: Host, words: string) => host.exec(["ip", ...words.split(" ")]);

async function makeVlan(host: Host): Promise<void> {
  await ip(host, "link add link bond0 name bond0.7 type vlan id 7");
  await ip(host, `addr add 10.7.0.${host === a ? 1 : 2}/24 dev bond0.7`);
  await ip(host, "link set bond0.7 up");
}

async function makeVrf(): Promise<void> {
  await ip(a, "link add red type vrf table 10");
  await ip(a, "link set red up");
  await ip(a, "link set eth2 master red");
}

for (const host of [a, b]) {
  await ip(host, "link add bond0 type bond mode active-backup miimon 100");
  for (const slave of ["eth0", "eth1"]) {
    await ip(host, `link set ${slave} down`);
    await ip(host, `link set ${slave} master bond0`);
  }
  await ip(host, "link set bond0 up");
  await makeVlan(host);
}
await makeVrf();

const theirs = await b.start(keepalived, config({ own: 2, priority: 100, place: "interface eth2" }), ["--vrrp"]);
await until("b listens", SETTLE_MS, async () => (await theirs.log()).split("Entering BACKUP STATE").length > 3, 100);
const polled = "linkbeat_interfaces {\n  bond0 MII\n}\n";
const ours = await a.start(holdfast("memory"), polled + config({ own: 1, priority: 200, place: "vrf red" }), [
  "--vrrp",
]);
await until("a runs", START_MS, async () => (await ours.log()).includes("Startup complete"), 100);

/** Where an address is: on a, on b, on both, or nowhere. */
async function holders(address: string): Promise<string> {
  const has = async (host: Host) => (await host.exec(["ip", "-o", "-4", "addr"])).includes(` ${address}/`);
  return [...((await has(a)) ? ["a"] : []), ...((await has(b)) ? ["b"] : [])].join();
}

const isOn = (address: string, where: string) =>
  until(`${address} is on ${where}`, SETTLE_MS, async () => (await holders(address)) === where, 100).catch(
    async (error) => {
      throw new Error(`${await holders(address)}\n${await ours.log()}\n${await theirs.log()}`, { cause: error });
    },
  );

async function isHeard(address: string): Promise<undefined> {
  await isOn(address, "a");
  await stays(`b hears the master of ${address}`, LISTEN_MS, async () => (await holders(address)) === "a", 100);
}

const faults = async (name: string) => (await ours.log()).split(`(${name}) Entering FAULT STATE`).length - 1;

await results.step(linkSteps.vlan, () => isHeard("10.7.0.100"));
await results.step(linkSteps.inVrf, async () => {
  await isHeard("10.8.0.100");
  // The VMAC is in the VRF of its base: what comes in by it is routed there.
  assert.match(await ip(a, "-o link show vrrp.8"), / master red /);
});
await results.step(linkSteps.vrf, () => isHeard("10.8.0.109"));

await results.step(linkSteps.slave, async () => {
  const active = async () => (await a.exec(["cat", "/sys/class/net/bond0/bonding/active_slave"])).trim();
  const before = await active();
  await lan.cut("a", "carrier", before);
  await until("the other slave takes over", SETTLE_MS, async () => (await active()) !== before, 100);
  await isHeard("10.7.0.100");
  assert.equal(await faults("VLAN"), 0);
  await lan.heal("a", before);
  return undefined;
});

await results.step(linkSteps.address, async () => {
  await ip(a, "addr del 10.7.0.100/24 dev bond0.7");
  const took = await until("it is back", 2000, async () => (await holders("10.7.0.100")).includes("a"), 20);
  await isHeard("10.7.0.100");
  return `after ${took.toFixed(0)} ms`;
});

await results.step(linkSteps.vanished, async () => {
  await ip(a, "link del bond0.7");
  await isOn("10.7.0.100", "b");
  assert.equal(await faults("VLAN"), 1);
  await makeVlan(a);
  await isHeard("10.7.0.100");
  return undefined;
});

await results.step(linkSteps.renamed, async () => {
  const rename = async (from: string, to: string) => {
    await ip(a, `link set ${from} down`);
    await ip(a, `link set ${from} name ${to}`);
    await ip(a, `link set ${to} up`);
  };
  await rename("bond0.7", "other");
  await isOn("10.7.0.100", "b");
  assert.equal(await faults("VLAN"), 2);
  await rename("other", "bond0.7");
  await isHeard("10.7.0.100");
  return undefined;
});

await results.step(linkSteps.vrfGone, async () => {
  await ip(a, "link del red");
  // Twice, when the kernel takes its members down and up before it is gone.
  await until("it is a fault", SETTLE_MS, async () => (await faults("VRF")) > 0, 100);
  await isOn("10.8.0.109", "b");
  await makeVrf();
  await isHeard("10.8.0.109");
  return undefined;
});

await results.step(linkSteps.mii, async () => {
  const says = async (what: string) => (await ours.log()).includes(what);
  assert.ok(await says("bond0: its link is asked for by MII"), await ours.log());
  for (const slave of ["eth0", "eth1"]) await lan.cut("a", "carrier", slave);
  await until("the bond loses its link", SETTLE_MS, () => says("Linkbeat reports bond0 down"), 100);
  await isOn("10.7.0.100", "b");
  for (const slave of ["eth0", "eth1"]) await lan.heal("a", slave);
  await until("the bond has a link again", SETTLE_MS, () => says("Linkbeat reports bond0 up"), 100);
  await isHeard("10.7.0.100");
  return undefined;
});

await ours.stop();
await theirs.stop();
