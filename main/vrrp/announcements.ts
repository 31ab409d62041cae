import { familyOf, type IpAddress } from "../address.js";
import type { Clock } from "../clock.js";
import type { VirtualAddress, VrrpInstanceConfig } from "../config/model.js";
import type { Log } from "../observe/log.js";
import type { AdvertLog } from "./advert-log.js";
import { Deadline } from "./deadline.js";
import { ExtraAnnouncements } from "./extra-announcements.js";
import {
  dueBlock,
  emptySchedule,
  type GarpBlock,
  type GarpSchedule,
  lowerPriorityBlock,
  masterBlock,
  nextDue,
  rescheduled,
} from "./garp.js";
import type { GarpSender } from "./garp-sender.js";
import { vipInterface } from "./vip-interface.js";

/** The gratuitous ARPs of one instance: what garp.ts schedules, handed to the sender in time. */
export class Announcements implements Disposable {
  readonly #owner: string;
  readonly #clock: Clock;
  readonly #sender: GarpSender;
  readonly #log: Log;
  readonly #wake: Deadline;
  readonly #extra: ExtraAnnouncements;
  #config: VrrpInstanceConfig;
  #schedule: GarpSchedule = emptySchedule;
  /** It is MASTER. */
  #running: boolean = false;
  readonly #advertLog: AdvertLog;
  readonly #untold: [interfaceName: string, address: IpAddress][] = [];

  constructor(
    owner: string,
    config: VrrpInstanceConfig,
    clock: Clock,
    sender: GarpSender,
    log: Log,
    advertLog: AdvertLog,
  ) {
    this.#owner = owner;
    this.#config = config;
    this.#clock = clock;
    this.#sender = sender;
    this.#log = log;
    this.#advertLog = advertLog;
    this.#extra = new ExtraAnnouncements(owner, config, clock, sender);
    this.#wake = new Deadline(clock, () => {
      this.#run(dueBlock(this.#config.garp, this.#schedule, clock.now()), true);
      this.tell();
    });
  }

  reconfigure(config: VrrpInstanceConfig): void {
    const before = this.#config.garp;
    this.#config = config;
    this.#extra.reconfigure(config);
    if (!this.#running) return;
    this.#schedule = rescheduled(this.#schedule, before, config.garp, this.#clock.now());
    this.#arm();
  }

  /** It was MASTER before this daemon: nothing is new to anybody, but what goes on goes on. */
  resume(): void {
    this.#running = true;
    this.#schedule = { ...masterBlock(this.#config.garp, this.#clock.now()).schedule, second: undefined };
    this.#arm();
    this.#extra.start();
  }

  start(block: "master" | "lowerPriority"): void {
    const { garp } = this.#config;
    const now = this.#clock.now();
    if (block === "master") {
      this.#running = true;
      this.#run(masterBlock(garp, now), true);
      this.#extra.start();
    } else this.#run(lowerPriorityBlock(garp, this.#schedule, now), this.#advertLog.admit("garp") !== undefined);
  }

  /** Addresses that a reload added. */
  added(addresses: readonly VirtualAddress[]): void {
    this.#send(addresses, this.#config.garp.masterRepeat, true);
    this.tell();
  }

  /** A unicast instance tells where its source address is after a fault. */
  source(address: IpAddress): void {
    this.#sender.announce(this.#owner, this.#config.interface, [address], 1);
  }

  stop(): void {
    this.#running = false;
    this.#schedule = emptySchedule;
    this.#wake.disarm();
    this.#extra.stop();
    this.#sender.withdraw(this.#owner);
  }

  /** @param told whether the log is to hear of it: every advert of a weaker router causes such a block */
  #run(block: GarpBlock, told: boolean): void {
    this.#schedule = block.schedule;
    this.#send([...this.#config.virtualAddresses, ...this.#config.excludedAddresses], block.rounds, told);
    this.#arm();
  }

  #arm(): void {
    const next = nextDue(this.#schedule);
    if (next === undefined) this.#wake.disarm();
    else this.#wake.arm(next);
  }

  #send(addresses: readonly VirtualAddress[], rounds: number, told: boolean): void {
    const byInterface = new Map<string, IpAddress[]>();
    for (const { dev, address } of addresses) {
      const name = dev ?? vipInterface(this.#config);
      const list = byInterface.get(name) ?? [];
      list.push(address);
      byInterface.set(name, list);
    }
    for (const [name, list] of byInterface) this.#sender.announce(this.#owner, name, list, rounds);
    if (!told || !this.#log.detail || rounds === 0) return;
    for (const [name, list] of byInterface) for (const address of list) this.#untold.push([name, address]);
  }

  /** Logs what has been sent. Not done at once: frames, timers and the state's own sentence come first. */
  tell(): void {
    const instance = this.#config.name;
    for (const [name, address] of this.#untold.splice(0)) {
      const kind = familyOf(address) === "inet" ? "gratuitous ARPs" : "Unsolicited Neighbour Adverts";
      const sentence = `(${instance}) Sending/queueing ${kind} on ${name} for ${address}`;
      this.#log("info", "vrrp.garp", sentence, { instance, interface: name, address });
    }
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}
