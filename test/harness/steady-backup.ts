/**
 * A program: backups that hear their masters say the same again and again. Prints how many octets per advert grew old, that is outlived
 * two collections of young objects: what only a collection of the whole heap takes away. Its argument `ask` has each advert go to the
 * reducer. Run with --expose-gc, and an old space so large that the whole heap is not collected meanwhile.
 */
import { getHeapSpaceStatistics } from "node:v8";
import { ms, priority, vrid } from "../../main/units.js";
import { step } from "../../main/vrrp/machine.js";
import { encodeAdvert } from "../../main/vrrp/packet.js";
import type { AdvertTransport } from "../../main/vrrp/ports.js";
import { VrrpRouter } from "../../main/vrrp/router.js";
import { SimHost } from "../simulation/sim-host.js";
import { daemonConfig, instanceConfig } from "../simulation/sim-router.js";

const INSTANCES = 200;
const ROUNDS = 100;
const WARM_UP = 50;

const wires: Parameters<AdvertTransport["open"]>[1][] = [];
const transport: AdvertTransport = {
  open: (_endpoint, onPacket) => {
    wires.push(onPacket);
    return { send: () => 0, [Symbol.dispose]: () => undefined };
  },
};

let now = 1_000_000;
const nothing: Disposable = { [Symbol.dispose]: () => undefined };
const router = new VrrpRouter({
  clock: { now: () => ms(now), after: () => nothing }, // nothing ever ends
  network: new SimHost("192.0.2.1"),
  transport,
  sendFrame: () => 0,
  scripts: { run: () => undefined },
  log: Object.assign(() => undefined, { detail: false }),
  onTransition: () => undefined,
  resume: () => undefined,
  ...(process.argv.includes("ask") ? { reducer: step } : {}),
});
const configs = Array.from({ length: INSTANCES }, (_, i) => instanceConfig({ name: `V${i}`, vrid: vrid(i + 1) }));
router.start(daemonConfig(configs));

const source = "192.0.2.9";
const packets = configs.map((config) => {
  const addresses = config.virtualAddresses.map(({ address }) => address);
  const spec = { version: 2, vrid: config.vrid, interval: ms(1000), addresses, authPass: undefined } as const;
  return Buffer.from(encodeAdvert({ ...spec, source, destination: "224.0.0.18" }, priority(200), 1));
});

const collectYoung = (globalThis.gc as (options: { type: "minor" }) => void).bind(undefined, { type: "minor" });
const oldOctets = (): number =>
  getHeapSpaceStatistics().find(({ space_name: name }) => name === "old_space")?.space_used_size ?? Number.NaN;

function round(): void {
  for (const packet of packets) {
    now += 1000.5 / INSTANCES;
    wires[0]?.(packet, source, 0.125);
  }
  collectYoung();
  collectYoung();
}

for (let i = 0; i < WARM_UP; i++) round();
const before = oldOctets();
for (let i = 0; i < ROUNDS; i++) round();
const perAdvert = (oldOctets() - before) / ROUNDS / INSTANCES;
const heard = router.snapshot().reduce((sum, { counters }) => sum + counters.advert_rcvd, 0);
process.stdout.write(JSON.stringify({ perAdvert, heard, expected: (WARM_UP + ROUNDS) * INSTANCES }));
