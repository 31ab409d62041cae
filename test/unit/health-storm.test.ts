import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import type { Clock } from "../../main/clock.js";
import type { Config } from "../../main/config/model.js";
import { PoolChanges } from "../../main/control/pool-changes.js";
import { HealthDirector } from "../../main/health/director.js";
import { entryFromConfig, entryInSteps } from "../../main/ipvs/from-config.js";
import { MemoryBackend } from "../../main/ipvs/memory-backend.js";
import { type ServiceEntry, serviceKey, tableOf } from "../../main/ipvs/table.js";
import { IpvsWriter } from "../../main/ipvs/writer.js";
import type { Level, Log } from "../../main/observe/log.js";
import { type Milliseconds, ms, port } from "../../main/units.js";
import type { CheckEdge } from "../../workers/protocol.js";
import { until } from "../harness/until.js";
import { config, identityOf, realServer, tcpCheck, virtualServer } from "./health-fixtures.js";

const services = 500;
const serversEach = 100;
const total = services * serversEach;

const farm = (): Config =>
  config(
    Array.from({ length: services }, (_, vs) =>
      virtualServer({
        service: { kind: "address", address: `192.0.${vs >> 8}.${vs & 255}`, port: port(80), protocol: "TCP" },
        forwarding: "NAT",
        realServers: Array.from({ length: serversEach }, (_, rs) => {
          const address = `10.${vs >> 8}.${vs & 255}.${rs}`;
          return realServer({ address, smtpAlert: false, checks: [tcpCheck({}, 80, address)] });
        }),
      }),
    ),
  );

const down = (id: number): CheckEdge => ({
  id: id as CheckEdge["id"],
  up: false,
  outcome: "refused",
  retries: 0,
  latency: ms(1),
  status: 0,
});

/** What is done between two turns of the event loop, in operations: lines of the log, pools written, entries sent. */
class TurnWatch {
  longest = 0;
  turns = 0;
  #now = 0;
  #phase: "watching" | "stopped" = "watching";

  start(): void {
    this.#now = 0;
    const turn = (): void => {
      this.longest = Math.max(this.longest, this.#now);
      this.#now = 0;
      this.turns++;
      if (this.#phase === "watching") setImmediate(turn);
    };
    setImmediate(turn);
  }

  did(operations: number): void {
    this.#now += operations;
  }

  stop(): void {
    this.#phase = "stopped";
  }
}

/**
 * Each look at the clock takes 10 µs: slices hold a number of steps that no other process can change, and what is collected for a
 * while is collected for a number of steps. Who waits looks once in each turn.
 */
function slowClock(t: TestContext): Clock {
  let now = 0;
  const tick = (): number => {
    now += 0.01;
    return now;
  };
  t.mock.method(performance, "now", tick);
  const after = (delay: Milliseconds, fn: () => void): Disposable => {
    const due = now + delay;
    const look = (): void => {
      if (tick() >= due) fn();
      else next = setImmediate(look);
    };
    let next = setImmediate(look);
    return { [Symbol.dispose]: () => clearImmediate(next) };
  };
  return { now: () => ms(tick()), after };
}

const noTimers = { after: () => ({ [Symbol.dispose]: () => {} }) };

test("50,000 edges at once are a few hundred batches, and no turn of the main thread is long", {
  timeout: 240_000,
}, async (t) => {
  const wanted = farm();
  const watch = new TurnWatch();
  const batches: number[] = [];
  const log: Log = Object.assign((_level: Level) => watch.did(1), { detail: false });
  const backend = new MemoryBackend({
    onApply: (operations) => {
      batches.push(operations.length);
      watch.did(operations.length);
    },
  });
  const clock = slowClock(t);
  const writer = new IpvsWriter({
    backend,
    clock: { ...clock, ...noTimers },
    log: Object.assign(() => {}, { detail: false }),
    policy: () => "off",
  });
  let poolsWritten = 0;
  const write = (entry: ServiceEntry): void => {
    poolsWritten++;
    watch.did(entry.destinations.size);
    writer.setService(serviceKey(entry.service), entry);
  };
  const changes = new PoolChanges(clock, write, function* ({ config, entries }) {
    const steps = entryInSteps(config, entries());
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) yield undefined;
    yield step.value;
  });
  const director = new HealthDirector({
    log,
    identityOf,
    known: () => undefined,
    remember: () => {},
    forget: () => {},
    onPoolChange: (_index, pool) => changes.changed(pool),
    onServerEvent: () => {},
  });
  await director.start(wanted);
  const entries = wanted.virtualServers.map((server, index) =>
    entryFromConfig(server, director.livePool(index)?.entries() ?? []),
  );
  writer.setDesired(tableOf(entries));
  await writer.ready();
  batches.length = 0;

  watch.start();
  for (let first = 1; first <= total; first += 5000)
    director.onEdges(Array.from({ length: 5000 }, (_, i) => down(first + i)));
  const left = (): number => writer.snapshot().destinations;
  await until("nothing is left in the table", 50_000, () => watch.turns % 50 === 0 && left() === 0);
  watch.stop();

  const sent = batches.reduce((sum, size) => sum + size, 0);
  assert.equal(sent, total, "one delete per destination, nothing else");
  assert.ok(batches.length <= 700, `${batches.length} batches`);
  assert.ok(poolsWritten <= 4 * services, `${poolsWritten} pools written`);
  assert.ok(watch.longest <= 1500, `${watch.longest} operations in one turn, of ${3 * total}`);
  assert.ok(watch.turns > 1000, `${watch.turns} turns`);
  t.diagnostic(`${batches.length} batches, ${poolsWritten} pools, ${watch.longest} operations in the longest turn`);
  await writer.stop({ release: "none" });
});
