import assert from "node:assert/strict";
import { test } from "node:test";
import type { IpAddress } from "../../main/address.js";
import type { VrrpInstanceConfig } from "../../main/config/model.js";
import { type HmacConfig, plainUnicast, plainWire } from "../../main/config/model-vrrp.js";
import { bytesOfIp } from "../../main/ip-bytes.js";
import { ms, priority, vrid } from "../../main/units.js";
import { AdvertBuffer } from "../../main/vrrp/advert-buffer.js";
import { neighbourAdvertisement } from "../../main/vrrp/announcement.js";
import { isAfter, nextSequence, secondsOf, sequenceOf, trailerCode } from "../../main/vrrp/hmac-trailer.js";
import { type AdvertSpec, decodeAdvert, encodeAdvert } from "../../main/vrrp/packet.js";
import { ReplayMarks } from "../../main/vrrp/wire-state.js";
import { SimClock } from "../simulation/sim-clock.js";
import { daemonConfig, instanceConfig, SimRouter } from "../simulation/sim-router.js";
import { SimSegment } from "../simulation/sim-segment.js";

/** Signed adverts, checksums of old, announcements of IPv6: what the shell remembers and what is on the wire. */

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const vip: IpAddress = "192.0.2.100";
const fast = { version: 3, advertInterval: ms(100) } as const;
const key = (id: number, fill: number) => ({ id, bytes: new Uint8Array(32).fill(fill) });

const hmac = (changes: Partial<HmacConfig> = {}): HmacConfig => ({
  keys: [key(1, 1)],
  activeKey: 1,
  windowSeconds: 5,
  antiReplay: "time",
  mode: "enforce",
  ...changes,
});

const signing = (changes: Partial<HmacConfig> = {}): Partial<VrrpInstanceConfig> => ({
  ...fast,
  wire: { ...plainWire, hmac: hmac(changes) },
});

/** Two routers on a segment; the first is the one to win. */
function pair(first: Partial<VrrpInstanceConfig>, second: Partial<VrrpInstanceConfig>) {
  const clock = new SimClock();
  const segment = new SimSegment(clock);
  const a = new SimRouter("a", "192.0.2.1", clock, segment);
  const b = new SimRouter("b", "192.0.2.2", clock, segment);
  a.router.start(daemonConfig([instanceConfig({ basePriority: priority(200), ...first })]));
  b.router.start(daemonConfig([instanceConfig(second)]));
  clock.advance(3000);
  return { clock, segment, a, b, states: () => [a.state(), b.state()] };
}

const counters = (router: SimRouter) => router.router.snapshot()[0]?.counters;

test("auth_hmac: octets on the wire, as keepalived.conf(5) describes them", () => {
  const spec: AdvertSpec = {
    version: 3,
    vrid: vrid(51),
    interval: ms(1000),
    addresses: [vip],
    authPass: undefined,
    source: "192.0.2.1",
    destination: "224.0.0.18",
    hmac: true,
  };
  const buffer = new AdvertBuffer(spec, priority(100));
  const packet = buffer.stamp(1, priority(100));
  const sequence = sequenceOf(1_767_225_600_250);
  buffer.signHmac(key(3, 0x5a), sequence);
  // type, key id, reserved, seconds, 1/65536 s, counter
  assert.equal(
    hex(packet.subarray(32, 44)),
    `01 03 0000 ${(1_767_225_600).toString(16)} 4000 0000`.replaceAll(" ", ""),
  );
  assert.equal(packet.length, 20 + 12 + 28);
  assert.equal((packet[2] ?? 0) * 256 + (packet[3] ?? 0), packet.length, "the trailer is part of the IP packet");
  const unsigned = encodeAdvert({ ...spec, hmac: false }, priority(100), 1);
  assert.equal(hex(packet.subarray(20, 32)), hex(unsigned.subarray(20)), "the checksum over IPv4 leaves it out");
  // The destination is not covered: one signature serves all peers.
  const other = new AdvertBuffer({ ...spec, destination: "224.0.0.77" }, priority(100));
  const copy = other.stamp(1, priority(100));
  other.attach(packet.subarray(32));
  assert.equal(hex(trailerCode(copy, 20, 32, key(3, 0x5a).bytes)), hex(packet.subarray(44)));
});

test("auth_hmac: numbers never repeat, follow the clock, and go round", () => {
  const at = (seconds: number) => sequenceOf(seconds * 1000);
  assert.equal(nextSequence(undefined, at(100), 5), at(100));
  assert.equal(nextSequence(at(100), at(100), 5), at(100) + 1n, "twice in one tick");
  assert.equal(nextSequence(at(103), at(100), 5), at(103) + 1n, "a clock that was set back a little");
  assert.equal(nextSequence(at(106), at(100), 5), at(100), "and by more than the window");
  assert.equal(nextSequence(at(106), at(100), undefined), at(106) + 1n, "which monotonic numbers never follow");
  assert.equal(secondsOf(at(0xffff_ffff)), 0xffff_ffff);
  assert.ok(isAfter(1n, 0xffff_ffff_ffff_ffffn));
  assert.ok(!isAfter(5n, 5n));
});

test("replay marks: per sender, bounded", () => {
  const marks = new ReplayMarks();
  for (let i = 1; i <= 5; i++) marks.accept(`192.0.2.${i}`, 10n, 0);
  assert.ok(!marks.isReplay("192.0.2.1", 10n, 0, undefined), "forgotten");
  assert.ok(marks.isReplay("192.0.2.5", 10n, 0, undefined));
  assert.ok(!marks.isReplay("192.0.2.5", 11n, 0, undefined));
});

test("auth_hmac: two routers with the same key elect one master", () => {
  assert.deepEqual(pair(signing(), signing()).states(), ["MASTER", "BACKUP"]);
});

test("auth_hmac: with different keys neither hears the other, and both say why", () => {
  const { a, b, states } = pair(signing(), signing({ keys: [key(1, 2)] }));
  assert.deepEqual(states(), ["MASTER", "MASTER"]);
  assert.ok((counters(b)?.auth_ext_invalid_hmac ?? 0) > 5);
  assert.equal(counters(a)?.advert_rcvd, 0);
  assert.equal(b.logs.filter((line) => line === "(V) auth_hmac: invalid HMAC with key 1").length, 2, "once per state");
});

test("auth_hmac: a key is changed without a moment of two masters", () => {
  const { clock, a, b, states } = pair(signing(), signing());
  const both = [key(1, 1), key(2, 2)];
  const steps: readonly (readonly [SimRouter, number, Partial<HmacConfig>])[] = [
    [b, 100, { keys: both }],
    [a, 200, { keys: both }],
    [a, 200, { keys: both, activeKey: 2 }],
    [b, 100, { keys: both, activeKey: 2 }],
    [b, 100, { keys: [key(2, 2)], activeKey: 2 }],
    [a, 200, { keys: [key(2, 2)], activeKey: 2 }],
  ];
  for (const [router, at, changes] of steps) {
    router.router.reload(daemonConfig([instanceConfig({ basePriority: priority(at), ...signing(changes) })]));
    clock.advance(1000);
    assert.deepEqual(states(), ["MASTER", "BACKUP"]);
  }
  assert.equal(counters(b)?.become_master, 0);
});

test("auth_hmac: an unsigned router is heard by a permissive one only", () => {
  assert.deepEqual(pair(fast, signing({ mode: "permissive" })).states(), ["MASTER", "BACKUP"]);
  assert.deepEqual(pair(fast, signing({ mode: "receive-only" })).states(), ["MASTER", "BACKUP"]);
  assert.deepEqual(pair(fast, signing()).states(), ["MASTER", "MASTER"]);
});

/** Every advert that `a` sent so far, as somebody on the segment recorded it. */
function record(segment: SimSegment): Uint8Array[] {
  const heard: Uint8Array[] = [];
  segment
    .transport("ear")
    .open({ kind: "multicast", link: undefined, address: "224.0.0.18" }, (packet) => void heard.push(packet));
  return heard;
}

for (const [name, config, counter] of [
  ["auth_hmac", signing(), "auth_ext_replay"],
  ["auth_type AH", { authPass: "secret", wire: { ...plainWire, ah: true } }, "auth_failure"],
] as const) {
  test(`${name}: recorded adverts keep no backup from taking over`, () => {
    const { clock, segment, a, b, states } = pair(config, config);
    const heard = record(segment);
    clock.advance(3000);
    segment.setCut("a", true);
    const played = heard.splice(0);
    assert.ok(played.length >= 2);
    for (let i = 0; i < 20; i++) {
      for (const packet of played) segment.inject(packet);
      clock.advance(250);
    }
    assert.equal(b.state(), "MASTER");
    assert.ok((counters(b)?.[counter] ?? 0) >= played.length);
    segment.setCut("a", false);
    clock.advance(5000);
    assert.deepEqual(states(), ["MASTER", "BACKUP"], "and the living are heard again");
    assert.equal(a.state(), "MASTER");
  });
}

test("auth_type AH: a master that starts again takes its place, although its numbers began anew", () => {
  const ah = { authPass: "secret", wire: { ...plainWire, ah: true } };
  const { clock, segment, a, b } = pair(ah, ah);
  clock.advance(60_000);
  segment.setCut("a", true);
  clock.advance(10_000);
  assert.equal(b.state(), "MASTER");
  const again = new SimRouter("a2", "192.0.2.3", clock, segment);
  again.router.start(daemonConfig([instanceConfig({ basePriority: priority(200), ...ah })]));
  clock.advance(10_000);
  assert.deepEqual([again.state(), b.state()], ["MASTER", "BACKUP"]);
  assert.equal(a.state(), "MASTER"); // still cut off
});

test("unicast peers of before 1.3.7: their checksums are recognised, and again when they are updated", () => {
  const peer: IpAddress = "192.0.2.9";
  const config = instanceConfig({
    ...fast,
    sourceAddress: "192.0.2.1",
    unicastPeers: [peer],
    unicast: { ...plainUnicast, oldChecksum: "detect" },
  });
  const clock = new SimClock();
  const segment = new SimSegment(clock);
  segment.delay = 0;
  const router = new SimRouter("us", "192.0.2.1", clock, segment);
  router.router.start(daemonConfig([config]));
  const hear = (checksum: "standard" | Uint8Array) => {
    const spec: AdvertSpec = {
      version: 3,
      vrid: vrid(51),
      interval: ms(100),
      addresses: [vip],
      authPass: undefined,
      source: peer,
      destination: "192.0.2.1",
      checksum,
    };
    segment.inject(encodeAdvert(spec, priority(200), 1));
    clock.advance(1);
    return counters(router)?.advert_rcvd;
  };
  const old = bytesOfIp("224.0.0.18");
  assert.deepEqual([hear("standard"), hear(old), hear(old), hear("standard")], [1, 2, 3, 4]);
  assert.deepEqual(
    router.logs.filter((line) => line.includes("checksum")),
    ["(V) Setting unicast VRRPv3 checksum to old version", "(V) Setting unicast VRRPv3 checksum to new version"],
  );
  assert.equal(hear(bytesOfIp("224.0.0.99")), 4);
  assert.equal(counters(router)?.chk_err, 1);
});

test("unsolicited neighbour advertisement: RFC 4861 §4.4, octet for octet", () => {
  const mac = Uint8Array.of(0x02, 0, 0x5e, 0x10, 0, 1);
  const frame = neighbourAdvertisement(mac, "2001:db8::100", true);
  const want = [
    "333300000001 0200 5e100001 86dd",
    "60000000 0020 3a ff 20010db8000000000000000000000100 ff020000000000000000000000000001",
    "8800 ---- a0000000 20010db8000000000000000000000100 0201 02005e100001",
  ];
  const wanted = want.join("").replaceAll(" ", "");
  assert.equal(hex(frame).slice(0, 112), wanted.slice(0, 112));
  assert.equal(hex(frame).slice(116), wanted.slice(116));
  let sum = 58 + 32;
  for (let i = 22; i < frame.length; i += 2) sum += (frame[i] ?? 0) * 256 + (frame[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  assert.equal(sum, 0xffff, "the checksum is right");
  assert.equal(neighbourAdvertisement(mac, "2001:db8::100", false)[58], 0x20, "Override, not Router");
});

test("IPv6: any octets are decoded or refused, never thrown", () => {
  const valid = encodeAdvert(
    {
      version: 3,
      vrid: vrid(5),
      interval: ms(100),
      addresses: ["fe80::1"],
      authPass: undefined,
      source: "fe80::2",
      destination: "ff02::12",
    },
    priority(100),
    0,
  );
  for (let n = 0; n < valid.length; n++) decodeAdvert(valid.subarray(0, n));
  assert.ok(decodeAdvert(valid).ok);
});
