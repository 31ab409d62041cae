import { familyOf } from "../address.js";
import { bytesOfIp } from "../ip-bytes.js";
import type { Log } from "../observe/log.js";
import type { FilterSpec } from "./packet-filter.js";
import type { AdvertEndpoint } from "./ports.js";
import { errnoText } from "./system-error.js";

/** The filter of the socket that listens at an endpoint. */
export function filterSpec(
  { kind, address, ah }: AdvertEndpoint,
  wanted: Pick<FilterSpec, "routers" | "flooded">,
): FilterSpec {
  const family = familyOf(address);
  return { ...wanted, family, ah: ah === true, destination: bytesOfIp(address), multicast: kind === "multicast" };
}

/** Everything works without it, only slower when somebody floods us. */
export function reportUnfiltered({ address, link }: AdvertEndpoint, errno: number, log: Log): void {
  const where = link === undefined ? address : `${address} on ${link.name}`;
  const sentence = `The kernel takes no packet filter for adverts to ${where} (${errnoText(errno)}): a flood of foreign VRRP packets will cost processor time`;
  log("warning", "vrrp.filter-failed", sentence, { errno });
}
