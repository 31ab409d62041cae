import assert from "node:assert/strict";
import type { IpvsBackend } from "../../main/ipvs/backend.js";
import type { Operation } from "../../main/ipvs/operation.js";
import { type Destination, destinationKey, type Service, type ServiceId, serviceKey } from "../../main/ipvs/table.js";
import { port } from "../../main/units.js";
import { sampleDestination, sampleService } from "./ipvs-samples.js";

/** What every back end must do alike. Each case starts with an empty table and leaves an empty one. */
export interface ContractCase {
  readonly name: string;
  readonly run: (backend: IpvsBackend) => Promise<void>;
}

const ENOENT = 2;
const ESRCH = 3;
const EEXIST = 17;
const EINVAL = 22;
const ERANGE = 34;

const web = sampleService("192.0.2.1");
const a = sampleDestination("10.0.0.1");
const b = sampleDestination("10.0.0.2");

async function verdicts(backend: IpvsBackend, ...operations: readonly Operation[]): Promise<readonly number[]> {
  return (await backend.apply(operations)).map((verdict) => verdict.errno);
}

async function services(backend: IpvsBackend): Promise<readonly Service[]> {
  const dump = await backend.dumpServices();
  assert.equal(dump.kind, "complete");
  const entries = dump.kind === "complete" ? dump.entries : [];
  return entries.toSorted((x, y) => serviceKey(x).localeCompare(serviceKey(y)));
}

async function destinations(backend: IpvsBackend, service: ServiceId): Promise<readonly Destination[]> {
  const dump = await backend.dumpDestinations(service);
  assert.equal(dump.kind, "complete");
  const entries = dump.kind === "complete" ? dump.entries : [];
  return entries.toSorted((x, y) => destinationKey(x).localeCompare(destinationKey(y)));
}

const add = (service: Service): Operation => ({ do: "new-service", service });
const addDest = (service: ServiceId, destination: Destination): Operation => ({ do: "new-dest", service, destination });

async function remove(backend: IpvsBackend, ...all: readonly Service[]): Promise<void> {
  await backend.apply(all.map((service) => ({ do: "del-service", service })));
  assert.deepEqual(await services(backend), []);
}

/** Every kind of service and destination that is ever written. */
const everyService: readonly Service[] = [
  web,
  sampleService("192.0.2.1", 53, { match: { kind: "address", protocol: "UDP", address: "192.0.2.1", port: port(53) } }),
  sampleService("192.0.2.9", 0, { flags: 1, timeoutSeconds: 360, netmask: 0xffffff00, scheduler: "wlc" }),
  sampleService("192.0.2.1", 36412, {
    match: { kind: "address", protocol: "SCTP", address: "192.0.2.1", port: port(36412) },
  }),
  sampleService("2001:db8::1", 443, { scheduler: "wrr" }),
  sampleService("2001:db8::1", 80, { flags: 1, timeoutSeconds: 50, netmask: 64 }),
  { ...web, match: { kind: "fwmark", fwmark: 7 } },
  sampleService("192.0.2.1", 88, { scheduler: "sh", flags: 0x18 }),
  sampleService("192.0.2.1", 5060, {
    match: { kind: "address", protocol: "UDP", address: "192.0.2.1", port: port(5060) },
    flags: 0x5,
    timeoutSeconds: 60,
    persistenceEngine: "sip",
  }),
  { ...sampleService("2001:db8::1"), match: { kind: "fwmark", fwmark: 7 } },
];

export const contractCases: readonly ContractCase[] = [
  {
    name: "what is written is read back: every kind of service",
    run: async (backend) => {
      assert.deepEqual(
        await verdicts(backend, ...everyService.map(add)),
        everyService.map(() => 0),
      );
      const expected = everyService.toSorted((x, y) => serviceKey(x).localeCompare(serviceKey(y)));
      assert.deepEqual(await services(backend), expected);
      await remove(backend, ...everyService);
    },
  },
  {
    name: "what is written is read back: every kind of destination",
    run: async (backend) => {
      const pool = [
        a,
        sampleDestination("10.0.0.2", { forwarding: "NAT", port: port(8080), weight: 0 }),
        sampleDestination("10.0.0.3", { forwarding: "TUN", weight: 0x7fffffff }),
        sampleDestination("10.0.0.4", { upperThreshold: 200, lowerThreshold: 100 }),
      ];
      const v6 = sampleService("2001:db8::1", 443);
      const pool6 = [
        sampleDestination("2001:db8:1::2", { port: port(443) }),
        sampleDestination("10.0.0.9", { forwarding: "TUN" }),
      ];
      const writes = [add(web), ...pool.map((d) => addDest(web, d)), add(v6), ...pool6.map((d) => addDest(v6, d))];
      assert.deepEqual(
        await verdicts(backend, ...writes),
        writes.map(() => 0),
      );
      assert.deepEqual(await destinations(backend, web), pool);
      assert.deepEqual(await destinations(backend, v6), pool6.toReversed());
      await remove(backend, web, v6);
    },
  },
  {
    name: "each operation of a batch fails or succeeds on its own",
    run: async (backend) => {
      const unknown = sampleService("192.0.2.77");
      const batch = [add(web), add(web), addDest(unknown, a), addDest(web, a), addDest(web, a), addDest(web, b)];
      assert.deepEqual(await verdicts(backend, ...batch), [0, EEXIST, ESRCH, 0, EEXIST, 0]);
      assert.deepEqual(await destinations(backend, web), [a, b]);
      await remove(backend, web);
    },
  },
  {
    name: "changing and deleting what is not there",
    run: async (backend) => {
      const gone: Operation[] = [
        { do: "set-service", service: web },
        { do: "del-service", service: web },
        { do: "set-dest", service: web, destination: a },
        { do: "del-dest", service: web, destination: a },
      ];
      assert.deepEqual(await verdicts(backend, ...gone), [ESRCH, ESRCH, ESRCH, ESRCH]);
      const missing = gone.slice(2);
      assert.deepEqual(await verdicts(backend, add(web), ...missing), [0, ENOENT, ENOENT]);
      await remove(backend, web);
    },
  },
  {
    name: "changes in place",
    run: async (backend) => {
      const persistent: Service = { ...web, scheduler: "wlc", flags: 1, timeoutSeconds: 50, netmask: 0xffff0000 };
      const heavier = { ...a, weight: 50 };
      const changes: Operation[] = [
        { do: "set-service", service: persistent },
        { do: "set-dest", service: web, destination: heavier },
      ];
      assert.deepEqual(await verdicts(backend, add(web), addDest(web, a), ...changes), [0, 0, 0, 0]);
      assert.deepEqual(await services(backend), [persistent]);
      assert.deepEqual(await destinations(backend, web), [heavier]);
      assert.deepEqual(await verdicts(backend, { do: "set-service", service: web }), [0]);
      assert.deepEqual(await services(backend), [web]);
      await remove(backend, web);
    },
  },
  {
    name: "deleting a service takes its destinations along; a service of the same name begins empty",
    run: async (backend) => {
      const batch: Operation[] = [add(web), addDest(web, a), { do: "del-service", service: web }, add(web)];
      assert.deepEqual(await verdicts(backend, ...batch), [0, 0, 0, 0]);
      assert.deepEqual(await destinations(backend, web), []);
      await remove(backend, web);
    },
  },
  {
    name: "what the kernel does not accept",
    run: async (backend) => {
      const noScheduler = sampleService("192.0.2.2", 80, { scheduler: "nosuchsched" });
      const prefix0 = sampleService("2001:db8::2", 80, { netmask: 0 });
      assert.deepEqual(await verdicts(backend, add(noScheduler), add(prefix0), add(web)), [ENOENT, EINVAL, 0]);
      const mixed = addDest(web, sampleDestination("2001:db8::9"));
      const thresholds = addDest(web, sampleDestination("10.0.0.8", { upperThreshold: 1, lowerThreshold: 2 }));
      const negative = addDest(web, sampleDestination("10.0.0.8", { weight: -1 }));
      assert.deepEqual(await verdicts(backend, mixed, thresholds, negative), [EINVAL, ERANGE, ERANGE]);
      await remove(backend, web);
    },
  },
  {
    name: "the destinations of an unknown service are none",
    run: async (backend) => assert.deepEqual(await destinations(backend, web), []),
  },
  {
    name: "the hint, where there is one, moves when a service comes or goes",
    run: async (backend) => {
      const before = backend.serviceCountHint();
      await verdicts(backend, add(web));
      if (before !== undefined) assert.notEqual(backend.serviceCountHint(), before);
      await remove(backend, web);
      assert.equal(backend.serviceCountHint(), before);
    },
  },
  {
    name: "a table of 3,000 destinations is written and read in full",
    run: async (backend) => {
      const pool = Array.from({ length: 3000 }, (_, i) => sampleDestination(`10.1.${i >> 8}.${i & 255}`));
      const results = await verdicts(backend, add(web), ...pool.map((d) => addDest(web, d)));
      assert.deepEqual(
        results.filter((errno) => errno !== 0),
        [],
      );
      const found = await destinations(backend, web);
      assert.deepEqual(new Set(found.map(destinationKey)), new Set(pool.map(destinationKey)));
      await remove(backend, web);
    },
  },
];
