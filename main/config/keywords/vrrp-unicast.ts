import { choice, ipArg, optional } from "../args.js";
import { keywordsFor } from "../keyword.js";
import { u8 } from "./net-args.js";
import type { VrrpInstanceDraft } from "./vrrp-instance-draft.js";

const keyword = keywordsFor<VrrpInstanceDraft>();

/** Adverts to named peers; the peers themselves are a block of lines (vrrp-lists.ts). */
export const unicastKeywords = {
  unicast_src_ip: keyword.value({
    args: [ipArg()],
    apply: (draft, [address], { at }) => {
      draft.sourceAddress = { address, at };
      draft.unicastKeyword = true;
    },
    default: "the interface's primary address",
    doc: "Source address of unicast adverts.",
  }),
  unicast_ttl: keyword.value({
    args: [u8],
    apply: (draft, [ttl], { at }) => {
      draft.unicastTtl = { ttl, at };
    },
    default: "255; the kernel's for IPv6",
    since: "2.1.0",
    doc: "TTL of unicast adverts.",
  }),
  unicast_fault_no_peer: keyword.flag("unicastFaultNoPeer", {
    since: "2.2.5",
    doc: "A fault instead of multicast when there are no peers.",
  }),
  check_unicast_src: keyword.flag("checkUnicastSource", {
    default: "vrrp_check_unicast_src",
    since: "2.1.0",
    doc: "Adverts from other than the peers are dropped.",
  }),
  old_unicast_checksum: keyword.value({
    args: [optional(choice("never"), undefined)],
    apply: (draft, [never]) => {
      draft.oldUnicastChecksum = never ?? "always";
      draft.unicastKeyword = true;
    },
    default: "the old form is recognised",
    doc: "Checksums of unicast adverts of version 3 as before 1.3.7; with never the old form is not looked for.",
  }),
} as const;
