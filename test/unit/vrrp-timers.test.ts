import assert from "node:assert/strict";
import { test } from "node:test";
import { ms, priority } from "../../main/units.js";
import { masterDownInterval, nextDeadline, skewTime } from "../../main/vrrp/timers.js";

for (const { name, version, at, interval, adverts, skew, down } of [
  {
    name: "RFC 3768 §6.1: skew in seconds",
    version: 2,
    at: 100,
    interval: 1000,
    adverts: 3,
    skew: 609.375,
    down: 3609.375,
  },
  {
    name: "v2: skew does not grow with the interval",
    version: 2,
    at: 100,
    interval: 5000,
    adverts: 3,
    skew: 609.375,
    down: 15609.375,
  },
  {
    name: "RFC 5798 §6.1: skew in the master's intervals",
    version: 3,
    at: 100,
    interval: 100,
    adverts: 3,
    skew: 60.9375,
    down: 360.9375,
  },
  { name: "owner", version: 3, at: 255, interval: 100, adverts: 3, skew: 0.390625, down: 300.390625 },
  { name: "weakest", version: 2, at: 1, interval: 1000, adverts: 3, skew: 996.09375, down: 3996.09375 },
  { name: "down_timer_adverts", version: 3, at: 156, interval: 1000, adverts: 5, skew: 390.625, down: 5390.625 },
] as const) {
  test(`timers: ${name}`, () => {
    assert.equal(skewTime(version, priority(at), ms(interval)), skew);
    assert.equal(masterDownInterval({ version, downTimerAdverts: adverts }, priority(at), ms(interval)), down);
  });
}

for (const { name, previous, now, next } of [
  { name: "on time", previous: 1000, now: 1000, next: 1100 },
  { name: "a little late: no drift", previous: 1000, now: 1003, next: 1100 },
  { name: "stalled for several intervals: nothing is made up", previous: 1000, now: 1450, next: 1550 },
]) {
  test(`next deadline: ${name}`, () => assert.equal(nextDeadline(ms(previous), ms(100), ms(now)), next));
}
