import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import type { IpAddress } from "../../main/address.js";
import type { VrrpInstanceConfig } from "../../main/config/model.js";
import { ms, priority } from "../../main/units.js";
import { Advertiser } from "../../main/vrrp/advertiser.js";
import { Endpoints } from "../../main/vrrp/endpoints.js";
import type { AdvertTransport } from "../../main/vrrp/ports.js";
import { WireState } from "../../main/vrrp/wire-state.js";
import { Capture } from "../harness/capture.js";
import { loadText } from "../harness/config-fixtures.js";
import { keepalived } from "../harness/daemon.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { readPcap } from "../harness/pcap.js";
import { until } from "../harness/until.js";
import { linkLocalOf } from "./link-local.js";
import { generateInstances, globalPeer, otherSources } from "./wire-cases.js";

/**
 * What keepalived puts on the wire is what we make of the same configuration, octet for octet, over the keywords that decide about
 * adverts: version, family, priority, interval, number of addresses, authentication, group, source, peers, TTL, checksum, VMAC. One keepalived runs all
 * cases of a seed side by side; HOLDFAST_SEED chooses another one.
 */

const seed = Number(process.env["HOLDFAST_SEED"] ?? 1);
const CASES = 120;
const ETHERNET = 14;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** IPv4: the header checksum is the kernel's. IPv6: the flow label is the kernel's, and so are hop limits that nobody configured. */
function comparable(packet: Uint8Array, { unicast, unicastPeers }: VrrpInstanceConfig): string {
  const copy = packet.slice();
  if ((copy[0] ?? 0) >>> 4 === 4) return hex(copy.fill(0, 10, 12));
  copy[1] = (copy[1] ?? 0) & 0xf0;
  copy.fill(0, 2, 4);
  if (unicastPeers.length > 0 && unicast.ttl === undefined) copy[7] = 255;
  return hex(copy);
}

/** Family, VRID, version and destination of a captured packet: what tells the cases apart. */
function keyOf(packet: Uint8Array): string | undefined {
  const v6 = (packet[0] ?? 0) >>> 4 === 6;
  const protocol = v6 ? packet[6] : packet[9];
  if (protocol !== 112 && protocol !== 51) return undefined;
  const at = (v6 ? 40 : 20) + (protocol === 51 ? 24 : 0);
  return `${v6 ? 6 : 4} ${packet[at + 1]} ${hex(v6 ? packet.subarray(24, 40) : packet.subarray(16, 20))}`;
}

/** The adverts of one beat, one per destination, as we send them. @param number of the beat, from 1 */
function ours(config: VrrpInstanceConfig, source: IpAddress, group: IpAddress, beat: number): readonly Uint8Array[] {
  const sent: Uint8Array[] = [];
  const transport: AdvertTransport = {
    open: () => ({
      send: (packet) => {
        sent.push(packet.slice());
        return 0;
      },
      [Symbol.dispose]: () => undefined,
    }),
  };
  const log = Object.assign(() => undefined, { detail: false });
  const endpoints = new Endpoints({
    transport,
    log,
    clock: { now: () => ms(0), after: () => ({ [Symbol.dispose]: () => undefined }) },
  });
  const advertiser = new Advertiser({ endpoints, log, wallClock: Date.now }, new WireState(), () => true);
  assert.equal(advertiser.prepare(config, { link: undefined, source, group }), undefined);
  for (let i = 0; i < beat; i++) {
    sent.length = 0;
    advertiser.send(priority(config.basePriority));
  }
  return sent;
}

const options = { skip: needs("root", "netns", "keepalived", "tcpdump"), timeout: 120_000 };

test(`octets on the wire: ${CASES} generated instances (seed ${seed})`, options, async () => {
  await using lan = await Lan.create(plainHosts("a", "b"));
  const a = lan.host("a");
  const linkLocal = await linkLocalOf(a);
  // Nobody has to answer at the peers' addresses: an entry of the neighbour table is all that is needed.
  for (const [address, prefix] of [
    [otherSources.inet, 24],
    [otherSources.inet6, 64],
  ] as const)
    await a.exec(["ip", "addr", "add", `${address}/${prefix}`, "dev", "eth0", ...(prefix === 64 ? ["nodad"] : [])]);
  for (const peer of ["192.0.2.2", "192.0.2.3", "fe80::2", "fe80::3", globalPeer])
    await a.exec(["ip", "neigh", "replace", peer, "lladdr", "02:00:00:00:00:99", "dev", "eth0"]);
  const text = generateInstances(seed, CASES);
  const { vrrpInstances } = loadText(text);
  assert.equal(vrrpInstances.length, CASES, "we accept every case");
  const file = path.join(lan.dir, "bytes.pcap");
  await using _capture = await Capture.start(a.namespace, "eth0", file);
  await a.start(keepalived, text, ["--vrrp"]);

  const adverts = (config: VrrpInstanceConfig, beat: number): readonly (readonly [key: string, packet: string])[] => {
    const source = config.sourceAddress ?? (config.family === "inet" ? "192.0.2.1" : linkLocal);
    const group = config.wire.group ?? (config.family === "inet" ? "224.0.0.18" : "ff02::12");
    return ours(config, source, group, beat).map((packet) => [keyOf(packet) ?? "", comparable(packet, config)]);
  };
  const expected = vrrpInstances.flatMap((config) => adverts(config, 1).map(([key]) => key));
  const byKey = new Map(vrrpInstances.map((config) => [`${config.family === "inet" ? 4 : 6} ${config.vrid}`, config]));
  /** The first advert that was captured, by what tells the cases apart; where the capture began later, it is a later one. */
  const seen = async (): Promise<ReadonlyMap<string, readonly [config: VrrpInstanceConfig, packet: Uint8Array]>> => {
    const got = new Map<string, readonly [VrrpInstanceConfig, Uint8Array]>();
    for (const { bytes } of readPcap(await readFile(file))) {
      const packet = bytes.subarray(ETHERNET);
      const key = keyOf(packet);
      const config = key && byKey.get(key.split(" ").slice(0, 2).join(" "));
      if (key === undefined || !config || got.has(key)) continue;
      const length = (packet[0] ?? 0) >>> 4 === 4 ? (packet[2] ?? 0) * 256 + (packet[3] ?? 0) : packet.length;
      got.set(key, [config, packet.subarray(0, length)]);
    }
    return got;
  };
  // The slowest interval is 3 s: 3 x 3 s, 3 s of skew at most, and as much again for a busy machine.
  await until("every instance advertised", 30_000, async () => (await seen()).size >= expected.length, 250);
  const got = await seen();
  assert.deepEqual(new Set(got.keys()), new Set(expected));
  for (const [key, [config, packet]] of got) {
    const identification = (packet[4] ?? 0) * 256 + (packet[5] ?? 0);
    const want = adverts(config, config.family === "inet" ? identification : 1).find(([other]) => other === key);
    assert.equal(comparable(packet, config), want?.[1], `${config.name}: ${key}`);
  }
});
