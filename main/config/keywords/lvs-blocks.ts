import { reportMissing } from "../apply.js";
import { integer } from "../args.js";
import { type Context, type Keyword, keywordsFor } from "../keyword.js";
import type { Word } from "../lexer.js";
import { optionsFor } from "../option-words.js";
import { type BfdInstanceDraft, bfdInstanceScope } from "./bfd-instance.js";
import { blockName } from "./block-name.js";
import { BFD_NAME_LONGEST } from "./host-checks.js";
import { adviseSurplus, parseServiceAddress } from "./service-address.js";
import { type TlsDraft, tlsScope } from "./tls.js";
import { newVirtualServerDraft, type VirtualServerDraft, virtualServerScope } from "./virtual-server.js";
import { type GroupDraft, groupEntryOptions, groupEntryShape, readGroupEntry } from "./virtual-server-group.js";

/** What the blocks of the LVS side said. */
export interface LvsDraft {
  readonly virtualServers: VirtualServerDraft[];
  readonly virtualServerGroups: GroupDraft[];
  readonly bfdInstances: BfdInstanceDraft[];
  readonly bfdNames: Set<string>;
  /** Of the last block SSL. */
  tls?: TlsDraft;
}

export const newLvsDraft = (): LvsDraft => ({
  virtualServers: [],
  virtualServerGroups: [],
  bfdInstances: [],
  bfdNames: new Set(),
});

/** The track files so far. The tables of another side fill them into the same draft; checkers name them. */
export const trackFilesIn = (
  draft: LvsDraft & { readonly trackFiles?: readonly { readonly name: string }[] },
): readonly { readonly name: string }[] => draft.trackFiles ?? [];

const keyword = keywordsFor<LvsDraft>();
const { option } = optionsFor<object>();
const mark = integer(0, 0xffff_ffff);
const named = { parse: (value: string) => ({ ok: true as const, value }), shape: "<virtual_server_group>" };

export const lvsBlocks: Readonly<Record<string, Keyword<LvsDraft>>> = {
  virtual_server: keyword.block({
    shape: "<address> [<port>] | fwmark <mark> | group <name>",
    body: virtualServerScope,
    open: (draft, header, context) => {
      const service = parseService(header, context);
      if (service === undefined) return undefined;
      const declaredBefore = { bfdInstances: draft.bfdInstances.length, trackFiles: trackFilesIn(draft).length };
      const server = newVirtualServerDraft(context.at, service, declaredBefore);
      draft.virtualServers.push(server);
      return server;
    },
    options: {
      fwmark: option({ args: [mark], apply: () => undefined, doc: "A service of all packets with this mark." }),
      group: option({
        args: [named],
        apply: () => undefined,
        doc: "A service for every entry of a virtual_server_group.",
      }),
    },
    doc: "A load-balanced service.",
  }),
  virtual_server_group: keyword.namedList({
    entries: "lines",
    shape: groupEntryShape,
    open: (draft, header, context): GroupDraft | undefined => {
      const name = blockName(header, context);
      if (name === undefined) return undefined;
      const group: GroupDraft = { name, at: context.at, entries: [] };
      draft.virtualServerGroups.push(group);
      return group;
    },
    entry: readGroupEntry,
    options: groupEntryOptions,
    doc: "Addresses, ranges and fwmarks that share the settings of one virtual_server group.",
  }),
  SSL: keyword.block({
    shape: "",
    body: tlsScope,
    open: (draft, _header, { at, diagnostics }): TlsDraft => {
      if (draft.tls !== undefined) {
        const message = "SSL context already specified - replacing";
        diagnostics.error("CFG_REPEATED", at, message, "write one block SSL");
      }
      draft.tls = {};
      return draft.tls;
    },
    doc: "Key and certificates of all SSL_GET checkers.",
  }),
  bfd_instance: keyword.block({
    shape: `<name: up to ${BFD_NAME_LONGEST} characters>`,
    body: bfdInstanceScope,
    open: openBfd,
    doc: "A BFD session (RFC 5880); it stands before the blocks that follow it.",
  }),
};

function parseService(header: readonly Word[], context: Context): VirtualServerDraft["service"] | undefined {
  const { diagnostics } = context;
  const [kind, value, surplus] = header;
  if (kind?.text !== "fwmark" && kind?.text !== "group") {
    const address = parseServiceAddress(header, context);
    if (address !== undefined) adviseSurplus(surplus, context);
    return address === undefined ? undefined : { kind: "address", ...address };
  }
  if (value === undefined) {
    // keepalived crashes here.
    reportMissing(context, 3, kind.text === "group" ? "group NAME {" : "fwmark NUMBER {");
    return undefined;
  }
  adviseSurplus(surplus, context);
  if (kind.text === "group") return { kind: "group", group: value.text };
  const fwmark = mark.parse(value.text);
  if (fwmark.ok && fwmark.note === undefined) return { kind: "fwmark", fwmark: fwmark.value };
  const message = `virtual server fwmark '${value.text}' must be in [0, 4294967295] - skipping`;
  diagnostics.error("CFG_BAD_VALUE", value.at, message, "write: virtual_server fwmark <0..4294967295> {");
  return undefined;
}

function openBfd(draft: LvsDraft, [name, surplus]: readonly Word[], context: Context): BfdInstanceDraft | undefined {
  const { at, diagnostics } = context;
  const failed = (message: string, hint: string): undefined => {
    diagnostics.error("CFG_BAD_VALUE", name?.at ?? at, `Configuration error: BFD instance ${message}`, hint);
  };
  if (name === undefined || name.text === "") {
    reportMissing(context, 2, "NAME {"); // keepalived crashes here
    return undefined;
  }
  adviseSurplus(surplus, context);
  if (Buffer.byteLength(name.text) > BFD_NAME_LONGEST) {
    const message = `${name.text} name too long (maximum length is ${BFD_NAME_LONGEST} characters) - ignoring`;
    return failed(message, "write a shorter name");
  }
  if (draft.bfdNames.has(name.text)) {
    return failed(`${name.text} already configured - ignoring`, "give each session its own name");
  }
  draft.bfdNames.add(name.text);
  const session: BfdInstanceDraft = { name: name.text, at };
  draft.bfdInstances.push(session);
  return session;
}
