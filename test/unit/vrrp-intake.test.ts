import assert from "node:assert/strict";
import { test } from "node:test";
import { ms, priority } from "../../main/units.js";
import { AdvertLog } from "../../main/vrrp/advert-log.js";
import { zeroCounters } from "../../main/vrrp/counters.js";
import type { Receiver } from "../../main/vrrp/expectation.js";
import { Intake } from "../../main/vrrp/intake.js";
import { decodeAdvert, type ReceivedAdvert } from "../../main/vrrp/packet.js";
import { WireState } from "../../main/vrrp/wire-state.js";
import { SimClock } from "../simulation/sim-clock.js";
import { foreignAdvert, instanceConfig, virtualAddress } from "../simulation/sim-router.js";

const config = instanceConfig();
const tracking = { effective: priority(100), faults: [], waiting: [], contributions: [] };
const backup = { masterInterval: ms(1000), downAt: ms(0), preemptAt: undefined, master: undefined, yielded: false };
const receiver: Receiver = {
  config,
  state: { at: "backup", ...backup, wantsMaster: false },
  tracking,
  source: "192.0.2.1",
  group: "224.0.0.18",
  wire: new WireState(undefined),
  wallClock: () => 0,
};

function stand() {
  const counters = zeroCounters();
  const logs: string[] = [];
  const log = Object.assign((_l: unknown, _e: unknown, sentence: string) => void logs.push(sentence), { detail: true });
  return { counters, logs, intake: new Intake(counters, new AdvertLog(log, new SimClock())) };
}

function heard(at: number): ReceivedAdvert {
  const decoded = decodeAdvert(foreignAdvert(config, at));
  assert.ok(decoded.ok);
  return decoded.advert;
}

test("an advert that comes again is counted, and the same event", () => {
  const { counters, intake } = stand();
  const advert = heard(200);
  const first = intake.judge(advert, receiver);
  assert.equal(first?.priority, 200);
  for (let i = 0; i < 3; i++) assert.equal(intake.judge(advert, receiver), first);
  assert.equal(counters.advert_rcvd, 4);
});

test("it is judged anew by another configuration, and after another advert", () => {
  const { counters, intake } = stand();
  const advert = heard(200);
  intake.judge(advert, receiver);
  intake.judge(advert, receiver);
  const slower = { ...config, advertInterval: ms(2000) };
  assert.equal(intake.judge(advert, { ...receiver, config: slower }), undefined);
  assert.equal(counters.advert_interval_err, 1);
  assert.equal(intake.judge(heard(50), receiver)?.priority, 50);
  assert.equal(intake.judge(advert, receiver)?.priority, 200);
  assert.equal(intake.judge(advert, { ...receiver, source: "192.0.2.200" })?.order, -1, "compared with our own source");
  assert.equal(intake.judge(advert, { ...receiver, state: { at: "fault" } }), undefined);
});

test("what is wrong with it, or a farewell, is counted each time", () => {
  const { counters, intake } = stand();
  const more = { ...config, virtualAddresses: [virtualAddress("192.0.2.101")] };
  const advert = heard(200);
  for (let i = 0; i < 3; i++) intake.judge(advert, { ...receiver, config: more });
  assert.equal(counters.addr_list_err, 3);
  const farewell = heard(0);
  for (let i = 0; i < 3; i++) intake.judge(farewell, receiver);
  assert.equal(counters.pri_zero_rcvd, 3);
});
