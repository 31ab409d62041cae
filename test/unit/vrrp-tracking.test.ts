import assert from "node:assert/strict";
import { test } from "node:test";
import type { VrrpInstanceConfig } from "../../main/config/model.js";
import { noExtras, plainUnicast } from "../../main/config/model-vrrp.js";
import { priority } from "../../main/units.js";
import type { ScriptResult } from "../../main/vrrp/ports.js";
import { initialScriptState, resultCounter, type ScriptState, scriptStep } from "../../main/vrrp/script-track.js";
import { chooseSource, sourceIsLost } from "../../main/vrrp/source.js";
import { faultReason, type HostView, track, trackedLinks } from "../../main/vrrp/tracking.js";
import { instanceConfig, virtualAddress } from "../simulation/sim-router.js";

interface Row {
  readonly name: string;
  readonly config: Partial<VrrpInstanceConfig>;
  readonly down?: readonly string[];
  readonly scripts?: Readonly<Record<string, "init" | "up" | "down">>;
  readonly effective?: number;
  readonly faults?: readonly string[];
  readonly waiting?: readonly string[];
}

const script = (weight: number, reverse = false) => ({ trackScripts: [{ name: "s", weight, reverse }] });
const link = (weight: number, reverse = false) => ({ trackInterfaces: [{ name: "eth1", weight, reverse }] });

const rows: readonly Row[] = [
  { name: "nothing tracked", config: {} },
  { name: "own interface down", config: {}, down: ["eth0"], faults: ["(interface eth0 down)"] },
  { name: "dont_track_primary", config: { dontTrackPrimary: true }, down: ["eth0"] },
  { name: "interface weight 0, down", config: link(0), down: ["eth1"], faults: ["(interface eth1 down)"] },
  { name: "interface weight 0 reverse, up", config: link(0, true), faults: ["(interface eth1 down)"] },
  { name: "interface positive weight, up", config: link(20), effective: 120 },
  { name: "interface positive weight, down", config: link(20), down: ["eth1"] },
  { name: "interface negative weight, up", config: link(-20) },
  { name: "interface negative weight, down", config: link(-20), down: ["eth1"], effective: 80 },
  {
    name: "interface of an address down",
    config: { virtualAddresses: [{ ...virtualAddress("192.0.2.1"), dev: "eth2" }] },
    down: ["eth2"],
    faults: ["(interface eth2 down)"],
  },
  { name: "script weight 0, init", config: script(0), scripts: { s: "init" }, waiting: ["s"] },
  { name: "script weight 0, up", config: script(0), scripts: { s: "up" } },
  { name: "script weight 0, down", config: script(0), scripts: { s: "down" }, faults: ["due to script s"] },
  { name: "script weight 0 reverse, up", config: script(0, true), scripts: { s: "up" }, faults: ["due to script s"] },
  { name: "script weight 0 reverse, down", config: script(0, true), scripts: { s: "down" } },
  { name: "script positive weight, init", config: script(10), scripts: { s: "init" } },
  { name: "script positive weight, up", config: script(10), scripts: { s: "up" }, effective: 110 },
  { name: "script negative weight, down", config: script(-10), scripts: { s: "down" }, effective: 90 },
  { name: "script positive weight reverse, up", config: script(10, true), scripts: { s: "up" }, effective: 90 },
  { name: "clamped to 254", config: script(253), scripts: { s: "up" }, effective: 254 },
  { name: "clamped to 1", config: script(-253), scripts: { s: "down" }, effective: 1 },
  {
    name: "the owner never changes",
    config: { ...script(-253), basePriority: priority(255) },
    scripts: { s: "down" },
    effective: 255,
  },
];

for (const { name, config, down = [], scripts = {}, effective = 100, faults = [], waiting = [] } of rows) {
  test(`tracking: ${name}`, () => {
    const view: HostView = {
      linkUp: (linkName) => !down.includes(linkName),
      script: (scriptName) => scripts[scriptName] ?? "up",
      hasSource: true,
      socketProblem: undefined,
    };
    const got = track(instanceConfig(config), view);
    const short = { effective: got.effective, faults: got.faults.map(faultReason), waiting: got.waiting };
    assert.deepEqual(short, { effective, faults, waiting });
  });
}

test("tracking: no source address, no socket", () => {
  const view: HostView = { linkUp: () => true, script: () => "up", hasSource: false, socketProblem: undefined };
  assert.deepEqual(track(instanceConfig(), view).faults, [{ kind: "no-source-address" }]);
  const closed = { ...view, hasSource: true, socketProblem: "Operation not permitted" };
  assert.deepEqual(track(instanceConfig(), closed).faults, [{ kind: "socket", problem: "Operation not permitted" }]);
});

test("tracking: source address on no interface, unicast without peers", () => {
  const view: HostView = { linkUp: () => true, script: () => "up", hasSource: false, socketProblem: undefined };
  const lost = track(instanceConfig({ sourceAddress: "192.0.2.1" }), view);
  assert.deepEqual(lost.faults, [{ kind: "source-address-lost", address: "192.0.2.1" }]);
  const unicast = { ...plainUnicast, faultWithoutPeer: true };
  const alone = track(instanceConfig({ unicast }), { ...view, hasSource: true });
  assert.deepEqual(alone.faults, [{ kind: "no-peer" }]);
  const withPeer = instanceConfig({ unicast, unicastPeers: ["192.0.2.2"] });
  assert.deepEqual(track(withPeer, { ...view, hasSource: true }).faults, []);
});

test("track_src_ip: only a configured address that nobody floats, and that no interface has", () => {
  const on = { ...noExtras, trackSourceAddress: true };
  const has = (...addresses: string[]) => ({ hasAddress: (address: string) => addresses.includes(address) });
  const config = instanceConfig({ sourceAddress: "192.0.2.1", extras: on });
  assert.equal(sourceIsLost(config, has("192.0.2.7"), new Set()), true);
  assert.equal(sourceIsLost(config, has("192.0.2.1"), new Set()), false);
  assert.equal(sourceIsLost(config, has(), new Set(["192.0.2.1"])), false, "an owner has it once it is master");
  assert.equal(sourceIsLost({ ...config, extras: noExtras }, has(), new Set()), false);
  assert.equal(sourceIsLost({ ...config, sourceAddress: undefined }, has(), new Set()), false);
});

test("without an interface of its own an instance watches its VRF, and nothing without a name", () => {
  const plain = instanceConfig({ interface: "", unicastPeers: ["192.0.2.2"], sourceAddress: "192.0.2.1" });
  assert.deepEqual([...trackedLinks(plain)], []);
  assert.deepEqual([...trackedLinks({ ...plain, unicast: { ...plainUnicast, vrf: "red" } })], ["red"]);
});

const onLink = (address: string, tentative = false) => ({ interfaceIndex: 2, address, prefix: 24, tentative });

for (const { name, config, addresses, virtual, want } of [
  {
    name: "configured",
    config: { sourceAddress: "192.0.2.7" },
    addresses: [onLink("192.0.2.1")],
    virtual: [],
    want: "192.0.2.7",
  },
  {
    name: "first of the interface",
    config: {},
    addresses: [onLink("192.0.2.1"), onLink("192.0.2.2")],
    virtual: [],
    want: "192.0.2.1",
  },
  {
    name: "not a virtual one",
    config: {},
    addresses: [onLink("192.0.2.100"), onLink("192.0.2.2")],
    virtual: ["192.0.2.100"],
    want: "192.0.2.2",
  },
  {
    name: "not IPv6, not tentative",
    config: {},
    addresses: [onLink("fe80::1"), onLink("192.0.2.1", true)],
    virtual: [],
    want: undefined,
  },
  {
    name: "of an IPv6 instance: link-local, not tentative, not virtual",
    config: { family: "inet6" as const },
    addresses: [
      onLink("192.0.2.1"),
      onLink("2001:db8::1"),
      onLink("fe80::5", true),
      onLink("fe80::51"),
      onLink("fe80::1"),
    ],
    virtual: ["fe80::51"],
    want: "fe80::1",
  },
  {
    name: "nothing but a virtual one",
    config: {},
    addresses: [onLink("192.0.2.100")],
    virtual: ["192.0.2.100"],
    want: undefined,
  },
  {
    name: "the owner's own",
    config: { basePriority: priority(255) },
    addresses: [onLink("192.0.2.100")],
    virtual: ["192.0.2.100"],
    want: "192.0.2.100",
  },
]) {
  test(`source address: ${name}`, () => {
    assert.equal(chooseSource(instanceConfig(config), addresses, new Set(virtual)), want);
  });
}

const exited = (value: number): ScriptResult => ({ kind: "exited", value });
const chk = { name: "chk", rise: 2, fall: 3, initFail: false };

interface ScriptRow {
  readonly name: string;
  readonly from: ScriptState;
  readonly result: ScriptResult;
  readonly lastExit?: number;
  readonly to: ScriptState;
  readonly sentences: readonly string[];
}

const scriptRows: readonly ScriptRow[] = [
  {
    name: "init: one success is enough",
    from: { at: "init" },
    result: exited(0),
    to: { at: "up", streak: 0 },
    sentences: ["VRRP_Script(chk) succeeded"],
  },
  {
    name: "init: one failure is enough",
    from: { at: "init" },
    result: exited(3),
    to: { at: "down", streak: 0 },
    sentences: ["Script `chk` now returning 3", "VRRP_Script(chk) failed (exited with status 3)"],
  },
  {
    name: "up: a failure below fall",
    from: { at: "up", streak: 0 },
    result: exited(1),
    lastExit: 0,
    to: { at: "up", streak: 1 },
    sentences: ["Script `chk` now returning 1"],
  },
  {
    name: "up: a success starts the count anew",
    from: { at: "up", streak: 2 },
    result: exited(0),
    lastExit: 0,
    to: { at: "up", streak: 0 },
    sentences: [],
  },
  {
    name: "up: the last failure",
    from: { at: "up", streak: 2 },
    result: exited(1),
    lastExit: 1,
    to: { at: "down", streak: 0 },
    sentences: ["VRRP_Script(chk) failed (exited with status 1)"],
  },
  {
    name: "down: a success below rise",
    from: { at: "down", streak: 0 },
    result: exited(0),
    lastExit: 1,
    to: { at: "down", streak: 1 },
    sentences: ["Script `chk` now returning 0"],
  },
  {
    name: "down: the last success",
    from: { at: "down", streak: 1 },
    result: exited(0),
    lastExit: 0,
    to: { at: "up", streak: 0 },
    sentences: ["VRRP_Script(chk) succeeded"],
  },
  {
    name: "down: a failure starts the count anew",
    from: { at: "down", streak: 1 },
    result: exited(1),
    lastExit: 1,
    to: { at: "down", streak: 0 },
    sentences: [],
  },
  {
    name: "signal",
    from: { at: "init" },
    result: { kind: "signalled", value: 11 },
    to: { at: "down", streak: 0 },
    sentences: ["VRRP_Script(chk) failed (due to signal 11)"],
  },
  {
    name: "time-out",
    from: { at: "init" },
    result: { kind: "timed-out", value: 15 },
    to: { at: "down", streak: 0 },
    sentences: ["VRRP_Script(chk) timed_out"],
  },
];

for (const { name, from, result, lastExit, to, sentences } of scriptRows) {
  test(`script: ${name}`, () => {
    const got = scriptStep(chk, from, result, lastExit);
    assert.deepEqual(got, { state: to, edge: from.at !== to.at, sentences });
  });
}

test("script: init_fail begins down; keepalived's counter", () => {
  assert.deepEqual(initialScriptState({ ...chk, initFail: true }), { at: "down", streak: 0 });
  const states: ScriptState[] = [
    { at: "init" },
    { at: "up", streak: 0 },
    { at: "up", streak: 2 },
    { at: "down", streak: 1 },
  ];
  assert.deepEqual(
    states.map((state) => resultCounter(chk, state)),
    [1, 4, 2, 1],
  );
});
