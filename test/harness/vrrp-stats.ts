import type { VrrpStats } from "../../main/observe/vrrp-dump.js";

/** Of an instance that has just started. */
export const noStats: VrrpStats = {
  advertRcvd: 0,
  advertSent: 0,
  becomeMaster: 0,
  releaseMaster: 0,
  packetLenErr: 0,
  advertIntervalErr: 0,
  ipTtlErr: 0,
  invalidTypeRcvd: 0,
  addrListErr: 0,
  invalidAuthtype: 0,
  authtypeMismatch: 0,
  authFailure: 0,
  authExtMissing: 0,
  authExtMalformed: 0,
  authExtUnknownKey: 0,
  authExtInvalidHmac: 0,
  authExtStale: 0,
  authExtReplay: 0,
  priZeroRcvd: 0,
  priZeroSent: 0,
};
