import { setTimeout as sleep } from "node:timers/promises";
import type { Capture } from "../../test/harness/capture.js";
import type { Daemon, Program } from "../../test/harness/daemon.js";
import type { Advert, Frame } from "../../test/harness/frames.js";
import type { Host } from "../../test/harness/host.js";
import { Lan, plainHosts } from "../../test/harness/lan.js";
import { until } from "../../test/harness/until.js";
import { backupPriority, masterDownInterval, masterPriority, type Router } from "../../test/netns/pairing.js";

/** A master and a backup of one virtual router. */
export interface PairSpec {
  /** Whose figures these are: the program of the backup. */
  readonly subject: string;
  readonly master: Program;
  readonly backup: Program;
}

export interface VrrpPair extends PairSpec {
  readonly vrid: number;
  readonly vip: string;
  readonly masterHost: Host;
  readonly backupHost: Host;
  readonly backupMac: string;
  running: Daemon;
}

/** What the wire saw of one take-over, in ms of the capture's clock. */
export interface TakeOver {
  readonly lastOfMaster: Advert;
  readonly firstAdvert: number;
  /** Of the virtual address: it is on the interface then. */
  readonly firstArp: number;
}

/** Starts of many daemons on few processors, and an election. */
const START_MS = 60_000;
/** Beyond what a take-over may take before somebody looks, and before it counts as lost. */
const GRACE_MS = { first: 1000, last: 10_000 } as const;

/** Pairs of routers on one segment, a virtual router each, all in one capture. Needs root. */
export class VrrpPairs implements AsyncDisposable {
  readonly #lan: Lan;
  readonly #router: Router;
  readonly pairs: readonly VrrpPair[];
  readonly #capture: Capture;

  private constructor(lan: Lan, router: Router, pairs: readonly VrrpPair[], capture: Capture) {
    this.#lan = lan;
    this.#router = router;
    this.pairs = pairs;
    this.#capture = capture;
  }

  /** Resolves when every master is alone. */
  static async start(router: Router, specs: readonly PairSpec[]): Promise<VrrpPairs> {
    const names = specs.flatMap((_, i) => [`a${i}`, `b${i}`]);
    const lan = await Lan.create(plainHosts(...names));
    try {
      const pairs = await Promise.all(specs.map((spec, i) => startPair(lan, router, spec, i)));
      const all = new VrrpPairs(lan, router, pairs, await lan.capture());
      await all.settle(pairs);
      return all;
    } catch (error) {
      await lan[Symbol.asyncDispose]();
      throw error;
    }
  }

  of(subject: string): readonly VrrpPair[] {
    return this.pairs.filter((pair) => pair.subject === subject);
  }

  /** The master is there, and nobody hears it. */
  cut({ masterHost }: VrrpPair): Promise<void> {
    return this.#lan.cut(masterHost.name, "silence");
  }

  async heal({ masterHost }: VrrpPair): Promise<void> {
    await this.#lan.heal(masterHost.name);
  }

  /** After a crash or a stop. */
  async restart(pair: VrrpPair): Promise<void> {
    // A crash leaves the address behind, as a power cut would not: the next start begins without it.
    await pair.masterHost.attempt(["ip", "addr", "del", `${pair.vip}/24`, "dev", "eth0"]);
    pair.running = await pair.masterHost.start(pair.master, config(this.#router, pair.vrid, masterPriority), [
      "--vrrp",
    ]);
  }

  /** Resolves when these masters are alone, and were so for long enough that their backups have heard them. */
  async settle(pairs: readonly VrrpPair[]): Promise<void> {
    for (const { masterHost, backupHost, vip, subject } of pairs)
      await until(
        `${subject}: the master of ${vip} is alone`,
        START_MS,
        async () => (await masterHost.hasAddress(vip)) && !(await backupHost.hasAddress(vip)),
        100,
      );
    await sleep(3 * this.#router.advertInt + 300);
  }

  /** Number of frames so far: where the next round begins. */
  async mark(): Promise<number> {
    return (await this.#capture.frames()).length;
  }

  /**
   * Waits, without a word to any processor, until a take-over must be over, and looks at what the wire saw of each.
   * @param from as `mark` gave it @param within from the last advert of the master, ms
   */
  async takeOvers(pairs: readonly VrrpPair[], from: number): Promise<readonly (TakeOver | undefined)[]> {
    await sleep(masterDownInterval(this.#router, backupPriority) + GRACE_MS.first);
    for (const deadline = performance.now() + GRACE_MS.last; ; await sleep(500)) {
      const frames = await this.#capture.frames();
      const seen = pairs.map((pair) => takeOver(frames, pair, from));
      if (!seen.includes(undefined) || performance.now() > deadline) return seen;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#lan[Symbol.asyncDispose]();
  }
}

async function startPair(lan: Lan, router: Router, spec: PairSpec, i: number): Promise<VrrpPair> {
  const [masterHost, backupHost] = [lan.host(`a${i}`), lan.host(`b${i}`)];
  const [vrid, vip] = [51 + i, vipOf(51 + i)];
  const backup = await backupHost.start(spec.backup, config(router, vrid, backupPriority), ["--vrrp"]);
  // A backup that is still starting would miss adverts, the good-bye among them.
  const listens = async (): Promise<boolean> => (await backup.log()).includes("Entering BACKUP STATE");
  await until(`${spec.subject}: the backup listens`, START_MS, listens, 50);
  const running = await masterHost.start(spec.master, config(router, vrid, masterPriority), ["--vrrp"]);
  return { ...spec, vrid, vip, masterHost, backupHost, backupMac: await backupHost.mac(), running };
}

const vipOf = (vrid: number): string => `192.0.2.${100 + vrid}`;

const config = ({ version, advertInt }: Router, vrid: number, priority: number): string => `
vrrp_instance V${vrid} {
  version ${version}
  state BACKUP
  interface eth0
  virtual_router_id ${vrid}
  priority ${priority}
  advert_int ${advertInt / 1000}
  virtual_ipaddress { ${vipOf(vrid)}/24 }
}
`;

function takeOver(frames: readonly Frame[], { vrid, vip, backupMac }: VrrpPair, from: number): TakeOver | undefined {
  const isAdvert = (frame: Frame): frame is Advert => frame.kind === "advert" && frame.vrid === vrid;
  const first = frames.findIndex((f, i) => i >= from && isAdvert(f) && f.priority === backupPriority);
  const arp = frames.find(
    (f, i) => i >= from && f.kind === "arp" && f.gratuitous && f.sender === vip && f.senderMac === backupMac,
  );
  const lastOfMaster = frames.slice(0, first).findLast(isAdvert);
  const firstAdvert = frames[first];
  if (firstAdvert === undefined || arp === undefined || lastOfMaster === undefined) return undefined;
  return { lastOfMaster, firstAdvert: firstAdvert.at, firstArp: arp.at };
}
