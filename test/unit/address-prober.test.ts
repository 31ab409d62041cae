import assert from "node:assert/strict";
import { test } from "node:test";
import { ms } from "../../main/units.js";
import { SegmentProber } from "../../main/vrrp/address-prober.js";
import type { ProbeResult } from "../../main/vrrp/guard.js";
import { SimClock } from "../simulation/sim-clock.js";

/** probe_address: an address is free when nobody has answered by the end, whatever kept this process from listening. */

const WAIT = ms(200);
const link = {
  index: 2,
  name: "eth0",
  running: true,
  noArp: false,
  multicast: true,
  mtu: 1500,
  mac: Uint8Array.of(2, 0, 0, 0, 0, 1),
};

/** ARP of another host that has 192.0.2.100 (RFC 826). */
const answer = Buffer.alloc(42);
answer.writeUInt16BE(0x0806, 12);
answer.set([2, 0, 0, 0, 0, 9], 22);
answer.set([192, 0, 2, 100], 28);

class Stand {
  readonly clock = new SimClock();
  readonly results: ProbeResult[] = [];
  questions = 0;
  hear: (frame: Buffer) => void = () => assert.fail("nobody listens");

  constructor() {
    const prober = new SegmentProber({
      clock: this.clock,
      network: { link: () => link },
      sendFrame: () => {
        this.questions++;
        return 0;
      },
      openFrames: (_index, _version, onFrame) => {
        this.hear = onFrame;
        return { [Symbol.dispose]: () => undefined };
      },
    });
    const asked = [{ address: "192.0.2.100", interface: "eth0", family: "inet" }] as const;
    prober.probe(asked, WAIT, (result) => this.results.push(result));
  }
}

const held: ProbeResult = { kind: "held", what: "192.0.2.100 is still used by 02:00:00:00:00:09 on eth0" };

test("two questions, and after the wait the address is free", () => {
  const stand = new Stand();
  stand.clock.advance(0);
  assert.equal(stand.questions, 1);
  stand.clock.advance(WAIT);
  assert.deepEqual([stand.questions, stand.results], [2, []]);
  stand.clock.advance(1);
  assert.deepEqual(stand.results, [{ kind: "free" }]);
});

test("an answer within the wait: somebody has it", () => {
  const stand = new Stand();
  stand.clock.advance(0);
  stand.hear(answer);
  assert.deepEqual(stand.results, [held]);
});

test("an answer that waits while the process is away until the wait is over is read first", () => {
  const stand = new Stand();
  stand.clock.advance(0);
  stand.clock.stall(2 * WAIT);
  stand.clock.advance(0); // a turn of the loop: what is due, then what has come in
  stand.hear(answer);
  assert.deepEqual(stand.results, [held]);
});

test("the wait begins with the question, when the process is away before it", () => {
  const stand = new Stand();
  stand.clock.stall(2 * WAIT);
  stand.clock.advance(WAIT / 4);
  assert.deepEqual([stand.questions, stand.results], [1, []]);
  stand.hear(answer);
  assert.deepEqual(stand.results, [held]);
});
