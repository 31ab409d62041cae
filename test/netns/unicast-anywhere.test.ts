import assert from "node:assert/strict";
import { test } from "node:test";
import { holdfast, keepalived, type Program } from "../harness/daemon.js";
import type { Advert, Frame } from "../harness/frames.js";
import type { Host } from "../harness/host.js";
import { type HostSpec, Lan } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { stays, until } from "../harness/until.js";

/**
 * Unicast without an interface: adverts go where the host's routes lead, and are heard wherever they come in. keepalived 2.2.7
 * wants an interface always, so as the other side it has one.
 */

const ours = holdfast("memory");
const vip = "192.0.2.100";
/** 3 x 1 s and a second of skew, twice, and a busy machine. */
const SETTLE_MS = 15_000;
const options = { skip: needs("root", "netns", "native", "keepalived", "tcpdump"), timeout: 90_000 };

interface Side {
  readonly own: 1 | 2;
  readonly priority: number;
  readonly lines?: readonly string[];
  readonly version?: 2 | 3;
}

function config({ own, priority, lines = [], version = 3 }: Side, peers = [`192.0.2.${3 - own}`]): string {
  return `
global_defs {
  default_interface eth0
}
vrrp_instance U {
  ${lines.join("\n  ")}
  version ${version}
  virtual_router_id 51
  priority ${priority}
  advert_int 1
  unicast_src_ip 192.0.2.${own}
  ${peers.length > 0 ? ["unicast_peer {", ...peers, "}"].join("\n  ") : ""}
  virtual_ipaddress {
    ${vip}/24
    198.51.100.100/24 dev eth1
  }
}
`;
}

/** Two segments; both hosts are in both. */
const hosts: readonly HostSpec[] = (["a", "b"] as const).map((name, i) => ({
  name,
  links: [
    { addresses: [`192.0.2.${i + 1}/24`] },
    { device: "eth1", segment: "side", addresses: [`198.51.100.${i + 1}/24`] },
  ],
}));

const holds = async (host: Host): Promise<boolean> =>
  (await host.hasAddress(vip)) && (await host.hasAddress("198.51.100.100", "eth1"));

const alone = async (holder: Host, other: Host): Promise<boolean> =>
  (await holds(holder)) && !(await other.hasAddress(vip)) && !(await other.hasAddress("198.51.100.100", "eth1"));

/** keepalived has to be told where. */
const placed = (program: Program): readonly string[] => (program.name === "keepalived" ? ["interface eth0"] : []);

for (const { name, first, second } of [
  { name: "holdfast master, keepalived backup", first: ours, second: keepalived },
  { name: "keepalived master, holdfast backup", first: keepalived, second: ours },
  { name: "both holdfast", first: ours, second: ours },
]) {
  for (const version of [2, 3] as const) {
    test(`unicast without an interface, version ${version}: ${name}`, options, async (t) => {
      await using lan = await Lan.create(hosts);
      const [a, b] = [lan.host("a"), lan.host("b")];
      const backup = await b.start(second, config({ own: 2, priority: 100, lines: placed(second), version }), [
        "--vrrp",
      ]);
      await until("b listens", SETTLE_MS, async () => (await backup.log()).includes("Entering BACKUP STATE (init)"));
      const master = await a.start(first, config({ own: 1, priority: 200, lines: placed(first), version }), ["--vrrp"]);
      try {
        await until("a is master alone", SETTLE_MS, () => alone(a, b));
        await stays("b hears a", 4500, () => alone(a, b), 100);
        await master.crash();
        await until("b is master", SETTLE_MS, () => holds(b));
      } catch (error) {
        t.diagnostic(`${await master.log()}\n---\n${await backup.log()}`);
        throw error;
      }
    });
  }
}

test("unicast without an interface: adverts go and come over another segment when routes say so", options, async () => {
  await using lan = await Lan.create(hosts);
  const [a, b] = [lan.host("a"), lan.host("b")];
  // b answers by the other segment: what an instance bound to eth0 would never hear.
  for (const [host, other] of [
    [a, "2"],
    [b, "1"],
  ] as const) {
    await host.sysctl({ "net.ipv4.conf.all.rp_filter": "0", "net.ipv4.conf.eth1.rp_filter": "0" });
    if (host === b) await host.exec(["ip", "route", "add", `192.0.2.${other}/32`, "via", `198.51.100.${other}`]);
  }
  const capture = await lan.capture("side");
  await a.start(ours, config({ own: 1, priority: 100 }), ["--vrrp"]);
  await b.start(ours, config({ own: 2, priority: 200 }), ["--vrrp"]);
  await until("b is master alone", SETTLE_MS, () => alone(b, a));
  await stays("a hears b", 4500, () => alone(b, a), 100);
  const adverts = (await capture.frames()).filter((frame): frame is Advert => frame.kind === "advert");
  assert.ok(adverts.length >= 4 && adverts.every(({ source }) => source === "192.0.2.2"), JSON.stringify(adverts));
});

test("track_src_ip: a fault while the source address is on no interface", options, async () => {
  await using lan = await Lan.create(hosts);
  const [a, b] = [lan.host("a"), lan.host("b")];
  await b.start(keepalived, config({ own: 2, priority: 100, lines: ["interface eth0"] }), ["--vrrp"]);
  const master = await a.start(ours, config({ own: 1, priority: 200, lines: ["track_src_ip"] }), ["--vrrp"]);
  await until("a is master alone", SETTLE_MS, () => alone(a, b));
  const capture = await lan.capture();
  // The virtual address is in the same network: it must stay when the first one goes.
  await a.sysctl({ "net.ipv4.conf.eth0.promote_secondaries": "1" });
  await a.exec(["ip", "addr", "del", "192.0.2.1/24", "dev", "eth0"]);
  await until("a gives its addresses away", 2000, async () => !(await a.hasAddress(vip)));
  await until("b is master", 3000, () => holds(b));
  await master.says("(U) Entering FAULT STATE", "source address 192.0.2.1 was deleted and is on no interface");
  const goodbye = (f: Frame): boolean => f.kind === "advert" && f.priority === 0 && f.source === "192.0.2.1";
  await until("the good-bye in the capture", 5000, async () => (await capture.frames()).some(goodbye));
  // On another interface it is as good: routes decide.
  await a.exec(["ip", "addr", "add", "192.0.2.1/32", "dev", "eth1"]);
  await until("a is back", SETTLE_MS, async () => (await master.log()).split("Entering BACKUP STATE").length > 2);
});

test("unicast_fault_no_peer: FAULT instead of multicast", options, async () => {
  await using lan = await Lan.create(hosts);
  const a = lan.host("a");
  const capture = await lan.capture();
  const daemon = await a.start(ours, config({ own: 1, priority: 200, lines: ["unicast_fault_no_peer"] }, []), [
    "--vrrp",
  ]);
  await until("it is in FAULT", SETTLE_MS, async () => (await daemon.log()).includes("(U) Entering FAULT STATE"));
  await stays("it stays there", 4500, async () => !(await a.hasAddress(vip)), 100);
  await daemon.says("(U) Cannot use unicast without any peers - going to fault state");
  assert.ok(!(await capture.frames()).some(({ kind }) => kind === "advert"));
});
