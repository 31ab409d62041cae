import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clock } from "../../main/clock.js";
import type { BfdInstanceConfig } from "../../main/config/model-lvs.js";
import { BfdSide } from "../../main/control/bfd-side.js";
import { LastingState } from "../../main/control/lasting-state.js";
import { StateSlab } from "../../main/control/state-slab.js";
import { BfdWire, bfdConfig } from "../harness/bfd-wire.js";
import { HandClock } from "./health-hand-clock.js";
import { recordingLog } from "./notify-support.js";

/** Who follows a session hears what; a daemon that dies leaves its state memory, and nothing else. */

const [A, B] = ["192.0.2.1", "192.0.2.2"] as const;
const config = bfdConfig("AB", A, B);

class Stand {
  readonly clock = new HandClock();
  readonly wire = new BfdWire(this.clock);
  readonly peer = this.wire.host(B);
  readonly #bytes = Buffer.alloc(65_536);
  #running = 0;

  constructor() {
    this.peer.sessions.update([bfdConfig("BA", B, A)]);
  }

  /** A daemon as it starts, with what the one before it has left. */
  daemon(of: readonly BfdInstanceConfig[] = [config]): { side: BfdSide; vrrp: string[]; checker: string[] } {
    const [vrrp, checker]: [string[], string[]] = [[], []];
    const run = ++this.#running;
    const clock: Clock = {
      now: () => this.clock.now(),
      after: (delay, fn) => this.clock.after(delay, () => run === this.#running && fn()), // the dead do nothing
    };
    const side = new BfdSide({
      clock,
      log: recordingLog().log,
      memory: new LastingState(new StateSlab(this.#bytes)).bfd,
      transport: this.wire.transport(A),
      onVrrp: (_name, state) => vrrp.push(state),
      onChecker: (_name, state) => checker.push(state),
    });
    side.apply({ bfdInstances: of });
    side.tellAll();
    return { side, vrrp, checker };
  }

  /** Up, and then SIGKILL, of which the other end hears after 150 ms. */
  crashed(): void {
    this.daemon();
    this.clock.advance(5000);
    this.#running += 1;
    this.clock.advance(200);
  }
}

test("at a start sessions are down for virtual routers, and for checkers when they had time to come up", () => {
  const stand = new Stand();
  stand.wire.loses = () => true;
  const { vrrp, checker } = stand.daemon();
  assert.deepEqual([vrrp, checker], [["down"], []]);
  stand.clock.advance(3100);
  assert.deepEqual([vrrp, checker], [["down"], ["down"]]);
});

test("after a crash a session that was up counts as up, until it says so itself", () => {
  const stand = new Stand();
  stand.crashed();
  const { side, vrrp } = stand.daemon();
  assert.deepEqual(vrrp, ["up"]);
  side.tellAll();
  stand.clock.advance(10_000);
  assert.deepEqual(new Set(vrrp), new Set(["up"]));
});

test("after a crash a session that does not come back is down after 3 s, for whoever follows it", () => {
  const stand = new Stand();
  stand.crashed();
  stand.wire.loses = () => true;
  const { vrrp, checker } = stand.daemon();
  stand.clock.advance(2900);
  assert.deepEqual([vrrp, checker], [["up"], []]);
  stand.clock.advance(200);
  assert.deepEqual([vrrp, checker], [["up", "down"], ["down"]]);
});

test("after a crash a session that was down is down, and so is another between other ends, and one that ended on purpose", () => {
  const was = new Stand();
  was.crashed();
  was.wire.loses = () => true;
  assert.deepEqual(was.daemon([bfdConfig("AB", A, "192.0.2.9")]).vrrp, ["down"]);
  assert.deepEqual(was.daemon().vrrp, ["up"], "whose session it was");
  was.clock.advance(4000); // heard of as down meanwhile
  assert.deepEqual(was.daemon().vrrp, ["down"]);
  const ended = new Stand();
  const { side } = ended.daemon();
  ended.clock.advance(5000);
  side.stop();
  assert.deepEqual(ended.daemon().vrrp, ["down"]);
});
