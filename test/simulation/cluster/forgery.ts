import { ms, priority, vrid } from "../../../main/units.js";
import { encodeAdvert } from "../../../main/vrrp/packet.js";
import { addressOf, FIRST_VRID, WRONG_OCTET } from "./daemon.js";
import type { Incident } from "./schedule.js";

const RIGHT_OCTET = 250;

/** An advert for the first virtual router from somebody who is not one of them. */
export function forgery({ wrong, ...advert }: Extract<Incident, { do: "forge" }>, version: 2 | 3): Buffer {
  const spec = {
    version,
    vrid: vrid(FIRST_VRID),
    interval: ms(advert.interval),
    addresses: [addressOf(0, false)],
    authPass: undefined,
    source: `192.0.2.${wrong === "nothing" ? RIGHT_OCTET : WRONG_OCTET}`,
    destination: "224.0.0.18",
  };
  const packet = Buffer.from(encodeAdvert(spec, priority(advert.priority), 1));
  if (wrong === "checksum") packet[26] = (packet[26] ?? 0) ^ 0x10;
  if (wrong === "hop limit") packet[8] = 254;
  return packet;
}
