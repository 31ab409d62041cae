import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeDestination, decodeService } from "../../main/ipvs/decode.js";
import { planService } from "../../main/ipvs/diff.js";
import { encodeOperation } from "../../main/ipvs/encode.js";
import { destinationPrint, servicePrint } from "../../main/ipvs/fingerprint.js";
import { readAddress } from "../../main/ipvs/ip-codec.js";
import { MemoryBackend } from "../../main/ipvs/memory-backend.js";
import type { Operation } from "../../main/ipvs/operation.js";
import { ownershipKey, parseOwnershipKey } from "../../main/ipvs/ownership.js";
import {
  type Destination,
  destinationIdOf,
  destinationKey,
  entryOf,
  type Service,
  type ServiceEntry,
} from "../../main/ipvs/table.js";
import { MessageWriter } from "../../main/netlink/writer.js";
import { port } from "../../main/units.js";
import { sampleService } from "../harness/ipvs-samples.js";

/** Objects as the code makes them. */
const plain = { noNullPrototype: true } as const;
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const family = fc.constantFrom("inet" as const, "inet6" as const);
const portNumber = fc.integer({ min: 0, max: 65535 }).map(port);
const octets = fc.uint8Array({ minLength: 16, maxLength: 16 });
/** Zeros are what IPv6 text is about. */
const address = (f: "inet" | "inet6") =>
  fc
    .tuple(octets, octets)
    .map(([bytes, mask]) => readAddress(Buffer.from(bytes.map((b, i) => ((mask[i] ?? 0) & 1 ? b : 0))), f));

const match = (f: "inet" | "inet6") =>
  fc.oneof(
    fc.record({ kind: fc.constant("fwmark" as const), fwmark: fc.integer({ min: 1, max: 0xffffffff }) }, plain),
    fc.record(
      {
        kind: fc.constant("address" as const),
        protocol: fc.constantFrom("TCP" as const, "UDP" as const, "SCTP" as const),
        address: address(f),
        port: portNumber,
      },
      plain,
    ),
  );

const service: fc.Arbitrary<Service> = family.chain((f) =>
  fc.record(
    {
      family: fc.constant(f),
      match: match(f),
      scheduler: fc.stringMatching(/^[a-z]{1,15}$/),
      flags: u32.map((n) => (n & ~2) >>> 0),
      timeoutSeconds: u32,
      netmask: f === "inet" ? u32 : fc.integer({ min: 1, max: 128 }),
      persistenceEngine: fc.constantFrom("", "sip"),
    },
    plain,
  ),
);

const tunnel = fc.oneof(
  fc.record(
    { type: fc.constant("gue" as const), port: portNumber, checksum: fc.constantFrom("nocsum", "csum", "remcsum") },
    plain,
  ),
  fc.record(
    { type: fc.constant("gre" as const), port: fc.constant(port(0)), checksum: fc.constantFrom("nocsum", "csum") },
    plain,
  ),
);

const plainDestination: fc.Arbitrary<Destination> = family.chain((f) =>
  fc.record(
    {
      family: fc.constant(f),
      address: address(f),
      port: portNumber,
      forwarding: fc.constantFrom("NAT" as const, "DR" as const, "TUN" as const),
      weight: fc.integer({ min: 0, max: 0x7fffffff }),
      upperThreshold: u32,
      lowerThreshold: u32,
    },
    plain,
  ),
);
const destination: fc.Arbitrary<Destination> = fc
  .tuple(plainDestination, fc.option(tunnel, { nil: undefined }))
  .map(([one, around]) => (one.forwarding === "TUN" && around !== undefined ? { ...one, tunnel: around } : one));

function encoded(operation: Operation): Buffer {
  const writer = new MessageWriter();
  encodeOperation(writer, operation);
  return Buffer.from(writer.bytes());
}

test("decode of encode is the service, and the destination", () => {
  fc.assert(
    fc.property(service, destination, (s, d) => {
      assert.deepEqual(decodeService(encoded({ do: "new-service", service: s })), s);
      assert.deepEqual(decodeDestination(encoded({ do: "new-dest", service: s, destination: d }), s.family), d);
    }),
  );
});

test("any prefix of a message, and any bytes, give an entry, nothing or a RangeError", () => {
  const torn = fc.oneof(
    fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
    fc
      .tuple(service, destination, fc.nat(250))
      .map(([s, d, length]) => encoded({ do: "new-dest", service: s, destination: d }).subarray(0, length)),
    fc.tuple(service, fc.nat(200), fc.nat(255)).map(([s, at, octet]) => {
      const bytes = encoded({ do: "new-service", service: s });
      bytes[at % bytes.length] = octet;
      return bytes;
    }),
  );
  fc.assert(
    fc.property(torn, (bytes) => {
      for (const decode of [
        decodeService,
        (b: Buffer) => decodeDestination(b, "inet"),
        (b: Buffer) => decodeDestination(b, "inet6"),
      ])
        try {
          decode(bytes);
        } catch (error) {
          if (!(error instanceof RangeError)) throw error;
        }
    }),
    { numRuns: 500 },
  );
});

test("the key of an owned entry is short, printable and names it", () => {
  fc.assert(
    fc.property(service, fc.option(destination, { nil: undefined }), (s, d) => {
      const key = ownershipKey(s, d);
      assert.ok(/^[!-~]{1,48}$/.test(key), key);
      const id = d && { family: d.family, address: d.address, port: d.port };
      assert.deepEqual(parseOwnershipKey(key), { service: { family: s.family, match: s.match }, destination: id });
    }),
  );
});

test("any text is a key that stands for itself, or none", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 60 }), (text) => {
      const entry = parseOwnershipKey(text);
      if (entry !== undefined) assert.equal(ownershipKey(entry.service, entry.destination), text);
    }),
    { numRuns: 1000 },
  );
});

test("a destination's key gives its name back", () => {
  fc.assert(
    fc.property(destination, ({ family: f, address: a, port: p, ...rest }) => {
      assert.deepEqual(destinationIdOf(destinationKey({ family: f, address: a, port: p, ...rest } as Destination)), {
        family: f,
        address: a,
        port: p,
      });
    }),
  );
});

/** A few addresses, so that tables overlap. */
const server = fc.record({ n: fc.integer({ min: 1, max: 6 }), weight: fc.integer({ min: 0, max: 3 }) });
const pool: fc.Arbitrary<ServiceEntry | undefined> = fc.option(
  fc.tuple(fc.constantFrom("rr", "wlc"), fc.array(server, { maxLength: 6 })).map(([scheduler, servers]) =>
    entryOf(
      sampleService("192.0.2.1", 80, { scheduler }),
      servers.map(
        ({ n, weight }): Destination => ({
          family: "inet",
          address: `10.0.0.${n}`,
          port: port(80),
          forwarding: "DR",
          weight,
          upperThreshold: 0,
          lowerThreshold: 0,
        }),
      ),
    ),
  ),
  { nil: undefined },
);

async function load(backend: MemoryBackend, entry: ServiceEntry | undefined): Promise<void> {
  if (entry === undefined) return;
  const { service: s } = entry;
  await backend.apply([
    { do: "new-service", service: s },
    ...[...entry.destinations.values()].map((d): Operation => ({ do: "new-dest", service: s, destination: d })),
  ]);
}

async function read(backend: MemoryBackend): Promise<ServiceEntry | undefined> {
  const services = await backend.dumpServices();
  const found = services.kind === "complete" ? services.entries[0] : undefined;
  if (found === undefined) return undefined;
  const dump = await backend.dumpDestinations(found);
  return entryOf(found, dump.kind === "complete" ? dump.entries : []);
}

test("a plan is accepted in full, leads to the wish, spares what is foreign, and leaves nothing to do", async () => {
  await fc.assert(
    fc.asyncProperty(pool, pool, pool, async (desired, actual, ours) => {
      const backend = new MemoryBackend();
      await load(backend, actual);
      const owned = {
        print: ours && servicePrint(ours.service),
        destinations: new Map([...(ours?.destinations ?? [])].map(([key, d]) => [key, destinationPrint(d)])),
      };
      const view = { desired, actual, owned, drift: "reset" as const, held: new Set<string>() };
      const { adds, deletes } = planService(view);
      const verdicts = await backend.apply([...adds, ...deletes.map((d) => d.operation)]);
      assert.deepEqual(
        verdicts.filter((v) => v.errno !== 0),
        [],
      );
      const after = await read(backend);
      for (const [key, d] of desired?.destinations ?? []) assert.deepEqual(after?.destinations.get(key), d);
      for (const [key, d] of actual?.destinations ?? [])
        if (!owned.destinations.has(key) && desired?.destinations.has(key) !== true)
          assert.deepEqual(after?.destinations.get(key), d);
      if (desired !== undefined) {
        const again = planService({ ...view, actual: after });
        assert.deepEqual([...again.adds, ...again.deletes], []);
      }
    }),
  );
});
