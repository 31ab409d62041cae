import type { Clock } from "../clock.js";
import type { Config } from "../config/model.js";
import { type Milliseconds, ms, priority } from "../units.js";
import { encodeAdvert } from "./packet.js";
import type { AdvertTransport, HostNetwork } from "./ports.js";
import { VrrpRouter } from "./router.js";

/** After so many times V8 has compiled what an election runs through. Measured: docs/decisions/0004-rehearsal.md. */
const ROUNDS = 12;

/**
 * Plays elections of the first instance of `config` on a stage: nothing is sent, nothing changes, no time passes. A daemon that
 * has been backup for a year becomes master in code that never ran; here it runs before. One round per step.
 * @param network looks up the host's links and addresses, and only pretends to change them
 */
export function* rehearsal(config: Config, network: HostNetwork): Generator<void> {
  if (config.vrrpInstances.length === 0) return;
  for (let round = 0; round < ROUNDS; round++) {
    rehearse(config, network);
    yield;
  }
}

/** One round of it. Just before an election it brings what the processor has forgotten meanwhile back into its caches. */
export function rehearse(config: Config, network: HostNetwork): void {
  const [first] = config.vrrpInstances;
  if (first === undefined) return;
  const untracked = { ...first, trackScripts: [], track: { files: [], processes: [], bfds: [] } };
  const none = { files: [], processes: [], groups: [] };
  const global = { ...config.global, startup: { delay: ms(0), delayAfterBoot: ms(0) } };
  const alone = { ...config, global, syncGroups: [], trackers: none, vrrpScripts: [], vrrpInstances: [untracked] };
  play(alone, network);
}

/** Backup, master, adverts in both directions, stop. */
function play(config: Config, network: HostNetwork): void {
  const clock = new StageClock();
  const stage = new Stage();
  const router = new VrrpRouter({
    clock,
    network,
    transport: stage,
    sendFrame: () => 0,
    scripts: { run: () => undefined },
    log: Object.assign(() => undefined, { detail: true }),
    onTransition: () => undefined,
    resume: () => undefined,
  });
  router.start(config);
  const [instance] = router.snapshot();
  if (instance === undefined) return;
  const { advertInterval, version, vrid, virtualAddresses, authPass, family, wire } = instance.config;
  const source = instance.source ?? (family === "inet" ? "192.0.2.1" : "fe80::1");
  const spec = {
    version,
    vrid,
    interval: advertInterval,
    source,
    destination: family === "inet" ? config.global.vrrpMcastGroup4 : config.global.instanceDefaults.mcastGroup6,
    ah: wire.ah,
    addresses: virtualAddresses.map(({ address }) => address),
    authPass,
  };
  clock.pass(ms(5 * advertInterval + 2000)); // the election is won, and adverts go out
  stage.hear(Buffer.from(encodeAdvert(spec, priority(1), 1)), source);
  stage.hear(Buffer.from(encodeAdvert(spec, priority(254), 2)), source);
  stage.hear(Buffer.from(encodeAdvert(spec, priority(0), 3)), source);
  clock.pass(ms(advertInterval + 2000));
  void router.stop({ release: true });
}

/** Time passes when it is told to. */
class StageClock implements Clock {
  #now = 0;
  #waiting: { readonly at: number; readonly fn: () => void }[] = [];

  now(): Milliseconds {
    return ms(this.#now);
  }

  after(delay: Milliseconds, fn: () => void): Disposable {
    const entry = { at: this.#now + delay, fn };
    this.#waiting.push(entry);
    return { [Symbol.dispose]: () => (this.#waiting = this.#waiting.filter((other) => other !== entry)) };
  }

  pass(time: Milliseconds): void {
    const end = this.#now + time;
    for (let next = this.#due(end); next !== undefined; next = this.#due(end)) {
      this.#now = Math.max(this.#now, next.at);
      next.fn();
    }
    this.#now = end;
  }

  #due(end: number): { readonly at: number; readonly fn: () => void } | undefined {
    const next = this.#waiting.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
    this.#waiting = this.#waiting.filter((other) => other !== next);
    return next;
  }
}

/** Takes every packet, and lets others be heard. */
class Stage implements AdvertTransport {
  hear: (packet: Buffer, source: string) => void = () => undefined;

  open(...[, onPacket]: Parameters<AdvertTransport["open"]>): ReturnType<AdvertTransport["open"]> {
    this.hear = onPacket;
    return { send: () => 0, [Symbol.dispose]: () => undefined };
  }
}
