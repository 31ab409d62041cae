import { parseIp } from "../ip.js";
import { type Context, type Described, type Keyword, keywordsFor, type ListKeyword } from "../keyword.js";
import type { Word } from "../lexer.js";
import { type OptionWord, optionsFor, readOptions } from "../option-words.js";
import { type AddressDraft, addressOptions, parseAddressLine } from "./address-line.js";
import { u8 } from "./net-args.js";
import { parseRouteLine, routeTable } from "./route-line.js";
import { parseRuleLine, ruleOptions } from "./rule-line.js";
import { parseTrackLine, type TrackDraft, type TrackKind, trackKinds, trackOptions } from "./track-line.js";
import type { TrackLists, VrrpInstanceDraft } from "./vrrp-instance-draft.js";

const keyword = keywordsFor<VrrpInstanceDraft>();

const addresses = (list: (draft: VrrpInstanceDraft) => AddressDraft[], doc: string): ListKeyword<VrrpInstanceDraft> =>
  keyword.list({
    entries: "lines",
    shape: "<address>[/<prefix>] [<option> ...]",
    options: addressOptions,
    entry: (draft, words, context) => {
      const address = parseAddressLine(words, context);
      if (address !== undefined) list(draft).push(address);
    },
    doc,
  });

type Meta = Pick<Described, "doc" | "since" | "ours" | "source">;

/** The track_* blocks of an instance or of a sync group. */
export function trackKeywords<Draft extends TrackLists>() {
  const { list } = keywordsFor<Draft>();
  const block = (kind: TrackKind, entries: (draft: Draft) => TrackDraft[], meta: Meta) =>
    list({
      entries: "lines",
      shape: `<name> [weight <-${kind.most}..${kind.most}> [reverse${kind.noreverse ? "|noreverse" : ""}]]`,
      options: trackOptions(kind),
      entry: (draft, words, context) => {
        const entry = parseTrackLine(words, kind, context);
        if (entry !== undefined) entries(draft).push(entry);
      },
      ...meta,
    });
  return {
    track_interface: block(trackKinds.interface, (draft) => draft.trackInterfaces, {
      doc: "Interfaces whose state counts; weight 0 means fault.",
    }),
    track_script: block(trackKinds.script, (draft) => draft.trackScripts, {
      doc: "Scripts whose result counts; each is declared before.",
    }),
    track_file: block(trackKinds.file, (draft) => draft.trackFiles, {
      doc: "Files whose number, times the weight, changes the priority; each is declared before.",
    }),
    track_process: block(trackKinds.process, (draft) => draft.trackProcesses, {
      since: "2.0.11",
      doc: "Processes whose presence counts; each is declared before.",
    }),
    track_bfd: block(trackKinds.bfd, (draft) => draft.trackBfds, {
      doc: "BFD sessions whose state counts; each is declared before.",
    }),
    track_quorum: block(trackKinds.quorum, (draft) => draft.trackQuorums, {
      ours: true,
      source: "docs/directors-faults.md",
      doc: "Virtual servers whose quorum counts, by the names that they have in the log.",
    }),
  } as const;
}

interface PeerOptions {
  minTtl?: number;
  maxTtl?: number;
}

const peer = optionsFor<PeerOptions>();

const peerOptions: Readonly<Record<string, OptionWord<PeerOptions>>> = {
  min_ttl: peer.field("minTtl", u8, { default: "0", doc: "Lowest TTL of adverts from this peer." }),
  max_ttl: peer.field("maxTtl", u8, { default: "255", doc: "Highest TTL of adverts from this peer." }),
};

function readPeer(draft: VrrpInstanceDraft, [word, ...words]: readonly [Word, ...Word[]], context: Context): void {
  const { diagnostics } = context;
  const address = parseIp(word.text);
  draft.unicastKeyword = true;
  if (address === undefined) {
    const message = `(${draft.name}) unicast peer '${word.text}' is not an IP address - skipping`;
    diagnostics.error("CFG_BAD_VALUE", word.at, message, "write one address per line");
    return;
  }
  const options: PeerOptions = {};
  const missing = ({ text, at }: Word, shape: string): void => {
    diagnostics.error(
      "CFG_BAD_VALUE",
      at,
      `(${draft.name}) ${text} is missing a value - ignoring`,
      `write: ${text} ${shape}`,
    );
  };
  // What cannot be read leaves the peer as it is.
  readOptions(options, words, context, {
    table: peerOptions,
    of: `unicast peer ${address}`,
    scope: "unicast_peer",
    missing,
  });
  const { minTtl, maxTtl } = options;
  if ((minTtl ?? 0) > (maxTtl ?? 255)) {
    const message = `(${draft.name}) min_ttl ${minTtl} > max_ttl ${maxTtl} - all packets will be discarded`;
    diagnostics.error("CFG_BAD_VALUE", word.at, message, "change places");
  }
  draft.unicastPeers.push({ address, at: word.at, minTtl, maxTtl });
}

/** The blocks of lines inside a `vrrp_instance`. */
export const vrrpListKeywords: Readonly<Record<string, Keyword<VrrpInstanceDraft>>> = {
  virtual_ipaddress: addresses(
    (draft) => draft.addresses,
    "Addresses that are advertised, and held while master; one per line.",
  ),
  virtual_ipaddress_excluded: addresses(
    (draft) => draft.excluded,
    "Addresses held while master but not advertised; either family.",
  ),
  virtual_routes: keyword.list({
    entries: "lines",
    shape: "<destination>[/<prefix>] [<option> ...]",
    options: routeTable,
    entry: (draft, words, context) => {
      const route = parseRouteLine(words, context);
      if (route !== undefined) draft.routes.push(route);
    },
    doc: "Routes that are there while master; one per line.",
  }),
  virtual_rules: keyword.list({
    entries: "lines",
    shape: "<option> ...",
    options: ruleOptions,
    entry: (draft, words, context) => {
      const rule = parseRuleLine(words, context);
      if (rule !== undefined) draft.rules.push(rule);
    },
    doc: "Policy rules that are there while master; one per line.",
  }),
  ...trackKeywords<VrrpInstanceDraft>(),
  unicast_peer: keyword.list({
    entries: "lines",
    shape: "<address> [min_ttl <0..255>] [max_ttl <0..255>]",
    options: peerOptions,
    entry: readPeer,
    doc: "Adverts go to these addresses instead of the multicast group.",
  }),
};
