import assert from "node:assert/strict";
import { test } from "node:test";
import type { IpAddress } from "../../main/address.js";
import { ms, priority, vrid } from "../../main/units.js";
import type { CounterName } from "../../main/vrrp/counters.js";
import { type AdvertSpec, decodeAdvert, encodeAdvert, type ReceivedAdvert } from "../../main/vrrp/packet.js";
import { type Expectation, type RuleName, ruleNames, validate } from "../../main/vrrp/validate.js";

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
const v3: AdvertSpec = { ...v2, version: 3, interval: ms(250), authPass: undefined };

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

/** One row per rule, in the order in which they are applied. */
const rows: readonly Row[] = [
  {
    rule: "no-ah",
    counter: "authtype_mismatch",
    sentence: "(V) Received AH header but auth type not AH",
    bytes: edited(v2, 9, 51),
    expect: expectation(v2),
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
