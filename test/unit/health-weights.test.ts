import assert from "node:assert/strict";
import test from "node:test";
import type { Config, RealServerConfig } from "../../main/config/model.js";
import { HealthDirector } from "../../main/health/director.js";
import type { Level } from "../../main/observe/log.js";
import { ms } from "../../main/units.js";
import type { CheckEdge } from "../../workers/protocol.js";
import { config, identityOf, miscCheck, realServer, tcpCheck, virtualServer } from "./health-fixtures.js";

const script = (name: string, dynamic = true) => miscCheck({ argv: [`/bin/${name}`], dynamic });

/** What a crash leaves of health. */
type Memory = Map<string, { readonly up: boolean; readonly value: number | undefined }>;

async function directorOf(first: Config, memory: Memory = new Map()) {
  const log: string[] = [];
  const director = new HealthDirector({
    log: Object.assign((_level: Level, _event: string, sentence: string) => void log.push(sentence), {
      detail: false,
    }),
    identityOf,
    known: (identity) => {
      const known = memory.get(identity);
      return known && (known.up ? "up" : "down");
    },
    knownValue: (identity) => memory.get(identity)?.value,
    remember: (identity, up, value) => memory.set(identity, { up, value }),
    forget: (identity) => memory.delete(identity),
    onPoolChange: () => {},
    onServerEvent: () => {},
  });
  await director.start(first);
  const weights = (): number[] => [...(director.livePool(0)?.entries() ?? [])].map(({ weight }) => weight);
  const quorum = (): string => [...director.snapshot()][0]?.quorum ?? "none";
  /** As the worker tells it. */
  const ends = async (name: string, status: number, up = true): Promise<void> => {
    const specs = [...director.checks()];
    const { id } =
      specs.find(({ check }) => check.type === "MISC_CHECK" && check.command.argv[0] === `/bin/${name}`) ??
      assert.fail(name);
    const edge: CheckEdge = { id, up, outcome: up ? "up" : "exit-status", retries: 0, latency: ms(1), status };
    director.onEdges([edge]);
    await director.reload(current); // ends after what is queued
  };
  let current = first;
  const reload = async (next: Config): Promise<void> => {
    current = next;
    await director.reload(next);
  };
  return { director, log, weights, quorum, ends, reload, memory };
}

const one = (over: Partial<RealServerConfig>, quorum = 1): Config =>
  config([virtualServer({ quorum, realServers: [realServer({ weight: 10, ...over })] })]);

const said = "for active service [10.0.0.1]:tcp:80 of VS [192.0.2.1]:tcp:80";

test("misc_dynamic: the status sets the weight, 0 and a failure give it back", async () => {
  const { log, weights, ends } = await directorOf(one({ checks: [script("a")] }));
  const seen: (readonly number[])[] = [weights()];
  for (const [status, up] of [
    [22, true],
    [0, true],
    [2, true],
    [255, true],
    [1, false],
    [255, true],
  ] as const) {
    await ends("a", status, up);
    seen.push(weights());
  }
  assert.deepEqual(seen, [[10], [20], [10], [0], [253], [], [253]]);
  assert.deepEqual(
    log.filter((line) => line.startsWith("Changing")),
    [
      `Changing weight from 10 to 20 ${said}`,
      `Changing weight from 20 to 10 ${said}`,
      `Changing weight from 10 to 0 ${said}`,
      `Changing weight from 0 to 253 ${said}`,
      `Changing weight from 10 to 253 ${said.replace("active", "inactive")}`,
    ],
  );
  assert.equal(log.filter((line) => line.startsWith("Misc check")).length, 3); // first word, failure, recovery
});

test("misc_dynamic: several checkers add up", async () => {
  const { weights, ends } = await directorOf(
    one({ checks: [script("a"), tcpCheck(), script("b"), script("c", false)] }),
  );
  await ends("a", 22); // + 10
  await ends("b", 7); // - 5
  await ends("c", 0);
  assert.deepEqual(weights(), [15]);
  await ends("a", 2); // - 10
  assert.deepEqual(weights(), [0]); // - 5 is no weight
  await ends("b", 0);
  await ends("a", 0);
  assert.deepEqual(weights(), [10]);
});

test("misc_dynamic: the quorum counts what is so now", async () => {
  const { quorum, ends } = await directorOf(one({ checks: [script("a")] }, 10));
  assert.equal(quorum(), "up");
  await ends("a", 11);
  assert.equal(quorum(), "down");
  await ends("a", 12);
  assert.equal(quorum(), "up");
});

test("misc_dynamic: a reload keeps it, also with another weight configured, and says nothing", async () => {
  const { log, weights, ends, reload } = await directorOf(one({ checks: [script("a")] }));
  await ends("a", 22);
  const before = log.length;
  await reload(one({ checks: [script("a")] }));
  await reload(one({ checks: [script("a")], weight: 3 }));
  assert.deepEqual(weights(), [20]);
  assert.deepEqual(log.slice(before), []);
  await ends("a", 0);
  assert.deepEqual(weights(), [3]);
  await ends("a", 22);
  await reload(one({ checks: [script("a", false)], weight: 3 }));
  assert.deepEqual(weights(), [3]);
});

test("misc_dynamic: a crash keeps it, until a run says something else", async () => {
  const memory: Memory = new Map();
  const first = await directorOf(one({ checks: [script("a"), script("b")] }), memory);
  await first.ends("a", 22);
  await first.ends("b", 13);
  const second = await directorOf(one({ checks: [script("a"), script("b")] }), new Map(memory));
  assert.deepEqual(second.weights(), [21]);
  await second.ends("b", 0);
  assert.deepEqual(second.weights(), [20]);
  await second.ends("a", 1, false);
  assert.deepEqual(second.weights(), []);
  assert.equal([...second.memory.values()].filter(({ value }) => value === 22).length, 0);
});
