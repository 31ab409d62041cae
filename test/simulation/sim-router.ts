import type { IpAddress } from "../../main/address.js";
import type { Config, VirtualAddress, VrrpInstanceConfig } from "../../main/config/model.js";
import type { Level, Log } from "../../main/observe/log.js";
import { priority } from "../../main/units.js";
import type { Resumption, VrrpTransition } from "../../main/vrrp/instance-types.js";
import { numberToIpv4 } from "../../main/vrrp/ipv4.js";
import { decodeAdvert, encodeAdvert } from "../../main/vrrp/packet.js";
import type { ScriptResult } from "../../main/vrrp/ports.js";
import { type VrrpDeps, VrrpRouter } from "../../main/vrrp/router.js";
import type { StartupMemory } from "../../main/vrrp/startup-delay.js";
import type { TrackMemory } from "../../main/vrrp/track-memory.js";
import {
  virtualAddress as anyAddress,
  emptyConfig,
  instanceConfig as plainInstance,
} from "../harness/config-fixtures.js";
import type { SimClock } from "./sim-clock.js";
import { SimHost } from "./sim-host.js";
import type { SimSegment } from "./sim-segment.js";

export const vip: IpAddress = "192.0.2.100";

export const virtualAddress = (address: IpAddress): VirtualAddress => anyAddress(address, { prefix: 24 });

/** A v2 multicast instance with one address and keepalived's defaults. */
export const instanceConfig = (changes: Partial<VrrpInstanceConfig> = {}): VrrpInstanceConfig =>
  plainInstance({ virtualAddresses: [virtualAddress(vip)], ...changes });

export function daemonConfig(
  vrrpInstances: readonly VrrpInstanceConfig[],
  parts: Partial<Pick<Config, "vrrpScripts" | "syncGroups" | "trackers">> = {},
): Config {
  return emptyConfig({ ...parts, vrrpInstances });
}

export interface SimRouterOptions {
  readonly resume?: (key: string) => Resumption | undefined;
  readonly startupMemory?: StartupMemory;
  readonly trackMemory?: TrackMemory;
  readonly onRemoved?: (key: string) => void;
  readonly detail?: boolean;
  readonly trackers?: Pick<VrrpDeps, "trackFiles" | "processes">;
  readonly guard?: Pick<VrrpDeps, "guards" | "guardReducer">;
  readonly reducer?: NonNullable<VrrpDeps["reducer"]>;
  readonly later?: NonNullable<VrrpDeps["later"]>;
}

/** A daemon's VRRP side on a simulated host. Everything it does is in `journal`, in order. */
export class SimRouter {
  readonly name: string;
  readonly journal: string[] = [];
  readonly logs: string[] = [];
  readonly levels: Level[] = [];
  readonly transitions: VrrpTransition[] = [];
  readonly host: SimHost;
  readonly router: VrrpRouter;
  /** Scripts that run and wait for their result, by command. */
  readonly running: { readonly command: string; readonly done: (result: ScriptResult) => void }[] = [];
  transportError: Error | undefined;

  constructor(name: string, own: IpAddress, clock: SimClock, segment: SimSegment, options: SimRouterOptions = {}) {
    this.name = name;
    this.host = new SimHost(own, this.journal);
    const transport = segment.transport(name, (packet, destination) => this.#noteAdvert(packet, destination));
    this.router = new VrrpRouter({
      clock,
      network: this.host,
      transport: {
        open: (endpoint, onPacket) => {
          if (this.transportError !== undefined) throw this.transportError;
          return transport.open(endpoint, onPacket);
        },
      },
      sendFrame: (_index, frame) => {
        this.journal.push(`garp ${numberToIpv4(new DataView(frame.buffer, frame.byteOffset).getUint32(28))}`);
        return 0;
      },
      scripts: { run: (command, _args, _timeout, done) => void this.running.push({ command: command.argv[0], done }) },
      log: this.#log(options.detail ?? false),
      onTransition: (event) => {
        this.transitions.push(event);
        this.journal.push(`${event.from} -> ${event.to}`);
      },
      onGroupTransition: ({ group, to }) => this.journal.push(`group ${group.name} -> ${to}`),
      ...options.trackers,
      ...options.guard,
      ...(options.reducer === undefined ? {} : { reducer: options.reducer }),
      ...(options.later === undefined ? {} : { later: options.later }),
      resume: options.resume ?? (() => undefined),
      ...(options.startupMemory && { startupMemory: options.startupMemory }),
      ...(options.trackMemory && { trackMemory: options.trackMemory }),
      ...(options.onRemoved && { onRemoved: options.onRemoved }),
    });
  }

  /** State of the only instance, or of the one with that name. */
  state(name = "V"): string {
    return this.router.snapshot().find((s) => s.config.name === name)?.state ?? "none";
  }

  /** Ends a running script with an exit code. @throws RangeError when none runs */
  exit(command: string, code: number): void {
    const at = this.running.findIndex((r) => r.command === command);
    const [script] = at < 0 ? [] : this.running.splice(at, 1);
    if (script === undefined) throw new RangeError(`${command} does not run`);
    script.done({ kind: "exited", value: code });
  }

  /** What happened since the last call. */
  take(): readonly string[] {
    return this.journal.splice(0);
  }

  #noteAdvert(packet: Uint8Array, destination: IpAddress): void {
    const decoded = decodeAdvert(packet);
    if (decoded.ok) this.journal.push(`advert ${decoded.advert.priority} to ${destination}`);
  }

  #log(detail: boolean): Log {
    const log = (level: Level, _event: string, sentence: string) => {
      this.levels.push(level);
      this.logs.push(sentence);
    };
    return Object.assign(log, { detail });
  }
}

/** The advert of another router of the same virtual one, at 192.0.2.9. */
export const foreignAdvert = (config: VrrpInstanceConfig, at: number, changes: object = {}): Uint8Array => {
  const spec = {
    version: config.version,
    vrid: config.vrid,
    interval: config.advertInterval,
    addresses: config.virtualAddresses.map(({ address }) => address),
    authPass: undefined,
    source: "192.0.2.9",
    destination: "224.0.0.18",
    ...changes,
  };
  return encodeAdvert(spec, priority(at), 1);
};
