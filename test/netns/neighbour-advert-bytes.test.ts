import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { neighbourAdvertisement } from "../../main/vrrp/announcement.js";
import { Capture } from "../harness/capture.js";
import { holdfast, keepalived } from "../harness/daemon.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { readPcap } from "../harness/pcap.js";
import { until } from "../harness/until.js";
import { linkLocalOf } from "./link-local.js";

/** Unsolicited neighbour advertisements: keepalived's and ours are the same octets, whether the host is a router or not. */

const vip = "2001:db8::51";
const config = `
vrrp_instance V {
  interface eth0
  virtual_router_id 51
  priority 254
  advert_int 0.1
  virtual_ipaddress {
    ${vip}/64
  }
}
`;
const ROUNDS = 5;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const options = { skip: needs("root", "netns", "native", "keepalived", "tcpdump"), timeout: 60_000 };

for (const forwards of [false, true]) {
  for (const program of [keepalived, holdfast("memory")]) {
    test(
      `octets on the wire: neighbour adverts of ${program.name}, ${forwards ? "a router" : "a host"}`,
      options,
      async () => {
        await using lan = await Lan.create(plainHosts("a"));
        const a = lan.host("a");
        await linkLocalOf(a);
        await a.sysctl({ "net.ipv6.conf.eth0.forwarding": forwards ? "1" : "0" });
        const file = path.join(lan.dir, "na.pcap");
        await using _capture = await Capture.start(a.namespace, "eth0", file);
        await a.start(program, config, ["--vrrp"]);
        const isIt = (frame: Uint8Array) => frame[12] === 0x86 && frame[20] === 58 && frame[54] === 136;
        const seen = async () =>
          readPcap(await readFile(file))
            .map(({ bytes }) => bytes)
            .filter(isIt);
        await until("the first burst", 10_000, async () => (await seen()).length >= ROUNDS, 50);
        const frames = (await seen()).slice(0, ROUNDS);
        const mac = Buffer.from((await a.mac()).replaceAll(":", ""), "hex");
        const want = hex(neighbourAdvertisement(mac, vip, forwards));
        assert.deepEqual(frames.map(hex), Array<string>(ROUNDS).fill(want));
      },
    );
  }
}
