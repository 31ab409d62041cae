import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { type Daemon, holdfast, keepalived } from "../harness/daemon.js";
import type { Host } from "../harness/host.js";
import { type HostSpec, Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { until } from "../harness/until.js";
import { hostState } from "./host-state.js";

/** Virtual links beside keepalived with the same file. */

const options = { skip: needs("root", "netns", "native", "keepalived", "tcpdump"), timeout: 60_000 };
const ours = holdfast("memory");
const SOON = 10_000;

const apart: readonly HostSpec[] = ["a", "b"].map((name) => ({
  name,
  links: [
    { segment: `lan${name}`, addresses: ["192.0.2.1/24"] },
    { device: "eth1", segment: `side${name}`, addresses: ["198.18.0.1/24"] },
  ],
}));

const instance = (name: string, vrid: number, lines: string, device = "eth0"): string => `
vrrp_instance ${name} {
  state MASTER
  interface ${device}
  virtual_router_id ${vrid}
  priority 255
  version 3
  advert_int 0.1
  ${lines}
}
`;

const everything = `
global_defs {
  router_id test
}
${instance(
  "V1",
  51,
  `use_vmac
  virtual_ipaddress {
    192.0.2.100/24
  }
  virtual_ipaddress_excluded {
    198.18.0.102/32 dev eth1
    192.0.2.103/24 dev eth0
  }`,
)}
${instance(
  "V2",
  52,
  `use_vmac foo
  vmac_xmit_base
  virtual_ipaddress {
    192.0.2.110/24
  }`,
)}
${instance(
  "V3",
  53,
  `use_vmac vm53 02:00:00:00:53:00 netlink_notify_msg group 7
  virtual_ipaddress {
    198.18.0.110/24
  }
  virtual_ipaddress_excluded {
    2001:db8::7/64
  }`,
  "eth1",
)}
${instance(
  "V4",
  54,
  `promote_secondaries
  virtual_ipaddress {
    192.0.2.140/24
  }
  virtual_ipaddress_excluded {
    198.18.0.142/24 dev eth1 use_vmac
  }`,
)}
${instance(
  "V5",
  55,
  `use_vmac
  use_vmac_addr
  virtual_ipaddress {
    192.0.2.150/24
  }
  virtual_ipaddress_excluded {
    198.18.0.152/24 dev eth1
    2001:db8::9/64
    2001:db8::a/64 dev eth1
  }`,
)}
`;

interface LinkShown {
  readonly ifname: string;
  readonly ifindex: number;
  readonly link?: string;
  readonly address: string;
  readonly group?: string;
  readonly flags: readonly string[];
  readonly linkinfo?: { readonly info_kind?: string; readonly info_data?: { readonly mode?: string } };
  readonly inet6_addr_gen_mode?: string;
}

async function links(host: Host): Promise<readonly LinkShown[]> {
  return JSON.parse(await host.exec(["ip", "-j", "-d", "link", "show"])) as readonly LinkShown[];
}

/** Macvlans, by what keepalived decides about them. */
async function macvlans(host: Host): Promise<readonly string[]> {
  const all = (await links(host)).filter(({ linkinfo }) => linkinfo?.info_kind === "macvlan");
  return all.map((each) =>
    [
      ...[each.ifname, each.link, each.address, each.group, each.linkinfo?.info_data?.mode, each.inet6_addr_gen_mode],
      each.flags.join(),
    ].join(" "),
  );
}

const watched = /\.(arp_ignore|arp_filter|accept_local|rp_filter|promote_secondaries|disable_ipv6|addr_gen_mode) = /;

async function sysctls(host: Host): Promise<readonly string[]> {
  const all = await host.exec(["sysctl", "-a", "-r", "^net.ipv[46].conf"]);
  return all.split("\n").filter((line) => watched.test(line));
}

const isMaster = (host: Host, address: string, device: string): Promise<boolean> =>
  host.hasAddress(address, device).catch(() => false); // no such device yet

async function allMasters(daemon: Daemon, count: number): Promise<void> {
  await until("all are master", SOON, async () => (await daemon.log()).split("Entering MASTER STATE").length > count);
}

/** Who says that it is master may still be adding addresses. */
async function hasAll(host: Host, config: string): Promise<void> {
  const wanted = [...config.matchAll(/^ +(\S+\/\d+)\b/gm)].map(([, address]) => address ?? "");
  assert.ok(wanted.length > 0);
  await until("all addresses are there", SOON, async () => {
    const shown = await host.exec(["ip", "-o", "addr", "show"]);
    return wanted.every((address) => shown.includes(` ${address} `));
  });
}

/** Links and settings of before go while the instance is master again already. */
async function becomes<T>(what: string, wanted: T, look: () => Promise<T>): Promise<void> {
  const isSo = async (): Promise<boolean> => isDeepStrictEqual(await look(), wanted);
  await until(what, SOON, isSo).catch(async () => assert.deepEqual(await look(), wanted, what));
}

test(
  "every option: links, addresses, settings as with keepalived, and as before when it has left",
  options,
  async () => {
    await using lan = await Lan.create(apart);
    const [a, b] = [lan.host("a"), lan.host("b")];
    const before = { state: await hostState(a), sysctls: await sysctls(a) };
    const daemons = [await a.start(ours, everything, ["--vrrp"]), await b.start(keepalived, everything, ["--vrrp"])];
    for (const daemon of daemons) await allMasters(daemon, 5);
    for (const host of [a, b]) await hasAll(host, everything);
    // 2.2.7 does not know `group`.
    const [made, wanted] = [await macvlans(a), await macvlans(b)];
    assert.ok(made.includes("vm53 eth1 02:00:00:00:53:00 7 private none BROADCAST,MULTICAST,UP,LOWER_UP"));
    assert.deepEqual(
      made.map((each) => each.replace(" 7 ", " default ")),
      wanted,
    );
    assert.deepEqual(await hostState(a), await hostState(b));
    // keepalived 2.4.3 sets arp_ignore on VMACs of IPv6 too, 2.2.7 on those of IPv4 only.
    const ofIpv6 = /vrrp[26]\/55\.arp_ignore/;
    const [got, want] = [await sysctls(a), await sysctls(b)].map((all) => all.filter((line) => !ofIpv6.test(line)));
    assert.deepEqual(got, want);
    assert.match(got?.join() ?? "", /vrrp\/51\.accept_local = 1/);
    await daemons[0]?.stop();
    // 2.2.7 leaves arp_ignore and arp_filter of the interfaces below as they are.
    assert.deepEqual({ state: await hostState(a), sysctls: await sysctls(a) }, before);
    assert.deepEqual(await macvlans(a), []);
    assert.doesNotMatch((await daemons[0]?.log()) ?? "", /FAULT|BACKUP/);
  },
);

test(
  "adverts and ARPs leave with the virtual MAC, with vmac_xmit_base adverts with the interface's own",
  options,
  async () => {
    await using lan = await Lan.create(plainHosts("a", "b"));
    const [a, b] = [lan.host("a"), lan.host("b")];
    const own = await a.mac();
    const config = [
      instance("V1", 51, "use_vmac\n virtual_ipaddress {\n 192.0.2.100/24\n }"),
      instance("V2", 52, "use_vmac\n vmac_xmit_base\n virtual_ipaddress {\n 192.0.2.110/24\n }"),
    ].join("");
    const daemon = await a.start(ours, config, ["--vrrp"]);
    await allMasters(daemon, 2);
    const seen = await b.exec([
      "timeout",
      "10",
      "tcpdump",
      "-Z",
      "root",
      "-lnne",
      "-c",
      "12",
      "-i",
      "eth0",
      "proto 112",
    ]);
    const sources = seen.matchAll(/ ([0-9a-f:]{17}) > 01:00:5e:00:00:12.* vrid (\d+)/g);
    const found = new Set([...sources].map(([, mac, vrid]) => `${vrid} ${mac}`));
    assert.deepEqual(found, new Set(["51 00:00:5e:00:01:33", `52 ${own}`]));
    await daemon.stop();
  },
);

/** Asks who has an address, and prints the MAC address of the first answer. */
const arping = `
import socket, struct, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806))
s.bind(("eth0", 0x0806))
s.settimeout(5)
mac = s.getsockname()[4]
asked = socket.inet_aton(sys.argv[1])
arp = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + mac + socket.inet_aton("192.0.2.3") + bytes(6) + asked
s.send(bytes([255] * 6) + mac + b"\\x08\\x06" + arp)
while True:
    frame = s.recv(1500)
    if frame[20:22] == b"\\x00\\x02" and frame[28:32] == asked: break
print(frame[22:28].hex(":"))
`;

for (const [name, master, backup] of [
  ["holdfast over to keepalived", ours, keepalived],
  ["keepalived over to holdfast", keepalived, ours],
] as const) {
  test(`a VMAC pair: the other takes over the address, and its MAC address with it: ${name}`, options, async () => {
    await using lan = await Lan.create(plainHosts("a", "b", "c"));
    const [a, b, c] = [lan.host("a"), lan.host("b"), lan.host("c")];
    const config = (priority: number): string =>
      instance("V1", 51, "use_vmac\n virtual_ipaddress {\n 192.0.2.100/24\n }")
        .replace("priority 255", `priority ${priority}`)
        .replace("state MASTER", "state BACKUP");
    const first = await a.start(master, config(200), ["--vrrp"]);
    await until("a is master", SOON, () => isMaster(a, "192.0.2.100", "vrrp.51"));
    const second = await b.start(backup, config(100), ["--vrrp"]);
    await until("b is backup", SOON, async () => (await second.log()).includes("Entering BACKUP STATE (init)"));
    const answers = (): Promise<string> => c.exec(["python3", "-c", arping, "192.0.2.100"]);
    assert.match(await answers(), /00:00:5e:00:01:33/);
    // A pause of a is an election, which a wins.
    await until("b hears a", SOON, async () => !(await isMaster(b, "192.0.2.100", "vrrp.51")));
    await first.stop();
    await until("b is master", SOON, () => isMaster(b, "192.0.2.100", "vrrp.51"));
    assert.match(await answers(), /00:00:5e:00:01:33/);
    assert.deepEqual(await macvlans(a), []);
  });
}

const one = `${instance("V1", 51, "use_vmac\n virtual_ipaddress {\n 192.0.2.100/24\n }")}`;

for (const [what, argv] of [
  ["deletes the VMAC", ["ip", "link", "del", "vrrp.51"]],
  ["renames it", ["ip", "link", "set", "vrrp.51", "name", "mine"]],
  ["sets it down", ["ip", "link", "set", "vrrp.51", "down"]],
] as const) {
  test(`somebody ${what}: it is there again`, options, async () => {
    await using lan = await Lan.create(plainHosts("a"));
    const a = lan.host("a");
    const daemon = await a.start(ours, one, ["--vrrp"]);
    await until("master", SOON, () => isMaster(a, "192.0.2.100", "vrrp.51"));
    const full = await macvlans(a);
    await a.exec(argv);
    await until("it is noticed", SOON, async () => (await daemon.log()).includes("Entering FAULT STATE"));
    if (what.includes("down")) await a.exec(["ip", "link", "set", "vrrp.51", "up"]);
    await until("master again", SOON, async () => isMaster(a, "192.0.2.100", "vrrp.51"));
    await becomes("the links as before", full, () => macvlans(a));
    await daemon.stop();
    assert.deepEqual(await macvlans(a), []);
  });
}

test("the interface below vanishes and comes back: so does the VMAC", options, async () => {
  await using lan = await Lan.create(plainHosts("a"));
  const a = lan.host("a");
  await a.exec(["ip", "link", "add", "port0", "type", "veth", "peer", "name", "port1"]);
  const up = async (): Promise<void> => {
    for (const name of ["port0", "port1"]) await a.exec(["ip", "link", "set", name, "up"]);
    await a.exec(["ip", "addr", "add", "203.0.113.1/24", "dev", "port0"]);
  };
  await up();
  const config = one.replace("interface eth0", "interface port0").replace("192.0.2.100", "203.0.113.100");
  const daemon = await a.start(ours, config, ["--vrrp"]);
  await until("master", SOON, () => isMaster(a, "203.0.113.100", "vrrp.51"));
  await a.exec(["ip", "link", "del", "port0"]);
  await until("it is noticed", SOON, async () => (await daemon.log()).includes("Entering FAULT STATE"));
  await a.exec(["ip", "link", "add", "port0", "type", "veth", "peer", "name", "port1"]);
  await up();
  await until("master again", SOON, () => isMaster(a, "203.0.113.100", "vrrp.51"));
  assert.match((await sysctls(a)).join(), /conf\.port0\.arp_ignore = 1/);
  await daemon.stop();
  assert.deepEqual(await macvlans(a), []);
});

test("a crash: the next daemon adopts the VMAC; a reload makes and removes only what differs", options, async () => {
  await using lan = await Lan.create(plainHosts("a"));
  const a = lan.host("a");
  const filters = [
    "net.ipv4.conf.all.rp_filter=1",
    "net.ipv4.conf.eth0.rp_filter=0",
    "net.ipv4.conf.eth0.arp_ignore=0",
  ];
  await a.exec(["sysctl", "-qw", ...filters]);
  const settings = async (): Promise<readonly string[]> => (await sysctls(a)).filter((line) => !line.includes("vrrp"));
  const before = await settings();
  const daemon = await a.start(ours, one, ["--vrrp"]);
  await until("master", SOON, () => isMaster(a, "192.0.2.100", "vrrp.51"));
  const during = await settings();
  assert.notDeepEqual(during, before);
  const indexOf = async (name: string): Promise<number | undefined> =>
    (await links(a)).find(({ ifname }) => ifname === name)?.ifindex;
  const index = await indexOf("vrrp.51");
  await daemon.says("Startup complete"); // who is killed writes nothing more
  await until("the spare waits", SOON, () => daemon.sparePid !== undefined);
  daemon.signalNode("SIGKILL");
  await until("the next one runs", SOON, async () => (await daemon.log()).split("Startup complete").length > 2);
  assert.equal(await indexOf("vrrp.51"), index);
  assert.deepEqual(await settings(), during);
  const reload = async (config: string): Promise<void> => {
    const count = async (): Promise<number> => (await daemon.log()).split("Reload complete").length;
    const earlier = await count();
    await writeFile(daemon.files.config, config);
    daemon.signal("SIGHUP");
    await until("reloaded", SOON, async () => (await count()) > earlier);
  };
  await reload(one + instance("V2", 52, "use_vmac two\n virtual_ipaddress {\n 192.0.2.110/24\n }"));
  await until("both", SOON, () => isMaster(a, "192.0.2.110", "two"));
  assert.equal(await indexOf("vrrp.51"), index);
  await reload(one.replace("use_vmac", ""));
  await until("the address is on the interface", SOON, () => isMaster(a, "192.0.2.100", "eth0"));
  await becomes("no VMAC", [], () => macvlans(a));
  await becomes("settings as before the daemon that crashed", before, settings);
  await daemon.stop();
  assert.equal(await a.hasAddress("192.0.2.100"), false);
});
