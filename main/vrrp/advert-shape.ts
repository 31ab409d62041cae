import type { IpAddress } from "../address.js";
import type { VrrpInstanceConfig } from "../config/model.js";
import { bytesOfIp } from "../ip-bytes.js";
import type { ChecksumForm } from "./checksum.js";
import { mayBeOld } from "./expectation.js";
import type { AdvertShape } from "./flood-filter.js";
import { authData, authTypeOf } from "./packet.js";

/** What adverts for an instance have to look like, for the filter in the kernel. Never stricter than validate.ts. */
export function advertShape(config: VrrpInstanceConfig, group: IpAddress): AdvertShape {
  const { wire, unicast, unicastPeers, authPass, version } = config;
  const sharesPassword = version === 2 && authPass !== undefined && !wire.ah;
  const onlyPeers = unicastPeers.length > 0 && (unicast.checkSource || wire.hmac !== undefined);
  return {
    addresses: config.virtualAddresses.length,
    authType: authTypeOf({ authPass, ah: wire.ah }),
    seconds: Math.round(config.advertInterval / 1000),
    authData: sharesPassword ? authData(authPass) : undefined,
    checksums: checksumForms(config, group),
    hmac: wire.hmac !== undefined,
    senders: onlyPeers ? unicastPeers.map(bytesOfIp) : undefined,
  };
}

function checksumForms(config: VrrpInstanceConfig, group: IpAddress): readonly ChecksumForm[] {
  if (config.wire.checksumAsV2) return ["standard", "as-v2"];
  const old = mayBeOld(config) && config.unicast.oldChecksum !== "never";
  return old ? ["standard", bytesOfIp(group)] : ["standard"];
}
