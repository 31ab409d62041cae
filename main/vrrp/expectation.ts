import type { IpAddress } from "../address.js";
import type { VrrpInstanceConfig } from "../config/model.js";
import { bytesOfIp } from "../ip-bytes.js";
import type { ChecksumForm } from "./checksum.js";
import type { State } from "./machine-types.js";
import type { Tracking } from "./tracking.js";
import type { Expectation, PeerLimits } from "./validate.js";
import type { WireState } from "./wire-state.js";

/** What an instance knows when an advert comes in. */
export interface Receiver {
  readonly config: VrrpInstanceConfig;
  readonly state: State;
  readonly tracking: Tracking;
  readonly source: IpAddress;
  /** The multicast group; unicast peers of old put it into their checksums. */
  readonly group: IpAddress;
  readonly wire: WireState;
  /** Milliseconds since 1970. */
  readonly wallClock: () => number;
}

/** What is accepted at this moment. */
export function expectation({ config, state, tracking, group, wire, wallClock }: Receiver): Expectation {
  const { hmac, ah } = config.wire;
  const unicast = config.unicastPeers.length > 0;
  return {
    name: config.name,
    version: config.version,
    authPass: config.authPass,
    interval: config.advertInterval,
    addresses: config.virtualAddresses.map((a) => a.address),
    unicast,
    ignoreAdverts: config.ownerIgnoreAdverts && tracking.effective === 255,
    knownMaster: config.skipCheckAdvAddr && state.at === "backup" ? state.master?.address : undefined,
    ah: ah ? { sequence: wire.ah } : undefined,
    hmac: hmac && {
      config: hmac,
      marks: wire.marks,
      now: wallClock() / 1000,
      senders: unicast ? config.unicastPeers : undefined,
    },
    checksum: checksumForm(config, group, wire),
    peers: unicast && config.unicast.checkSource ? peerLimits(config) : undefined,
  };
}

function peerLimits({ unicastPeers, unicast }: VrrpInstanceConfig): readonly PeerLimits[] {
  return unicastPeers.map((address) => {
    const limit = unicast.ttlLimits.find(({ peer }) => peer === address);
    return { address, leastTtl: limit?.least ?? 0, mostTtl: limit?.most ?? 255 };
  });
}

/** How checksums are made at this moment, ours and those of others. */
export function checksumForm(config: VrrpInstanceConfig, group: IpAddress, wire: WireState): ChecksumForm {
  if (config.wire.checksumAsV2) return "as-v2";
  const { oldChecksum } = config.unicast;
  const old = oldChecksum === "always" || (oldChecksum === "detect" && wire.oldChecksum);
  return old && mayBeOld(config) ? bytesOfIp(group) : "standard";
}

/** Only unicast adverts of version 3 over IPv4 ever had another checksum. */
export const mayBeOld = ({ version, family, unicastPeers }: VrrpInstanceConfig): boolean =>
  version === 3 && family === "inet" && unicastPeers.length > 0;
