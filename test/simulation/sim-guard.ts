import type { GuardConfig, HeartbeatConfig, WitnessConfig } from "../../main/config/model-guard.js";
import { type Milliseconds, ms, port } from "../../main/units.js";
import type { ProbeResult } from "../../main/vrrp/guard.js";
import type { Asked, GuardHost } from "../../main/vrrp/guard-ports.js";
import type { ScriptResult } from "../../main/vrrp/ports.js";
import { Random } from "./cluster/random.js";
import type { SimClock } from "./sim-clock.js";

/** A guard that guards nothing; tests name what it is to ask. */
export const guardConfig = (changes: Partial<GuardConfig> = {}): GuardConfig => ({
  heartbeats: [],
  witnesses: [],
  witnessQuorum: changes.witnesses?.length ?? 0,
  probeAddress: undefined,
  fence: undefined,
  onUnknown: "claim",
  tellsFifo: false,
  ...changes,
});

export const heartbeat = (local: string, peer: string, changes: Partial<HeartbeatConfig> = {}): HeartbeatConfig => ({
  local,
  peer,
  port: port(1112),
  interval: ms(100),
  key: "a key of more than sixteen characters",
  ...changes,
});

export const witness: WitnessConfig = { kind: "ping", address: "192.0.2.254", timeout: ms(100) };

export const fence = {
  command: { argv: ["/fence"], user: { name: "root", uid: 0, gid: 0 } },
  timeout: ms(30_000),
} as const;

interface Station {
  readonly local: string;
  readonly peer: string;
  readonly channel: number;
  readonly onMessage: (bytes: Buffer) => void;
}

/** The network that heartbeats go over: it delays, reorders, loses and doubles. */
export class SimHeartbeats {
  readonly #clock: SimClock;
  readonly #random: Random;
  readonly #stations = new Set<Station>();
  readonly #cut = new Set<string>();
  loss = 0;
  delay = 0.2;
  doubles = 0;
  /** Everything that was sent, oldest first. */
  readonly sent: { readonly from: string; readonly to: string; readonly bytes: Buffer }[] = [];
  #session = 0;

  constructor(clock: SimClock, seed = 1) {
    this.#clock = clock;
    this.#random = new Random(seed);
  }

  /** Nothing gets to or from this address any more, or it does again. */
  setCut(address: string, cut: boolean): void {
    if (cut) this.#cut.add(address);
    else this.#cut.delete(address);
  }

  open: GuardHost["heartbeats"]["open"] = ({ local, peer }, channel, { onMessage, onReady }) => {
    const station: Station = { local, peer, channel, onMessage };
    this.#stations.add(station);
    const ready = this.#clock.after(ms(0), onReady);
    return {
      problem: undefined,
      send: (bytes) => {
        this.sent.push({ from: local, to: peer, bytes });
        this.carry(local, peer, channel, bytes);
      },
      [Symbol.dispose]: () => {
        ready[Symbol.dispose]();
        this.#stations.delete(station);
      },
    };
  };

  session = (): number => ++this.#session;

  /** Also for whoever plays something again. */
  carry(from: string, to: string, channel: number, bytes: Buffer): void {
    const copies = this.#random.next() < this.doubles ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const late = ms(this.#random.next() * this.delay);
      const lost = this.#random.next() < this.loss;
      this.#clock.after(late, () => {
        if (lost || this.#cut.has(from) || this.#cut.has(to)) return;
        for (const station of [...this.#stations])
          if (station.local === to && station.peer === from && station.channel === channel) station.onMessage(bytes);
      });
    }
  }
}

/** Everything that one host's guards ask, answered as a test wants. */
export class SimGuardHost implements GuardHost {
  readonly heartbeats: GuardHost["heartbeats"];
  readonly session: () => number;
  readonly #clock: SimClock;
  /** Undefined: it answers. */
  witnessProblem: string | undefined;
  segment: ProbeResult = { kind: "free" };
  script: ScriptResult = { kind: "exited", value: 0 };
  scriptTakes: Milliseconds = ms(5);
  /** What was asked, in order. */
  readonly asked: string[] = [];

  constructor(clock: SimClock, network: SimHeartbeats) {
    this.#clock = clock;
    this.heartbeats = network;
    this.session = network.session;
  }

  readonly witnesses = {
    prepare: () => undefined,
    ask: (_witness: WitnessConfig, done: (problem: string | undefined) => void) => {
      this.asked.push("witness");
      this.#clock.after(ms(1), () => done(this.witnessProblem));
    },
  };

  readonly addresses = {
    probe: (asked: readonly Asked[], wait: Milliseconds, done: (result: ProbeResult) => void) => {
      this.asked.push(`probe ${asked.map(({ address }) => address).join(" ")}`);
      return this.#clock.after(wait, () => done(this.segment));
    },
  };

  readonly scripts: GuardHost["scripts"] = {
    run: (command, args, _timeout, done) => {
      this.asked.push(`${command.argv[0]} ${args.join(" ")}`);
      this.#clock.after(this.scriptTakes, () => done(this.script));
    },
  };
}
