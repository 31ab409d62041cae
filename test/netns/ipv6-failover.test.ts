import assert from "node:assert/strict";
import { test } from "node:test";
import type { Daemon } from "../harness/daemon.js";
import type { Advert } from "../harness/frames.js";
import type { Host } from "../harness/host.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { until } from "../harness/until.js";
import { linkLocalOf } from "./link-local.js";
import { type Pairing, pairings } from "./pairing.js";

/** VRRP over IPv6 and, with the same VRID on the same interface, over IPv4: each family elects for itself. */

const vip4 = "192.0.2.100";
const vip6 = "fe80::5:100";
const global6 = "2001:db8::100";
/** A false transition takes three lost adverts: one that a busy machine does not miss thrice. */
const INTERVAL_MS = 300;
const [high, low] = [200, 100];
/** 3 x 300 ms + skew; both families. A second for starting a process, and the machine's other work. */
const SETTLE_MS = 30_000;

interface Kind {
  readonly name: string;
  readonly lines6: (own: string, peer: string) => readonly string[];
}

const kinds: readonly Kind[] = [
  { name: "multicast", lines6: () => [] },
  {
    name: "unicast",
    lines6: (own, peer) => [`unicast_src_ip ${own}`, "unicast_peer {", `  ${peer}`, "}"],
  },
];

const config = (priority: number, lines6: readonly string[]): string => `
global_defs {
  router_id test
  vrrp_version 3
}
vrrp_instance V4 {
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority ${priority}
  advert_int ${INTERVAL_MS / 1000}
  virtual_ipaddress {
    ${vip4}/24
  }
}
vrrp_instance V6 {
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority ${priority}
  advert_int ${INTERVAL_MS / 1000}
  ${lines6.join("\n  ")}
  virtual_ipaddress {
    ${vip6}/64
    ${global6}/64
  }
}
`;

const all = [vip4, vip6, global6];

async function holds(host: Host): Promise<readonly boolean[]> {
  const addresses = await host.addresses();
  return all.map((vip) => addresses.some((one) => one.startsWith(`${vip}/`)));
}

const alone = async (holder: Host, other: Host): Promise<boolean> =>
  (await holds(holder)).every(Boolean) && !(await holds(other)).some(Boolean);

async function logs(daemons: readonly Daemon[]): Promise<string> {
  return (await Promise.all(daemons.map(async (daemon) => `--- ${daemon.files.log}\n${await daemon.log()}`))).join(
    "\n",
  );
}

/** Octets of an address as frames.ts prints it. */
const wide = "fe80:0000:0000:0000:0000:0000:0005:0100";

const options = { skip: needs("root", "netns", "native", "keepalived", "tcpdump"), timeout: 180_000 };

for (const kind of kinds) {
  for (const pairing of pairings) {
    test(`both families: ${pairing.name}, ${kind.name}`, options, async (t) => {
      await using lan = await Lan.create(plainHosts("a", "b"));
      const [a, b] = [lan.host("a"), lan.host("b")];
      const [ownA, ownB] = [await linkLocalOf(a), await linkLocalOf(b)];
      const backup = await b.start(pairing.backup, config(low, kind.lines6(ownB, ownA)), ["--vrrp"]);
      // One that is still starting when the other one crashes takes over when it has started.
      await backup.says("(V4) Entering BACKUP STATE (init)", "(V6) Entering BACKUP STATE (init)");
      const master = await a.start(pairing.master, config(high, kind.lines6(ownA, ownB)), ["--vrrp"]);
      try {
        await play(lan, pairing, master, kind.lines6(ownA, ownB));
      } catch (error) {
        t.diagnostic(await logs([master, backup]));
        throw error;
      }
    });
  }
}

test("a link-local address that is still being checked is waited for", options, async () => {
  await using lan = await Lan.create(plainHosts("a"));
  const a = lan.host("a");
  // Ten probes of a second each: long enough for the daemon to see it.
  await a.sysctl({ "net.ipv6.conf.eth0.dad_transmits": "10" });
  for (const way of ["down", "up"]) await a.exec(["ip", "link", "set", "dev", "eth0", way]);
  const daemon = await a.start(pairings[0]?.master ?? assert.fail(), config(high, []), ["--vrrp"]);
  await until(
    "V6 has no source address",
    20_000,
    async () => (await daemon.log()).includes("(V6) Entering FAULT STATE"),
    50,
  );
  await daemon.says("(V6) entering FAULT state (no IPv6 address for interface)");
  await until("V6 is master", SETTLE_MS, async () => (await daemon.log()).includes("(V6) Entering MASTER STATE"), 50);
  await until("it holds the address", 5000, async () => (await holds(a))[1] === true);
});

async function play(lan: Lan, pairing: Pairing, first: Daemon, lines: readonly string[]): Promise<void> {
  const [a, b] = [lan.host("a"), lan.host("b")];
  await until("a is master of both families", SETTLE_MS, () => alone(a, b));
  const capture = await lan.capture();
  const frames = () => capture.frames();
  await until("a advertises over IPv6", 10_000, async () =>
    (await frames()).some((one) => one.kind === "advert" && one.priority === high && one.source.includes(":")),
  );
  const macOfB = await b.mac();
  // That a holds it may be announced once more, seconds after it was MASTER.
  const announcement = async () =>
    (await frames()).find((f) => f.kind === "neighbour-advert" && f.target === wide && f.senderMac === macOfB);
  const crashed = performance.now();
  await first.crash();
  await until("b announces the addresses of a that is dead", 20_000, async () => (await announcement()) !== undefined);
  const took = performance.now() - crashed;
  await until("b holds the addresses of both families", 10_000, async () => (await holds(b)).every(Boolean));
  // Addresses that nobody else may have are there at once, without a second of duplicate detection.
  const tentative = await b.exec(["ip", "-6", "-o", "addr", "show", "dev", "eth0", "tentative"]);
  assert.equal(tentative.trim(), "");
  const last = (await frames()).findLast(
    (f): f is Advert => f.kind === "advert" && f.priority === high && f.source.includes(":"),
  );
  const announced = await announcement();
  const due = 3 * INTERVAL_MS + ((256 - low) * INTERVAL_MS) / 256;
  const late = (announced?.at ?? 0) - (last?.at ?? 0) - due;
  // Never early. How late it may be on a quiet machine is the crash test's matter; here half a second covers a busy one.
  assert.ok(
    late >= 0 && late < 500,
    `announced ${late.toFixed(1)} ms after Master_Down_Interval (${took.toFixed(0)} ms in all)`,
  );

  for (const vip of all) await a.attempt(["ip", "addr", "del", `${vip}/${vip === vip4 ? 24 : 64}`, "dev", "eth0"]);
  const again = await a.start(pairing.master, config(high, lines), ["--vrrp"]);
  await until("a is master again", SETTLE_MS, () => alone(a, b));
  await again.stop();
  assert.ok(!(await holds(a)).some(Boolean), "addresses are released before the daemon ends");
  await until("b is master again", 10_000, () => alone(b, a));
  const tookAfterGoodbye = async (): Promise<number | undefined> => {
    const adverts = (await frames()).filter((f): f is Advert => f.kind === "advert" && f.source.includes(":"));
    const goodbye = adverts.findLast((one) => one.priority === 0);
    const next = adverts.find((one) => goodbye !== undefined && one.at > goodbye.at && one.priority === low);
    return goodbye && next && next.at - goodbye.at;
  };
  // The capture is a process of its own.
  await until("a has said good-bye over IPv6, and b advertises", 20_000, async () => {
    return (await tookAfterGoodbye()) !== undefined;
  });
  assert.ok(((await tookAfterGoodbye()) ?? Number.NaN) < 10_000);
}
