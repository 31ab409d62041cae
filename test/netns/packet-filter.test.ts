import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { type Daemon, holdfast, keepalived, type Program } from "../harness/daemon.js";
import type { Host } from "../harness/host.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { until } from "../harness/until.js";

/** Accept_Mode of RFC 5798 §6.1 with nftables: who can reach an address of a master, beside keepalived. */

const options = { skip: needs("root", "netns", "native", "keepalived"), timeout: 60_000 };
const ours = holdfast("memory");
const SOON = 10_000;
const PORT = 8080;

const config = (lines: string, priority = 200): string => `
vrrp_instance V1 {
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority ${priority}
  version 3
  advert_int 0.1
  ${lines}
  virtual_ipaddress {
    192.0.2.100/24
  }
  virtual_ipaddress_excluded {
    2001:db8::7/64
    fe80::7/64
  }
}
`;

const server = `require("net").createServer((s) => s.end()).listen({ port: ${PORT}, host: "::" })`;

/** Exits with 0 when something answers; the kernel does so at once, and the rest is patience with a busy machine. */
const client = (address: string): readonly string[] => [
  ...[process.execPath, "-e"],
  `const s = require("net").connect(${PORT}, ${JSON.stringify(address)}, () => process.exit(0)); s.setTimeout(2000, () => process.exit(1)); s.on("error", () => process.exit(2))`,
];

async function reaches(from: Host, address: string): Promise<boolean> {
  return (await from.attempt(client(address))).code === 0;
}

/** Names of nftables' tables, asked for over netlink: the tool need not be there. */
const tables = `
import socket, struct
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
s.send(struct.pack("IHHIIBBH", 20, (10 << 8) | 1, 0x301, 1, 0, 0, 0, 0))
data = s.recv(65536)
while len(data) >= 16:
    length, kind = struct.unpack("IH", data[:6])
    if kind >> 8 == 10: print(data[16], data[24:20 + struct.unpack("H", data[20:22])[0]].rstrip(b"\\0").decode())
    data = data[(length + 3) & ~3:]
    if kind == 3: break
    if not data: data = s.recv(65536)
`;

const tablesAre = (host: Host, wanted: string): Promise<unknown> =>
  until(`tables ${JSON.stringify(wanted)}`, SOON, async () => (await tablesOf(host)) === wanted, 20);

const tablesOf = async (host: Host): Promise<string> => (await host.exec(["python3", "-c", tables])).trim();

async function master(host: Host, program: Program, text: string): Promise<Daemon> {
  const daemon = await host.start(program, text, ["--vrrp"]);
  await until("it is master", SOON, () => host.hasAddress("192.0.2.100"));
  await until("its last address is there", SOON, () => host.hasAddress("fe80::7"));
  return daemon;
}

for (const [name, program] of [
  ["holdfast", ours],
  ["keepalived", keepalived],
] as const) {
  test(`no_accept: packets to the addresses are dropped, others are not: ${name}`, options, async () => {
    await using lan = await Lan.create(plainHosts("a", "b"));
    const [a, b] = [lan.host("a"), lan.host("b")];
    await b.exec(["ip", "addr", "add", "2001:db8::99/64", "dev", "eth0", "nodad"]);
    await a.exec(["ip", "addr", "add", "2001:db8::1/64", "dev", "eth0", "nodad"]);
    await a.spawn([process.execPath, "-e", server]);
    await until("the server listens", SOON, () => reaches(b, "192.0.2.1"));
    const daemon = await master(a, program, config("no_accept"));
    // Ours are there before the addresses are.
    if (program === keepalived) await tablesAre(a, "2 keepalived\n10 keepalived");
    assert.equal(await tablesOf(a), "2 keepalived\n10 keepalived");
    const shown = [];
    for (const address of ["192.0.2.1", "192.0.2.100", "2001:db8::1", "2001:db8::7", "fe80::7%eth0"])
      shown.push([address, await reaches(b, address)]);
    assert.deepEqual(shown, [
      ...[
        ["192.0.2.1", true],
        ["192.0.2.100", false],
        ["2001:db8::1", true],
        ["2001:db8::7", false],
      ],
      ["fe80::7%eth0", false],
    ]);
    await daemon.stop();
    assert.equal(await tablesOf(a), "");
    assert.equal(await reaches(b, "192.0.2.1"), true);
  });
}

for (const [what, text] of [
  ["accept", config("accept")],
  ["nothing said", config("")],
  ["no_accept of the owner of the addresses", config("no_accept", 255)],
] as const) {
  test(`${what}: the addresses answer, and there is no table`, options, async () => {
    await using lan = await Lan.create(plainHosts("a", "b"));
    const [a, b] = [lan.host("a"), lan.host("b")];
    await a.spawn([process.execPath, "-e", server]);
    await until("the server listens", SOON, () => reaches(b, "192.0.2.1"));
    await master(a, ours, text);
    assert.equal(await reaches(b, "192.0.2.100"), true);
    assert.equal(await tablesOf(a), "");
  });
}

test("a crash: the next daemon has its table, and what it no longer blocks is free", options, async () => {
  await using lan = await Lan.create(plainHosts("a", "b"));
  const [a, b] = [lan.host("a"), lan.host("b")];
  await a.spawn([process.execPath, "-e", server]);
  await until("the server listens", SOON, () => reaches(b, "192.0.2.1"));
  const daemon = await master(a, ours, `global_defs {\n  nftables mine\n}\n${config("no_accept")}`);
  await daemon.says("Startup complete"); // who is killed writes nothing more
  await until("the spare waits", SOON, () => daemon.sparePid !== undefined);
  daemon.signalNode("SIGKILL");
  await until("the next one runs", SOON, async () => (await daemon.log()).split("Startup complete").length > 2);
  // On a busy machine the take-over is later than two adverts, and there is an election.
  await until("it has its addresses", SOON, () => a.hasAddress("192.0.2.100"));
  assert.equal(await reaches(b, "192.0.2.100"), false);
  assert.equal(await tablesOf(a), "2 mine\n10 mine");
  await daemon.stop();
  assert.equal(await tablesOf(a), "");
});

/** Like `nft flush ruleset`: NFT_MSG_DELTABLE for every table, in a batch. */
const flush = `
import socket, struct
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
part = lambda kind, flags, n, family, res: struct.pack("=IHHIIBBH", 20, kind, flags, n, 0, family, 0, socket.htons(res))
s.send(part(16, 1, 1, 0, 10) + part((10 << 8) | 2, 5, 2, 0, 0) + part(17, 1, 3, 0, 10))
answer = s.recv(65536)
assert struct.unpack("=i", answer[16:20])[0] == 0, answer
`;

test(
  "a ruleset that somebody flushed is made again, once without and once with a change of ours",
  options,
  async () => {
    await using lan = await Lan.create(plainHosts("a", "b"));
    const [a, b] = [lan.host("a"), lan.host("b")];
    await a.spawn([process.execPath, "-e", server]);
    await until("the server listens", SOON, () => reaches(b, "192.0.2.1"));
    const text = config("no_accept");
    const daemon = await master(a, ours, text);
    const repairs = async (): Promise<number> =>
      (await daemon.log()).split("table keepalived of nftables was deleted").length - 1;
    assert.equal(await reaches(b, "192.0.2.100"), false);
    await a.exec(["python3", "-c", flush]);
    await until("that it is made again is told", SOON, async () => (await repairs()) === 1);
    await tablesAre(a, "2 keepalived\n10 keepalived"); // it is told before
    assert.equal(await reaches(b, "192.0.2.100"), false);
    await a.exec(["python3", "-c", flush]);
    await writeFile(daemon.files.config, text.replace("192.0.2.100/24", "192.0.2.100/24\n    192.0.2.101/24"));
    daemon.signal("SIGHUP");
    await until("the second address is there", SOON, () => a.hasAddress("192.0.2.101"));
    await tablesAre(a, "2 keepalived\n10 keepalived");
    for (const address of ["192.0.2.100", "192.0.2.101"]) assert.equal(await reaches(b, address), false, address);
    assert.ok(!(await daemon.log()).includes("nftables refuses"));
  },
);
