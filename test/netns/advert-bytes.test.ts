import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { ms, priority, vrid } from "../../main/units.js";
import { gratuitousArp } from "../../main/vrrp/announcement.js";
import { type AdvertSpec, encodeAdvert } from "../../main/vrrp/packet.js";
import { Capture } from "../harness/capture.js";
import { keepalived } from "../harness/daemon.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { readPcap } from "../harness/pcap.js";
import { until } from "../harness/until.js";

/** What keepalived puts on the wire is what our codec makes for the same configuration, octet for octet. */

interface Case {
  readonly name: string;
  readonly priority: number;
  readonly lines: readonly string[];
  readonly spec: Omit<AdvertSpec, "source" | "vrid">;
}

const group = "224.0.0.18";
const addresses = ["192.0.2.101", "192.0.2.102"];

const cases: readonly Case[] = [
  {
    name: "v2",
    priority: 254,
    lines: ["version 2", "advert_int 1"],
    spec: { version: 2, interval: ms(1000), addresses, authPass: undefined, destination: group },
  },
  {
    name: "v2 with a password that is too long",
    priority: 200,
    lines: ["version 2", "advert_int 1", "authentication {", "auth_type PASS", "auth_pass 0123456789", "}"],
    spec: { version: 2, interval: ms(1000), addresses, authPass: "0123456789", destination: group },
  },
  {
    name: "v3",
    priority: 1,
    lines: ["version 3", "advert_int 0.05"],
    spec: { version: 3, interval: ms(50), addresses, authPass: undefined, destination: group },
  },
  {
    name: "v3 unicast",
    priority: 100,
    lines: ["version 3", "advert_int 0.1", "unicast_src_ip 192.0.2.1", "unicast_peer {", "192.0.2.2", "}"],
    spec: { version: 3, interval: ms(100), addresses, authPass: undefined, destination: "192.0.2.2" },
  },
];

const config = (c: Case) => `
vrrp_instance V {
  interface eth0
  virtual_router_id 51
  priority ${c.priority}
  ${c.lines.join("\n  ")}
  virtual_ipaddress {
    ${addresses.map((a) => `${a}/24`).join("\n    ")}
  }
}`;

const ETHERNET = 14;
const ipProtocol = (frame: Uint8Array) => (frame[12] === 8 && frame[13] === 0 ? frame[ETHERNET + 9] : undefined);
const isArp = (frame: Uint8Array) => frame[12] === 8 && frame[13] === 6;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** The header checksum is the kernel's. */
const comparable = (packet: Uint8Array) => hex(packet.slice().fill(0, 10, 12));

for (const c of cases) {
  const options = { skip: needs("root", "netns", "keepalived", "tcpdump"), timeout: 60_000 };
  test(`octets on the wire: ${c.name}`, options, async () => {
    await using lan = await Lan.create(plainHosts("a", "b"));
    const a = lan.host("a");
    const file = path.join(lan.dir, "bytes.pcap");
    await using _capture = await Capture.start(a.namespace, "eth0", file);
    await a.start(keepalived, config(c), ["--vrrp"]);

    const frames = async () => readPcap(await readFile(file)).map((f) => f.bytes);
    const adverts = async () => (await frames()).filter((f) => ipProtocol(f) === 112).map((f) => f.subarray(ETHERNET));
    // At most 3 x 1 s + 1 s of skew until it is master, then one more interval; much for a busy machine.
    await until("two adverts", 20_000, async () => (await adverts()).length >= 2);

    const spec: AdvertSpec = { ...c.spec, source: "192.0.2.1", vrid: vrid(51) };
    const [first, second] = await adverts();
    const want = (id: number) => comparable(encodeAdvert(spec, priority(c.priority), id));
    assert.deepEqual(
      [first, second].map((p) => comparable(p ?? new Uint8Array())),
      [want(1), want(2)],
    );

    const arp = (await frames()).find((f) => isArp(f) && hex(f.subarray(28, 32)) === "c0000265");
    assert.ok(arp !== undefined, "no gratuitous ARP for the first address");
    assert.equal(hex(arp.subarray(0, 42)), hex(gratuitousArp(arp.slice(6, 12), "192.0.2.101")));
  });
}
