import { choice, text } from "../args.js";
import { parseIp } from "../ip.js";
import { type Keyword, keywordsFor, type Scope } from "../keyword.js";
import { parseAddressLine } from "./address-line.js";
import { parseTrackLine } from "./track-line.js";
import type { VrrpInstanceDraft } from "./vrrp-instance.js";

const keyword = keywordsFor<VrrpInstanceDraft>();

const authentication: Scope<VrrpInstanceDraft> = {
  name: "authentication",
  keywords: {
    auth_type: keyword.value({
      args: [choice("PASS", "AH")],
      apply: (draft, [type]) => {
        draft.authType = type;
      },
      onInvalid: "ignore",
      repeat: "last-wins",
      source: "keepalived.conf(5)",
      doc: "PASS: plain password in version 2 adverts.",
    }),
    auth_pass: keyword.value({
      args: [text],
      apply: (draft, [password], { diagnostics, at }) => {
        const bytes = Buffer.from(password);
        if (bytes.length > 8) {
          diagnostics.warn(
            "CFG_ADJUSTED",
            at,
            "Truncating auth_pass to 8 characters",
            "use a password of 8 characters",
          );
        }
        draft.authPass = bytes.length > 8 ? bytes.subarray(0, 8).toString() : password;
      },
      onInvalid: "ignore",
      repeat: "last-wins",
      source: "keepalived.conf(5)",
      doc: "The password; 8 octets of it are used.",
    }),
  },
  later: [],
};

/** The blocks inside a `vrrp_instance`. */
export const vrrpListKeywords: Readonly<Record<string, Keyword<VrrpInstanceDraft>>> = {
  authentication: keyword.block({
    shape: "{ ... }",
    enter: (draft, _header, _context, read) => read(authentication, draft),
    source: "keepalived.conf(5)",
    doc: "Authentication of version 2.",
  }),
  virtual_ipaddress: keyword.list({
    entries: "lines",
    entry: (draft, words, context) => {
      const address = parseAddressLine(words, context);
      if (address !== undefined) draft.addresses.push({ address, at: context.at });
    },
    source: "keepalived.conf(5)",
    doc: "Addresses that are advertised, and held while master; one per line.",
  }),
  virtual_ipaddress_excluded: keyword.list({
    entries: "lines",
    entry: (draft, words, context) => {
      const address = parseAddressLine(words, context);
      if (address !== undefined) draft.excluded.push({ address, at: context.at });
    },
    source: "keepalived.conf(5)",
    doc: "Addresses held while master but not advertised; either family.",
  }),
  track_interface: keyword.list({
    entries: "lines",
    entry: (draft, words, context) => {
      const entry = parseTrackLine(words, "track_interface", context);
      if (entry !== undefined) draft.trackInterfaces.push(entry);
    },
    source: "keepalived.conf(5)",
    doc: "Interfaces whose state affects the instance; weight 0 means fault.",
  }),
  track_script: keyword.list({
    entries: "lines",
    entry: (draft, words, context) => {
      const entry = parseTrackLine(words, "track_script", context);
      if (entry !== undefined) draft.trackScripts.push(entry);
    },
    source: "keepalived.conf(5)",
    doc: "Scripts whose result affects the instance.",
  }),
  unicast_peer: keyword.list({
    entries: "lines",
    entry: (draft, [word, ...options], { diagnostics }) => {
      const address = parseIp(word.text);
      draft.unicastKeyword = true;
      if (options[0] !== undefined) {
        const message = `'${options[0].text}' of a unicast peer is accepted, without effect in this version`;
        diagnostics.warn("CFG_LATER", options[0].at, message);
      }
      if (address !== undefined) draft.unicastPeers.push({ address, at: word.at });
      else {
        const message = `(${draft.name}) unicast peer '${word.text}' is not an IP address - skipping`;
        diagnostics.error("CFG_BAD_VALUE", word.at, message, "write one address per line");
      }
    },
    source: "keepalived.conf(5)",
    doc: "Adverts go to these addresses instead of the multicast group.",
  }),
};
