// The copy of what is in force: read back it is the same, and comparing with it is comparing with what it was made of.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { acceptedPieces, careful, readAccepted, readAnyAccepted, saveAccepted } from "../../main/config/accepted.js";
import { difference, type Step } from "../../main/config/difference.js";
import type { Config } from "../../main/config/model.js";
import { Rebuild } from "../../main/config/rebuild.js";
import { Sealed, sealOf, spotOf } from "../../main/config/sealed.js";

const folder = mkdtempSync(join(tmpdir(), "holdfast-copy-"));
after(() => rmSync(folder, { recursive: true }));
const path = join(folder, "copy");

const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record<T>(model, { noNullPrototype: true });
const at = record({ file: fc.constantFrom("a.conf", "b.conf"), line: fc.nat(99), column: fc.nat(3) });
const realServer = record({ at, address: fc.constantFrom("a", "b", "c"), port: fc.nat(1), weight: fc.nat(2) });
/** As the parser leaves them: what is inside has the position object of the virtual server. */
const virtualServer = fc
  .tuple(at, fc.constantFrom("a", "b", "c"), fc.array(realServer, { maxLength: careful.longestList + 4 }), fc.boolean())
  .map(([place, service, servers, shares]) => ({
    at: place,
    service: { address: service },
    text: shares ? undefined : "\u{1f600}",
    realServers: servers.map((server) => (shares ? { ...server, at: place } : server)),
  }));
const configuration = record({
  global: record({ routerId: fc.constantFrom("r", "s") }),
  virtualServers: fc.array(virtualServer, { maxLength: 6 }),
  words: fc.array(fc.string({ maxLength: 3 }), { maxLength: 3 }),
  mixed: fc.array(fc.oneof(fc.nat(2), record({ name: fc.constantFrom("x", "y") })), { maxLength: 3 }),
}).map((config) => config as unknown as Config);

function writeCarefully(edition: string, config: Config): void {
  writeFileSync(path, Buffer.concat([...acceptedPieces(edition, config, careful)]));
}

for (const [who, write] of [
  ["the config thread", (edition: string, config: Config) => saveAccepted(path, edition, config)],
  ["a start", writeCarefully],
] as const) {
  test(`what ${who} writes is read back as it was, with every position`, () => {
    fc.assert(
      fc.property(configuration, (config) => {
        const before = structuredClone(config);
        write("e", config);
        assert.deepEqual(config, before, "writing changes nothing");
        assert.deepEqual(readAnyAccepted(path), { edition: "e", config });
        assert.equal(readAccepted(path, "another"), undefined);
      }),
    );
  });

  test(`the difference to what ${who} wrote is the one to what it was made of`, () => {
    const exact = (portions: Iterable<readonly Step[]>): readonly Step[] => structuredClone([...portions].flat());
    fc.assert(
      fc.property(configuration, configuration, (a, b) => {
        write("e", a);
        const copy = readAccepted(path, "e");
        assert.ok(copy !== undefined);
        const steps = exact(difference(copy, b));
        const rebuild = new Rebuild<Config>(a);
        rebuild.take(steps);
        const expected = new Rebuild<Config>(a);
        expected.take(exact(difference(a, b)));
        assert.deepEqual(rebuild.finish(), expected.finish());
      }),
      { numRuns: 300 },
    );
  });
}

test("a record that has only moved keeps its octets, and is found without being opened", () => {
  fc.assert(
    fc.property(virtualServer, fc.nat(500), (server, by) => {
      const [octets, spot] = [sealOf(server), spotOf(server)];
      const moved = structuredClone(server);
      Object.assign(moved.at, { line: moved.at.line + by });
      const shares = server.realServers.every((real) => real.at === server.at);
      assert.equal(new Sealed("", octets, spot).holds(moved), true, shares ? "all at once" : "itself only");
      assert.deepEqual(new Sealed("", octets, spot).open(), server);
    }),
  );
});

test("a record that has changed is not taken for the one before", () => {
  fc.assert(
    fc.property(virtualServer, virtualServer, (one, other) => {
      const withoutPositions = (value: unknown): string =>
        JSON.stringify(value, (key, inner) => (key === "at" ? (inner as { file: string }).file : inner));
      const differ = withoutPositions(one) !== withoutPositions(other);
      if (differ) assert.equal(new Sealed("", sealOf(one), spotOf(one)).holds(other), false);
    }),
    { numRuns: 500 },
  );
});

test("pieces that the main thread writes are small, whatever the pools are", () => {
  const servers = (count: number) => Array.from({ length: count }, (_, i) => ({ address: `10.0.0.${i}`, weight: 1 }));
  const config = { virtualServers: [20_000, careful.longestList, 1, 40].map((n) => ({ realServers: servers(n) })) };
  for (const piece of acceptedPieces("e", config as unknown as Config, careful))
    assert.ok(piece.length < 64 * 1024, `${piece.length} octets`);
});
