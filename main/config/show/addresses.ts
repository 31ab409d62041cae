import { familyOf } from "../../address.js";
import type { VirtualAddress } from "../model.js";
import { inSeconds } from "./seconds.js";

/** The words of an address line. The prefix of a point-to-point address stands behind its peer. */
export function addressWords({
  address,
  prefix,
  dev,
  label,
  broadcast,
  scope,
  more,
}: VirtualAddress): readonly (string | number)[] {
  const given = (word: string, value: string | number | undefined) => (value === undefined ? [] : [word, value]);
  const inet = familyOf(address) === "inet";
  const lifetime = more.preferredLifetime === "forever" ? "forever" : inSeconds(more.preferredLifetime);
  return [
    more.peer === undefined ? `${address}/${prefix}` : address,
    ...given("dev", dev),
    ...given("scope", inet ? scope : undefined),
    ...given("brd", broadcast),
    ...given("label", label),
    ...given("peer", more.peer === undefined ? undefined : `${more.peer}/${prefix}`),
    "preferred_lft",
    lifetime,
    ...(more.home ? ["home"] : []),
    ...(more.detectDuplicates ? ["-nodad"] : []),
    ...(more.managesTemporary ? ["mngtmpaddr"] : []),
    ...(more.noPrefixRoute ? ["noprefixroute"] : []),
    ...(more.autojoin ? ["autojoin"] : []),
    ...(more.tracked ? [] : ["no_track"]),
    ...(more.useVmac ? ["use_vmac"] : []),
  ];
}
