import assert from "node:assert/strict";
import { test } from "node:test";
import type { IpAddress } from "../../main/address.js";
import type { HmacConfig } from "../../main/config/model-vrrp.js";
import { ms, priority, vrid } from "../../main/units.js";
import { AdvertBuffer } from "../../main/vrrp/advert-buffer.js";
import type { CounterName } from "../../main/vrrp/counters.js";
import { sequenceOf } from "../../main/vrrp/hmac-trailer.js";
import { type AdvertSpec, decodeAdvert, encodeAdvert, type ReceivedAdvert } from "../../main/vrrp/packet.js";
import { type Expectation, type RuleName, ruleNames, validate } from "../../main/vrrp/validate.js";
import { ReplayMarks } from "../../main/vrrp/wire-state.js";

const addresses: readonly IpAddress[] = ["192.0.2.100", "192.0.2.101"];

const v2: AdvertSpec = {
  version: 2,
  vrid: vrid(51),
  interval: ms(1000),
  addresses,
  authPass: "secret",
  source: "192.0.2.2",
  destination: "224.0.0.18",
};
const ah: AdvertSpec = { ...v2, ah: true };
const v3: AdvertSpec = { ...v2, version: 3, interval: ms(250), authPass: undefined };
const v6: AdvertSpec = {
  ...v3,
  addresses: ["fe80::1:1", "2001:db8::1"],
  source: "fe80::2",
  destination: "ff02::12",
};

function expectation(spec: AdvertSpec, changes: Partial<Expectation> = {}): Expectation {
  return {
    name: "V",
    version: spec.version,
    authPass: spec.authPass,
    interval: spec.interval,
    addresses: spec.addresses,
    unicast: false,
    ignoreAdverts: false,
    knownMaster: undefined,
    ...changes,
  };
}

function received(bytes: Uint8Array): ReceivedAdvert {
  const decoded = decodeAdvert(bytes);
  assert.ok(decoded.ok);
  return decoded.advert;
}

const packet = (spec: AdvertSpec) => encodeAdvert(spec, priority(100), 1);
const edited = (spec: AdvertSpec, at: number, value: number) => packet(spec).with(at, value);
const padded = (spec: AdvertSpec, length: number) => {
  const bytes = new Uint8Array(length);
  bytes.set(packet(spec));
  return bytes;
};

interface Row {
  readonly rule: RuleName;
  readonly is?: "dropped" | "accepted";
  readonly counter: CounterName | undefined;
  readonly sentence: string;
  readonly bytes: Uint8Array;
  readonly expect: Expectation;
}

/** 2026-01-01, and what arrives then with auth_hmac. */
const now = 1_767_225_600;
const keys = [
  { id: 1, bytes: new Uint8Array(32).fill(7) },
  { id: 2, bytes: new Uint8Array(64).fill(9) },
];
const hmacConfig: HmacConfig = { keys, activeKey: 1, windowSeconds: 5, antiReplay: "time", mode: "enforce" };
const signing: AdvertSpec = { ...v3, hmac: true };

/** Signed at `seconds`; changes are made before, so that they are signed too. */
function signed(seconds: number, key = keys[0], spec = signing): Uint8Array {
  const buffer = new AdvertBuffer(spec, priority(100));
  const bytes = buffer.stamp(1, priority(100));
  if (key !== undefined) buffer.signHmac(key, sequenceOf(seconds * 1000));
  return bytes.slice();
}

function withHmac(
  changes: Partial<HmacConfig> = {},
  heard?: number,
  senders?: readonly string[],
): Partial<Expectation> {
  const marks = new ReplayMarks();
  if (heard !== undefined) marks.accept("192.0.2.2", sequenceOf(heard * 1000), 1);
  return { hmac: { config: { ...hmacConfig, ...changes }, marks, now: now + 0.5, senders } };
}

const trailerAt = packet(v3).length;
const signedWith = (at: number, value: number): Uint8Array => signed(now).with(trailerAt + at, value);

const hmacRow = (
  rule: RuleName,
  counter: CounterName | undefined,
  sentence: string,
  bytes: Uint8Array,
  hmac: Partial<Expectation>,
): Row => ({
  rule,
  counter,
  sentence: `(V) auth_hmac: ${sentence}`,
  bytes,
  expect: expectation(v3, hmac),
});

const hmacRows: readonly Row[] = [
  hmacRow(
    "hmac-sender",
    undefined,
    "unicast source address 192.0.2.2 not a unicast peer",
    signed(now),
    withHmac({}, undefined, ["192.0.2.9"]),
  ),
  hmacRow("hmac-missing", "auth_ext_missing", "the advert is not signed", packet(v3), withHmac()),
  hmacRow("hmac-malformed", "auth_ext_malformed", "the trailer is malformed", signedWith(0, 2), withHmac()),
  hmacRow("hmac-malformed", "auth_ext_malformed", "the trailer is malformed", signedWith(3, 1), withHmac()),
  hmacRow(
    "hmac-stale",
    "auth_ext_stale",
    "the advert is 6 s old, time_window is 5 s - compare the clocks of the routers",
    signed(now - 6),
    withHmac(),
  ),
  hmacRow(
    "hmac-stale",
    "auth_ext_stale",
    "the advert is 6 s ahead of our clock, time_window is 5 s - compare the clocks of the routers",
    signed(now + 6),
    withHmac(),
  ),
  hmacRow("hmac-key", "auth_ext_unknown_key", "key 3 is not configured here", signedWith(1, 3), withHmac()),
  hmacRow("hmac", "auth_ext_invalid_hmac", "invalid HMAC with key 2", signedWith(1, 2), withHmac()),
  hmacRow("hmac", "auth_ext_invalid_hmac", "invalid HMAC with key 1", signed(now).with(22, 101), withHmac()),
  hmacRow("hmac-replay", "auth_ext_replay", "the advert is a replay", signed(now), withHmac({}, now)),
  hmacRow("hmac-replay", "auth_ext_replay", "the advert is a replay", signed(now), withHmac({}, now + 3)),
];

/** One row per rule, in the order in which they are applied. */
const rows: readonly Row[] = [
  {
    rule: "ah-present",
    counter: "authtype_mismatch",
    sentence: "(V) Received AH header but auth type not AH",
    bytes: packet(ah),
    expect: expectation(v2),
  },
  {
    rule: "ah-present",
    counter: "authtype_mismatch",
    sentence: "(V) No AH header but auth type AH",
    bytes: packet(v2),
    expect: expectation(ah, { ah: { sequence: 0 } }),
  },
  {
    rule: "length",
    counter: "packet_len_err",
    sentence: "(V) vrrp packet too short, length 40 and expect 44",
    bytes: packet(v2).subarray(0, 40),
    expect: expectation(v2),
  },
  {
    rule: "length",
    counter: "packet_len_err",
    sentence: "(V) vrrp packet too long, length 48 and expect 44",
    bytes: padded(v2, 48),
    expect: expectation(v2),
  },
  {
    rule: "ttl",
    counter: "ip_ttl_err",
    sentence: "(V) invalid TTL/HL. Received 254 and expect 255",
    bytes: edited(v2, 8, 254),
    expect: expectation(v2),
  },
  {
    rule: "version",
    counter: "vers_err",
    sentence: "(V) wrong version. Received 3 and expect 2",
    bytes: edited(v2, 20, 0x31),
    expect: expectation(v2),
  },
  ...hmacRows,
  {
    rule: "auth-type-known",
    counter: "invalid_authtype",
    sentence: "(V) Invalid auth type: 3",
    bytes: edited(v2, 24, 3),
    expect: expectation(v2),
  },
  {
    rule: "auth-type",
    counter: "authtype_mismatch",
    sentence: "(V) received a 0 auth, expecting 1!",
    bytes: packet({ ...v2, authPass: undefined }),
    expect: expectation(v2),
  },
  {
    rule: "auth-data",
    counter: "auth_failure",
    sentence: "(V) received an invalid passwd!",
    bytes: packet({ ...v2, authPass: "secreT" }),
    expect: expectation(v2),
  },
  {
    rule: "ah",
    counter: "auth_failure",
    sentence: "(V) IPSEC-AH : invalid IPSEC HMAC-MD5 value. Due to fields mutation or bad password !",
    bytes: packet({ ...ah, authPass: "secreT" }),
    expect: expectation(ah, { ah: { sequence: 0 } }),
  },
  {
    rule: "ah",
    counter: "auth_failure",
    sentence: "(V) IPSEC-AH : sequence number 7 already processed. Packet dropped. Local(7)",
    bytes: encodeAdvert(ah, priority(100), 1, 7),
    expect: expectation(ah, { ah: { sequence: 7 } }),
  },
  {
    rule: "interval-v2",
    counter: "advert_interval_err",
    sentence: "(V) advertisement interval mismatch mine=1 sec rcv'd=2 sec",
    bytes: packet({ ...v2, interval: ms(2000) }),
    expect: expectation(v2),
  },
  {
    rule: "type",
    counter: "invalid_type_rcvd",
    sentence: "(V) Invalid packet type. 2 and expect 1",
    bytes: edited(v2, 20, 0x22),
    expect: expectation(v2),
  },
  {
    rule: "total-length",
    counter: "packet_len_err",
    sentence: "(V) ip_tot_len mismatch against received length. 45 and received 44",
    bytes: edited(v2, 3, 45),
    expect: expectation(v2),
  },
  {
    rule: "interval-v3",
    is: "accepted",
    counter: undefined,
    sentence: "(V) advertisement interval mismatch mine=250 milli-sec rcv'd=500 milli-sec",
    bytes: packet({ ...v3, interval: ms(500) }),
    expect: expectation(v3),
  },
  {
    rule: "checksum",
    counter: "chk_err",
    sentence: "(V) Invalid VRRPv2 checksum",
    bytes: edited(v2, 26, 0),
    expect: expectation(v2),
  },
  {
    rule: "checksum",
    counter: "chk_err",
    sentence: "(V) Invalid VRRPv3 checksum",
    bytes: edited(v3, 19, 19), // only the pseudo header tells
    expect: expectation(v3),
  },
  {
    rule: "cast",
    counter: "addr_list_err",
    sentence: "(V) Expected unicast packet but received multicast packet",
    bytes: packet(v2),
    expect: expectation(v2, { unicast: true }),
  },
  {
    rule: "cast",
    counter: "addr_list_err",
    sentence: "(V) Expected multicast packet but received unicast packet",
    bytes: packet({ ...v2, destination: "192.0.2.1" }),
    expect: expectation(v2),
  },
  {
    rule: "owner-ignores",
    counter: undefined,
    sentence: "(V) ignoring advert from 192.0.2.2: owner_ignore_adverts is set",
    bytes: packet(v2),
    expect: expectation(v2, { ignoreAdverts: true }),
  },
  {
    rule: "address-count",
    is: "accepted",
    counter: "addr_list_err",
    sentence: "(V) received an unexpected ip number count 1, expected 2!",
    bytes: packet({ ...v2, addresses: ["192.0.2.100"] }),
    expect: expectation(v2),
  },
  {
    rule: "address-set",
    is: "accepted",
    counter: "addr_list_err",
    sentence: "(V) ip address associated with VRID 51 not present in MASTER advert: 192.0.2.101",
    bytes: packet({ ...v2, addresses: ["192.0.2.100", "192.0.2.102"] }),
    expect: expectation(v2),
  },
  {
    rule: "unicast-source",
    counter: undefined,
    sentence: "(V) unicast source address 192.0.2.2 not a unicast peer",
    bytes: packet({ ...v2, destination: "192.0.2.1" }),
    expect: expectation(v2, { unicast: true, peers: [{ address: "192.0.2.3", leastTtl: 0, mostTtl: 255 }] }),
  },
  {
    rule: "unicast-ttl",
    counter: "ip_ttl_err",
    sentence: "(V) TTL/HL 255 of unicast peer 192.0.2.2 is outside of 60..64",
    bytes: packet({ ...v2, destination: "192.0.2.1" }),
    expect: expectation(v2, { unicast: true, peers: [{ address: "192.0.2.2", leastTtl: 60, mostTtl: 64 }] }),
  },
];

for (const { rule, is = "dropped", counter, sentence, bytes, expect } of rows) {
  test(`${rule}: ${sentence}`, () => {
    const finding = { rule, counter, sentence };
    const want = is === "dropped" ? { is, finding } : { is, warnings: [finding] };
    assert.deepEqual(validate(received(bytes), expect), want);
  });
}

test("every rule has a row, and the rows are in the order of the rules", () => {
  assert.deepEqual([...new Set(rows.map((row) => row.rule))], ruleNames);
});

test("the first broken rule decides", () => {
  for (const [i, row] of rows.entries()) {
    if (row.is === "accepted" || row.expect.version === 3 || row.bytes.length !== 44) continue;
    const worse = row.bytes.with(26, 0); // the checksum is wrong too
    const verdict = validate(received(worse), row.expect);
    const before = ruleNames.indexOf(row.rule) <= ruleNames.indexOf("checksum");
    assert.equal(verdict.is === "dropped" ? verdict.finding.rule : "", before ? row.rule : "checksum", `row ${i}`);
  }
});

for (const [name, bytes, expect] of [
  ["v2 with password", packet(v2), expectation(v2)],
  ["v2 with an authentication header", encodeAdvert(ah, priority(1), 9, 8), expectation(ah, { ah: { sequence: 7 } })],
  ["v3, IPv6", packet(v6), expectation(v6)],
  [
    "v2, IPv6: no authentication data",
    packet({ ...v6, version: 2, interval: ms(1000) }),
    expectation({ ...v6, version: 2, interval: ms(1000) }),
  ],
  ["v3_checksum_as_v2, both ways", packet({ ...v3, checksum: "as-v2" }), expectation(v3, { checksum: "as-v2" })],
  ["v3_checksum_as_v2 here only", packet(v3), expectation(v3, { checksum: "as-v2" })],
  ["signed", signed(now), expectation(v3, withHmac({}, now - 1))],
  ["signed with the other key", signed(now, keys[1]), expectation(v3, withHmac())],
  ["signed, IPv6", signed(now, keys[0], { ...v6, hmac: true }), expectation(v6, withHmac())],
  ["signed, old, monotonic", signed(now - 999), expectation(v3, withHmac({ antiReplay: "monotonic" }, now - 1000))],
  ["signed, a mark that is out of the window", signed(now), expectation(v3, withHmac({}, now + 9))],
  ["unsigned, permissive", packet(v3), expectation(v3, withHmac({ mode: "permissive" }))],
  ["unsigned, receive-only", packet(v3), expectation(v3, withHmac({ mode: "receive-only" }))],
  ["v2 without", packet({ ...v2, authPass: undefined }), expectation({ ...v2, authPass: undefined })],
  ["v3", packet(v3), expectation(v3)],
  ["priority 0", encodeAdvert(v2, priority(0), 1), expectation(v2)],
  ["addresses in another order", packet({ ...v2, addresses: addresses.toReversed() }), expectation(v2)],
  ["Ethernet padding", padded({ ...v3, addresses: [] }, 46), expectation({ ...v3, addresses: [] })],
  ["TTL of a unicast advert", edited({ ...v2, destination: "192.0.2.1" }, 8, 64), expectation(v2, { unicast: true })],
  [
    "other addresses from a known master (skip_check_adv_addr)",
    packet({ ...v2, addresses: ["192.0.2.100", "192.0.2.102"] }),
    expectation(v2, { knownMaster: "192.0.2.2" }),
  ],
] as const) {
  test(`accepted: ${name}`, () => {
    assert.deepEqual(validate(received(bytes), expect), { is: "accepted", warnings: [] });
  });
}
