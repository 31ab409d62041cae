import assert from "node:assert/strict";
import { test } from "node:test";
import { serialize } from "node:v8";
import fc from "fast-check";
import { difference, portionLimits, type Step, sameButForPositions } from "../../main/config/difference.js";
import { Rebuild } from "../../main/config/rebuild.js";

/** Without the objects that have no prototype: they are not what a parser makes. */
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record<T>(model, { noNullPrototype: true });

/** Stands for a configuration: sections of named records, services with servers, text, and what nobody has thought of yet. */
const at = record({ file: fc.constant("a.conf"), line: fc.nat(9), column: fc.constant(1) });
const realServer = record({
  at,
  address: fc.constantFrom("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"),
  port: fc.constantFrom(80, 443),
  weight: fc.nat(2),
  script: fc.option(record({ argv: fc.array(fc.constantFrom("/a", "b")) }), { nil: undefined }),
  checks: fc.array(record({ type: fc.constant("TCP_CHECK"), timing: record({ retry: fc.nat(1) }) }), {
    maxLength: 2,
  }),
});
const virtualServer = record({
  at,
  service: record({ kind: fc.constant("address"), address: fc.constantFrom("a", "b", "c"), port: fc.nat(1) }),
  scheduler: fc.constantFrom("rr", "wrr"),
  realServers: fc.array(realServer, { maxLength: 6 }),
});
const named = record({
  at,
  name: fc.constantFrom("x", "y", "z"),
  priority: fc.nat(1),
  text: fc.string({ maxLength: 3 }),
});
const configuration = fc.record(
  {
    global: record({
      routerId: fc.constantFrom("r", "s"),
      mail: fc.option(record({ to: fc.array(fc.string()) })),
    }),
    vrrpInstances: fc.array(named, { maxLength: 5 }),
    virtualServers: fc.array(virtualServer, { maxLength: 5 }),
    future: fc.oneof(fc.nat(2), fc.array(fc.array(fc.nat(2))), fc.constant(null), fc.array(named)),
  },
  { requiredKeys: ["global", "virtualServers"], noNullPrototype: true },
);

function rebuilt<T extends object>(before: T | undefined, portions: Iterable<readonly Step[]>): T {
  const rebuild = new Rebuild<T>(before);
  for (const portion of portions) rebuild.take(structuredClone(portion));
  return rebuild.finish();
}

/** As it crosses threads, without where things stand. */
const withoutPositions = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (key, inner: unknown) => (key === "at" ? 0 : inner === undefined ? "undefined" : inner)),
  );

test("the difference makes the second configuration out of the first one", () => {
  fc.assert(
    fc.property(configuration, configuration, (a, b) => {
      const before = structuredClone(a);
      assert.deepEqual(withoutPositions(rebuilt<object>(a, difference(a, b))), withoutPositions(b));
      assert.deepEqual(a, before, "the first one is not touched");
    }),
    { numRuns: 500 },
  );
});

test("out of nothing it makes an exact copy", () => {
  fc.assert(
    fc.property(configuration, (a) => assert.deepEqual(rebuilt<object>(undefined, difference(undefined, a)), a)),
  );
});

test("what has only moved is no difference", () => {
  const moved = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value), (key, inner: unknown) => (key === "line" ? 99 : inner));
  fc.assert(
    fc.property(configuration, (a) => {
      const plain = JSON.parse(JSON.stringify(a)) as object;
      assert.deepEqual([...difference(plain, moved(plain) as object)], []);
    }),
  );
});

test("what did not change is the same object, down to a real server of a service that did", () => {
  fc.assert(
    fc.property(configuration, configuration, (a, b) => {
      const after = rebuilt<typeof a>(a as typeof b, difference(a, b));
      for (const server of after.virtualServers)
        for (const old of a.virtualServers.filter(
          (one) =>
            sameButForPositions(one, server) && isOnly(a.virtualServers, one) && isOnly(after.virtualServers, server),
        ))
          assert.equal(server, old);
      for (const { service, realServers } of after.virtualServers) {
        const namesakes = a.virtualServers.filter((old) => sameButForPositions(old.service, service));
        const unclear = after.virtualServers.filter((other) => sameButForPositions(other.service, service)).length > 1;
        const [old] = namesakes;
        if (old === undefined || namesakes.length > 1 || unclear) continue;
        for (const real of realServers)
          for (const oldReal of old.realServers)
            if (sameButForPositions(real, oldReal) && isOnly(realServers, real) && isOnly(old.realServers, oldReal))
              assert.equal(real, oldReal);
      }
    }),
    { numRuns: 300 },
  );
});

/** Of several with the same key it is not said which one is which. */
const isOnly = (list: readonly object[], one: object): boolean => {
  const key = (value: object): string =>
    JSON.stringify(["service", "address", "port"].map((k) => (value as Record<string, unknown>)[k]));
  return list.filter((other) => key(other) === key(one)).length === 1;
};

const large = (count: number): object => ({
  virtualServers: [
    {
      service: "one",
      realServers: Array.from({ length: count }, (_, i) => ({
        address: `10.0.${i >> 8}.${i & 255}`,
        port: 80,
        weight: 1,
      })),
    },
  ],
});

for (const [what, before, after] of [
  ["one service of 20,000 servers, from nothing", undefined, large(20_000)],
  [
    "the same in reverse",
    large(20_000),
    { virtualServers: [{ service: "one", realServers: reversed(large(20_000)) }] },
  ],
  [
    "a text of many words",
    { global: {} },
    { global: { words: Array.from({ length: 10_000 }, (_, i) => `word ${i}`) } },
  ],
] as const)
  test(`no portion is larger than it may be: ${what}`, () => {
    const portions = [...difference(before, after)];
    assert.ok(portions.length > 10);
    for (const portion of portions) {
      assert.ok(portion.length <= portionLimits.steps);
      assert.ok(serialize(portion).length <= portionLimits.octets * 1.25, `${serialize(portion).length} octets`);
    }
    assert.deepEqual(rebuilt<object>(before, portions), after);
  });

function reversed(config: object): readonly unknown[] {
  const { virtualServers } = config as { virtualServers: readonly [{ realServers: readonly unknown[] }] };
  return virtualServers[0].realServers.toReversed();
}

for (const [what, portion] of [
  [
    "elements that are not there",
    [
      { do: "open", as: "list", field: "list" },
      { do: "same", from: 1, count: 2 },
    ],
  ],
  [
    "an element of nothing",
    [
      { do: "open", as: "list", field: "list" },
      { do: "open", as: "record", from: 7 },
    ],
  ],
  ["an element for a record", [{ do: "add", value: 1 }]],
  [
    "a field for a list",
    [
      { do: "open", as: "list", field: "list" },
      { do: "set", fields: {} },
    ],
  ],
  ["too many ends", [{ do: "close" }, { do: "close" }]],
] as const satisfies readonly (readonly [string, readonly Step[]])[])
  test(`steps that do not fit are refused: ${what}`, () => {
    assert.throws(() => rebuilt({ list: [1, 2] }, [portion]), RangeError);
  });

test("half a configuration is none", () => {
  assert.throws(() => rebuilt({}, [[{ do: "open", as: "list", field: "list" }]]), RangeError);
});
