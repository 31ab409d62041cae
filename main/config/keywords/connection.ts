import { familyOf, type IpAddress } from "../../address.js";
import { choice, integer, interfaceName, ipArg } from "../args.js";
import { type Keyword, keywordsFor, type Scope } from "../keyword.js";
import type { CloseWith, SourcePosition } from "../model.js";
import { type CheckTimingDraft, checkConnectTimeout, checkTiming, oldRetry } from "./timing.js";

/** What one checker block said that connects to the real server or another host. */
export interface ConnectionDraft extends CheckTimingDraft {
  readonly at: SourcePosition;
  /** The real server's, checked when `connectIp` says nothing else. */
  readonly serverAddress: IpAddress;
  connectIp?: IpAddress;
  connectPort?: number | undefined;
  bindTo?: IpAddress;
  bindPort?: number;
  bindInterface?: string;
  fwmark?: number;
}

/** A checker whose connections we end: all but PING_CHECK. */
export interface ClosingDraft extends ConnectionDraft {
  closeWith?: CloseWith;
}

const keyword = keywordsFor<ConnectionDraft>();

export const closeWith = keywordsFor<ClosingDraft>().field("closeWith", choice("reset", "fin"), {
  ours: true,
  source: "docs/differences.md, Checks",
  default: "reset",
  doc: "How the check ends its connection: at once, or by FIN and without waiting for the other side.",
});

export const targetKeywords: Readonly<Record<string, Keyword<ConnectionDraft>>> = {
  connect_ip: keyword.value({
    args: [ipArg()],
    apply: (draft, [address], { at, diagnostics }) => {
      const { bindTo } = draft;
      if (bindTo === undefined || familyOf(bindTo) === familyOf(address)) draft.connectIp = address;
      else {
        const message = `connect_ip address ${address} does not match address family of bindto - skipping`;
        diagnostics.error("CFG_BAD_VALUE", at, message, `write connect_ip before bindto, or another bindto`);
      }
    },
    default: "the real server's address",
    doc: "Address to check.",
  }),
  connect_port: keyword.field("connectPort", integer(1, 65535), {
    default: "the real server's port",
    doc: "Port to check.",
  }),
  bindto: keyword.value({
    args: [ipArg()],
    apply: (draft, [address], { at, diagnostics }) => {
      const target = draft.connectIp ?? draft.serverAddress;
      if (familyOf(target) === familyOf(address)) draft.bindTo = address;
      else {
        const message = `bindto address ${address} does not match address family of connect_ip - skipping`;
        diagnostics.error("CFG_BAD_VALUE", at, message, `${target} is checked: bind to an address of the same family`);
      }
    },
    default: "the kernel's choice",
    doc: "Source address of the check.",
  }),
  bind_port: keyword.field("bindPort", integer(1, 65535), {
    default: "the kernel's choice",
    doc: "Source port of the check.",
  }),
  bind_if: keyword.field("bindInterface", interfaceName, {
    doc: "Interface to bind to; an IPv6 link-local target needs it.",
  }),
  fwmark: keyword.field("fwmark", integer(0, 0xffff_ffff), {
    default: "0",
    doc: "Mark on the packets of the check.",
  }),
  ...checkConnectTimeout,
};

/** Words of a checker that connects. */
export const connectionKeywords = (own: { retry?: string; pause?: string } = {}) => ({
  ...targetKeywords,
  ...checkTiming(own),
});

export const pingCheckScope: Scope<ConnectionDraft> = { name: "PING_CHECK", keywords: connectionKeywords() };

export const tcpCheckScope: Scope<ClosingDraft> = {
  name: "TCP_CHECK",
  keywords: {
    ...connectionKeywords(),
    close_with: closeWith,
    // Widely used guides put it here, where keepalived does not know it.
    nb_get_retry: { ...oldRetry, ours: true },
  },
};
